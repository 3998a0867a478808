from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless

from tests.reading.made import (
    affine,
    block,
    cut,
    dataset,
    dicom_bytes,
    enhanced,
    needs_data,
    picture,
    pixels_of,
    turns,
)
from tumorlens.reading import find_sources, read_source
from tumorlens.reading.dicom.origin import trace
from tumorlens.reading.formats import load_series_reader
from tumorlens.reading.limits import DEFAULT_LIMITS

from .made import DATA


def write(folder: Path, images: list, **options) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = []
    for index, image in enumerate(images):
        paths.append(folder / f"{index:03d}.dcm")
        paths[-1].write_bytes(dicom_bytes(image, **options))
    return paths


def stored_pixels(paths: list[Path]) -> np.ndarray:
    frames = [dcmread(path).pixel_array for path in paths]
    return np.concatenate([np.atleast_3d(f.T).T if f.ndim == 2 else f for f in frames])


def check_round_trip(paths: list[Path]) -> None:
    """What stands out in the scan stands out in the same stored pixels."""
    source = find_sources([paths[0].parent]).sources[0]
    shown = pixels_of(read_source(source))
    origin = trace(source.files, source=source.name)
    stored = stored_pixels(paths)
    assert origin.shape == stored.shape
    for least in np.percentile(stored, (30, 95)):
        np.testing.assert_array_equal(origin.to_stored(shown > least), stored > least)


@pytest.mark.parametrize(("order", "signs"), turns()[::5])
def test_a_mask_goes_back_to_the_stored_pixels(tmp_path: Path, order, signs) -> None:
    matrix = affine((1.0, 1.0, 3.0)) @ np.diag([*signs, 1.0])
    check_round_trip(write(tmp_path / "series", cut(block(), matrix, order)))


def test_frames_in_any_order_compressed_files_and_copies(tmp_path: Path) -> None:
    check_round_trip(write(tmp_path / "enhanced", [enhanced(block())]))
    check_round_trip(write(tmp_path / "rle", [dataset(picture())], syntax=RLELossless))
    inverted = dataset(picture(), PhotometricInterpretation="MONOCHROME1")
    paths = write(tmp_path / "inverted", [inverted])
    origin = trace(paths, source="inverted")
    shown = load_series_reader().read_series(paths, source="", limits=DEFAULT_LIMITS)
    dark = pixels_of(shown) == pixels_of(shown).min()
    np.testing.assert_array_equal(origin.to_stored(dark)[0], picture() == picture().max())
    slices = cut(block(), affine(), (2, 1, 0))
    paths = write(tmp_path / "copies", [slices[0], *slices])
    origin = trace(paths, source="copies")
    assert len(origin.headers) == origin.shape[0] == len(slices)


def test_headers_come_without_pixels_and_slices_know_their_images(tmp_path: Path) -> None:
    slices = cut(block(), affine((1, 1, 4)), (2, 1, 0))
    origin = trace(write(tmp_path / "axial", slices[::-1]), source="axial")
    assert not any("PixelData" in header for header in origin.headers)
    for index, made in enumerate(slices):
        header, frame = origin.image_of(index)
        assert (header.SOPInstanceUID, frame) == (made.SOPInstanceUID, None)
    origin = trace(write(tmp_path / "frames", [enhanced(block())]), source="frames")
    frames = {origin.image_of(index)[1] for index in range(origin.shape[0])}
    assert frames == set(range(1, origin.shape[0] + 1))


def test_slices_cut_across_the_stored_ones_are_no_image(tmp_path: Path) -> None:
    origin = trace(
        write(tmp_path / "sagittal", cut(block(), affine(), (0, 2, 1))), source="sagittal"
    )
    assert origin.shape[0] == block().shape[0]  # stored as sagittal, shown as axial
    assert len(origin.places) == block().shape[2]
    assert origin.image_of(0) is None


@pytest.mark.parametrize(("order", "line"), [((0, 2, 1), "row"), ((0, 1, 2), "column")])
def test_slices_cut_across_the_stored_ones_know_their_line(tmp_path: Path, order, line) -> None:
    paths = write(tmp_path / "sagittal", cut(block(), affine(), order))
    source = find_sources([tmp_path / "sagittal"]).sources[0]
    origin, shown = trace(source.files, source="sagittal"), pixels_of(read_source(source))
    for index in (0, 5):
        found, number = origin.line_of(index)
        assert found == line
        stored = np.take(stored_pixels(paths), number - 1, axis=1 if line == "row" else 2)
        np.testing.assert_array_equal(np.sort(stored.ravel()), np.sort(shown[index].ravel()))


@needs_data
def test_a_real_series() -> None:
    check_round_trip(sorted((DATA / "volumes" / "dicom_t1").iterdir()))
