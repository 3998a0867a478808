from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from tests.reading.made import affine, block, dicom_bytes, enhanced
from tumorlens.errors import ScanContentError
from tumorlens.model_identity import ModelIdentity
from tumorlens.reading import read_scan
from tumorlens.reading.dicom.origin import Origin, trace
from tumorlens.reporting.dicom_seg import make_segmentation
from tumorlens.reporting.dicom_series import SHORT_NOTICE, making, save

from .made_dicom import PATIENT, STUDY, dump, needs_dcmtk, write_series, write_single

MODEL = ModelIdentity("tiny", "0.0.1", "ab" * 32)


def origin_of(folder: Path) -> Origin:
    files = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    return trace(files, source=str(folder))


def test_the_mask_lies_on_the_sources_own_frames(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    volume = read_scan(folder)
    mask = volume.voxels > np.percentile(volume.voxels, 98)
    save(make_segmentation(origin_of(folder), mask, MODEL), tmp_path / "seg.dcm")
    read = highdicom.seg.segread(tmp_path / "seg.dcm")
    sources = sorted((dcmread(path) for path in folder.iterdir()), key=lambda d: d.InstanceNumber)
    least = np.percentile(volume.voxels, 98)
    found = read.get_pixels_by_source_instance(
        [source.SOPInstanceUID for source in sources],
        combine_segments=True,
        assert_missing_frames_are_empty=True,
    )
    np.testing.assert_array_equal(found, [source.pixel_array > least for source in sources])
    assert len(read.PerFrameFunctionalGroupsSequence) == sum(
        bool((source.pixel_array > least).any()) for source in sources
    )


def test_it_stands_in_the_sources_study_with_the_sources_patient(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    save(make_segmentation(origin_of(folder), marked(), MODEL), tmp_path / "seg.dcm")
    made = dcmread(tmp_path / "seg.dcm")
    for name, value in PATIENT.items():
        assert str(made[name].value) == value
    assert made.StudyInstanceUID == STUDY["StudyInstanceUID"]
    assert made.FrameOfReferenceUID == STUDY["FrameOfReferenceUID"]
    assert made.ReferencedSeriesSequence[0].SeriesInstanceUID == STUDY["SeriesInstanceUID"]
    assert made.SeriesInstanceUID != STUDY["SeriesInstanceUID"]
    assert SHORT_NOTICE in made.SeriesDescription
    assert made.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC"
    algorithm = made.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert MODEL.sha256 in algorithm.AlgorithmParameters


def test_an_empty_mask_gives_empty_frames(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    made = make_segmentation(origin_of(folder), np.zeros((6, 96, 96), bool), MODEL)
    assert made.NumberOfFrames == 6
    assert not made.pixel_array.any()


def frame_by_frame(image: Dataset) -> None:
    """Orientation and spacing told anew for each frame, with other last digits."""
    shared = image.SharedFunctionalGroupsSequence[0]
    for index, frame in enumerate(image.PerFrameFunctionalGroupsSequence):
        frame.PixelMeasuresSequence = deepcopy(shared.PixelMeasuresSequence)
        frame.PlaneOrientationSequence = deepcopy(shared.PlaneOrientationSequence)
        turned = [1, index * 1e-6, 0, -index * 1e-6, 1, 0]
        frame.PlaneOrientationSequence[0].ImageOrientationPatient = turned
    del shared.PixelMeasuresSequence, shared.PlaneOrientationSequence


@pytest.mark.parametrize("change", [lambda _: None, frame_by_frame])
def test_frames_of_one_file_in_any_order(tmp_path: Path, change: Callable[[Dataset], None]) -> None:
    image = enhanced(block())
    image.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness = 1.0
    change(image)
    for name, value in (PATIENT | STUDY).items():
        setattr(image, name, value)
    path = tmp_path / "enhanced.dcm"
    path.write_bytes(dicom_bytes(image))
    mask = read_scan(path).voxels > 800
    made = make_segmentation(origin_of(path), mask, MODEL)
    np.testing.assert_allclose(affine()[:3, :3], np.eye(3))
    for position, frame in zip(
        made.PerFrameFunctionalGroupsSequence, made.pixel_array, strict=True
    ):
        where = position.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
        np.testing.assert_array_equal(frame > 0, image.pixel_array[where - 1] > 800)


def test_elements_that_may_be_empty_may_be_absent_or_wrong(tmp_path: Path) -> None:
    wrong = {"PatientID": None, "PatientName": None, "PatientSex": "X", "StudyTime": None}
    path = write_single(tmp_path / "one.dcm", **wrong)
    made = make_segmentation(origin_of(path), np.ones((96, 80), bool), MODEL)
    assert (made.PatientID, str(made.PatientName), made.PatientSex) == ("", "", "")


def changed(folder: Path, change: Callable[[Dataset, int], None]) -> Path:
    """A series with something changed in each file, whose index is told."""
    for index, path in enumerate(sorted(folder.iterdir())):
        made = dcmread(path)
        change(made, index)
        made.save_as(path)
    return folder


def marked() -> np.ndarray:
    mask = np.zeros((6, 96, 96), bool)
    mask[3, 40:50, 30:40] = True
    return mask


def test_orientations_may_differ_in_their_last_digits(tmp_path: Path) -> None:
    def turn(made: Dataset, index: int) -> None:
        made.ImageOrientationPatient = [1, index * 1e-6, 0, -index * 1e-6, 1, 0]

    origin = origin_of(changed(write_series(tmp_path / "series"), turn))
    made = make_segmentation(origin, marked(), MODEL)
    assert made.pixel_array.sum() == marked().sum()
    orientation = made.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    assert orientation.ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
    assert origin.headers[3].ImageOrientationPatient[1] == 3e-6  # the source's own stay


def test_the_thickness_may_be_absent(tmp_path: Path) -> None:
    origin = origin_of(write_series(tmp_path / "series", SliceThickness=None))
    made = make_segmentation(origin, marked(), MODEL)
    assert made.pixel_array.sum() == marked().sum()
    assert not any("SliceThickness" in header for header in origin.headers)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("StudyInstanceUID", "1.2.3", "all be part of the same series"),
        ("FrameOfReferenceUID", "1.2.3", "all be part of the same series"),
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], "must have a shared orientation"),
    ],
)
def test_what_highdicom_says_is_passed_on(
    tmp_path: Path, name: str, value: object, words: str
) -> None:
    def change(made: Dataset, index: int) -> None:
        if index == 2:
            setattr(made, name, value)

    folder = changed(write_series(tmp_path / "series"), change)
    with pytest.raises(ScanContentError, match=words) as caught:
        make_segmentation(origin_of(folder), marked(), MODEL)
    assert "damaged" not in str(caught.value)
    assert "--dicom" in caught.value.remedy
    assert "Muster" not in str(caught.value)


def test_words_of_other_libraries_might_quote_the_patient() -> None:
    with (
        pytest.raises(ScanContentError, match="refuses: ValueError") as caught,
        making("Segmentation", source="series"),
    ):
        raise ValueError("Muster")
    assert "Muster" not in str(caught.value)


@pytest.mark.parametrize(
    "absent",
    ["StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "ImagePositionPatient"],
)
def test_what_is_absent_is_named_without_the_patient(tmp_path: Path, absent: str) -> None:
    path = write_single(tmp_path / "one.dcm", **{absent: None})
    with pytest.raises(ScanContentError, match=absent) as caught:
        make_segmentation(origin_of(path), np.ones((96, 80), bool), MODEL)
    assert "Muster" not in str(caught.value)
    assert "--dicom" in caught.value.remedy


def test_images_of_one_uid_cannot_be_referred_to(tmp_path: Path) -> None:
    series = write_series(tmp_path / "series", SOPInstanceUID="1.2.3")
    with pytest.raises(ScanContentError, match="several images of one SOPInstanceUID"):
        make_segmentation(origin_of(series), np.ones((6, 96, 96), bool), MODEL)


@needs_dcmtk
def test_dcmtk_reads_it(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    mask = np.zeros((6, 96, 96), bool)
    mask[2:4, 40:50, 30:40] = True
    save(make_segmentation(origin_of(folder), mask, MODEL), tmp_path / "seg.dcm")
    told = dump("dcmdump", tmp_path / "seg.dcm")
    assert "=SegmentationStorage" in told
    assert "[2]" in next(line for line in told.splitlines() if "NumberOfFrames" in line)
