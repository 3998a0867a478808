from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes

from tests.reading.made import affine, block, cut, dicom_bytes, enhanced
from tumorlens.errors import ScanContentError
from tumorlens.measured_outline import measure_volume
from tumorlens.model import Model
from tumorlens.notice import NOTICE
from tumorlens.outlining import measure_outline
from tumorlens.prediction import Prediction, predict
from tumorlens.reading import find_sources, read_source
from tumorlens.reading.dicom.origin import trace
from tumorlens.reporting.dicom_report import make_report
from tumorlens.reporting.dicom_seg import make_segmentation
from tumorlens.reporting.dicom_series import save
from tumorlens.scan import Volume

from .made_dicom import PATIENT, STUDY, dump, needs_dcmtk, write_series, write_single


def write(path: Path, source_path: Path, model: Model, *, segmented: bool = False):
    """The answer and outline of a source, and its report in a file."""
    source = find_sources(source_path).sources[0]
    scan = read_source(source)
    answer = predict(scan, model=model)
    outline = measure_outline(scan, answer)
    origin = trace(source.files, source=source.name)
    segmentation = make_segmentation(origin, outline.mask, answer.model) if segmented else None
    save(make_report(origin, answer, outline, segmentation), path)
    return answer, outline


def values_of(group: highdicom.sr.MeasurementsAndQualitativeEvaluations) -> dict[str, float]:
    return {one.name.meaning: one.value for one in group.get_measurements()}


def test_a_volumes_whole_answer_stands_in_it(tmp_path: Path, outlining: Model) -> None:
    folder = write_series(tmp_path / "series")
    answer, outline = write(tmp_path / "sr.dcm", folder, outlining, segmented=True)
    report = highdicom.sr.srread(tmp_path / "sr.dcm").content
    whole, *slices = report.get_image_measurement_groups()
    assert whole.finding_type.meaning == answer.label.replace("_", " ")
    for label, probability in answer.probabilities.items():
        told = values_of(whole)[f"Probability of {label.replace('_', ' ')}"]
        assert told == pytest.approx(probability, abs=1e-5)
    assert len(whole.source_images) == 6
    images = [int(one.source_images[0].referenced_sop_instance_uid[-1]) - 1 for one in slices]
    assert images == list(answer.suspicious)
    assert outline.mask.any()
    (region,) = report.get_volumetric_roi_measurement_groups()
    assert values_of(region)["Volume"] == pytest.approx(outline.volume_ml, abs=1e-3)
    assert values_of(region)["Diameter"] == pytest.approx(outline.outline.diameter_mm, abs=1e-3)


def remarks_of(made: Dataset) -> list[str]:
    return [
        item.TextValue
        for item in made.ContentSequence
        if item.ValueType == "TEXT"
        and item.ConceptNameCodeSequence[0].CodeValue == codes.DCM.Comment.value
    ]


@pytest.mark.parametrize("segmented", [True, False])
def test_the_largest_slice_is_found_among_the_sources_images(
    tmp_path: Path, outlining: Model, segmented: bool
) -> None:
    folder = write_series(tmp_path / "series")
    _, outline = write(tmp_path / "sr.dcm", folder, outlining, segmented=segmented)
    image = dcmread(folder / f"{outline.largest}.dcm")
    report = highdicom.sr.srread(tmp_path / "sr.dcm")
    groups = (
        report.content.get_volumetric_roi_measurement_groups()
        if segmented
        else report.content.get_image_measurement_groups()[-1:]
    )
    seen = {
        one.name.meaning: [i.referenced_sop_instance_uid for i in one.referenced_images]
        for group in groups
        for one in group.get_measurements()
    }
    assert seen.pop("Volume") == []
    assert set(seen) == {"Area", "Diameter", "Area in percent of the head in the largest slice"}
    assert all(uids == [image.SOPInstanceUID] for uids in seen.values())
    (said,) = (text for text in remarks_of(report) if "largest outline" in text)
    assert said.endswith(f"in image {image.InstanceNumber} of the series.")


def outlined_block(folder: Path, images: list[FileDataset], model: Model) -> Dataset:
    """The report of made-up images with an outline in the fourth slice as shown."""
    folder.mkdir()
    for index, made in enumerate(images):
        for name, value in (PATIENT | STUDY).items():
            setattr(made, name, value)
        (folder / f"{index:02d}.dcm").write_bytes(dicom_bytes(made))
    source = find_sources(folder).sources[0]
    volume = read_source(source)
    assert isinstance(volume, Volume)
    mask = np.zeros(volume.voxels.shape, bool)
    mask[3, 4:7, 4:7] = True
    origin = trace(source.files, source=source.name)
    return make_report(origin, predict(volume, model=model), measure_volume(mask, volume))


def images_of_measurements(made: Dataset) -> list[tuple[str, object]]:
    images = [
        item.ReferencedSOPSequence[0]
        for found in made.iterall()
        if found.keyword == "ContentSequence"
        for item in found.value
        if item.ValueType == "IMAGE" and item.RelationshipType == "INFERRED FROM"
    ]
    return [(one.ReferencedSOPInstanceUID, one.get("ReferencedFrameNumber")) for one in images]


def test_the_largest_slice_may_be_a_frame_or_lie_across_the_images(
    tmp_path: Path, model: Model
) -> None:
    frames = enhanced(block())
    frames.InstanceNumber = None
    made = outlined_block(tmp_path / "frames", [frames], model)
    ((uid, frame), *others) = images_of_measurements(made)
    assert set(others) == {(uid, frame)}
    position = frames.PerFrameFunctionalGroupsSequence[frame - 1].PlanePositionSequence[0]
    assert position.ImagePositionPatient[2] == affine()[2, 3] + 3
    assert any(f"in frame {frame} of image {uid} of the" in text for text in remarks_of(made))

    made = outlined_block(tmp_path / "across", cut(block(), affine(), (0, 2, 1)), model)
    assert images_of_measurements(made) == []
    assert any("in the slice along row 4 of every image" in text for text in remarks_of(made))


def test_the_notice_and_the_patient_stand_in_it(tmp_path: Path, outlining: Model) -> None:
    write(tmp_path / "sr.dcm", write_single(tmp_path / "one.dcm"), outlining)
    made = dcmread(tmp_path / "sr.dcm")
    assert remarks_of(made)[0] == NOTICE
    for name, value in PATIENT.items():
        assert str(made[name].value) == value
    evidence = made.CurrentRequestedProcedureEvidenceSequence[0]
    assert evidence.StudyInstanceUID == made.StudyInstanceUID == STUDY["StudyInstanceUID"]
    assert evidence.ReferencedSeriesSequence[0].SeriesInstanceUID == STUDY["SeriesInstanceUID"]
    assert (made.CompletionFlag, made.VerificationFlag) == ("COMPLETE", "UNVERIFIED")


def test_a_source_without_a_place_in_space_can_be_reported(tmp_path: Path, model: Model) -> None:
    """Only an outline needs it; this model draws none."""
    path = write_single(tmp_path / "one.dcm", FrameOfReferenceUID=None)
    source = find_sources(path).sources[0]
    scan = read_source(source)
    made = make_report(trace([path], source="one"), predict(scan, model=model), None)
    assert made.PatientID == PATIENT["PatientID"]
    bare = write_single(tmp_path / "bare.dcm", StudyInstanceUID=None)
    with pytest.raises(ScanContentError, match="StudyInstanceUID"):
        make_report(trace([bare], source="bare"), predict(scan, model=model), None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"skull_strip": "radial"}, "taken off by radial"), ({"tta": True}, "mirror image too")],
)
def test_how_it_was_answered_is_remarked(
    tmp_path: Path, model: Model, changes: dict[str, Any], words: str
) -> None:
    path = write_single(tmp_path / "one.dcm")
    answer = predict(read_source(find_sources(path).sources[0]), model=model)
    assert isinstance(answer, Prediction)
    for told, is_said in ((answer, False), (replace(answer, **changes), True)):
        made = make_report(trace([path], source="one"), told, None)
        said = [item.TextValue for item in made.ContentSequence if item.ValueType == "TEXT"]
        assert any(words in text for text in said) == is_said


@needs_dcmtk
def test_dcmtk_reads_it(tmp_path: Path, outlining: Model) -> None:
    answer, outline = write(
        tmp_path / "sr.dcm", write_series(tmp_path / "series"), outlining, segmented=True
    )
    told = dump("dsrdump", "+Pl", tmp_path / "sr.dcm")
    assert "Comprehensive SR Document" in told
    assert NOTICE in told
    assert f'99TUMORLENS,"{answer.label.replace("_", " ")}"' in told
    assert f'"{round(outline.volume_ml, 3)}" (mL,UCUM,"milliliter")' in told
    assert "=ComprehensiveSRStorage" in dump("dcmdump", tmp_path / "sr.dcm")
