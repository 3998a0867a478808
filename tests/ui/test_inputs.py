import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from tests.ui.made import nifti, png, series, upload, zipped
from tumorlens.errors import (
    ScanContentError,
    ScanCorruptError,
    ScanEmptyError,
    ScanFormatError,
    ScanTooLargeError,
)
from tumorlens.reading import Limits
from tumorlens.scan import Scan, Volume
from tumorlens.ui import inputs
from tumorlens.ui.inputs import find_inputs, read_input
from tumorlens.ui.settings import SMALL


def names(*uploads: tuple[str, bytes]) -> list[str]:
    return [one.name for one in find_inputs([upload(*u) for u in uploads], limits=SMALL)]


def test_files_of_one_scan_are_inputs_of_their_own(volume: Volume) -> None:
    found = find_inputs([upload("a.png", png()), upload("v.nii", nifti(volume))], limits=SMALL)
    scan, read = (read_input(one, limits=SMALL) for one in found)
    assert [one.name for one in found] == ["a.png", "v.nii"]
    assert isinstance(scan, Scan)
    assert isinstance(read, Volume)
    assert np.array_equal(read.voxels, volume.voxels)
    assert read.spacing_mm == (5.0, 1.0, 1.0)


def test_the_files_of_a_series_are_one_volume_among_other_uploads(volume: Volume) -> None:
    files = [upload(f"IM{number}", data) for number, data in enumerate(series(volume))]
    found = find_inputs([upload("a.png", png()), *files], limits=SMALL)
    read = read_input(found[1], limits=SMALL)
    assert [one.name for one in found] == ["a.png", "IM0 and 11 more"]
    assert isinstance(read, Volume)
    assert np.array_equal(read.voxels, np.trunc(volume.voxels))


def test_a_series_that_grows_is_another_input(volume: Volume) -> None:
    files = [upload(f"IM{number}", data) for number, data in enumerate(series(volume))]
    (some,), (whole,) = (find_inputs(part, limits=SMALL) for part in (files[:11], files))
    assert some.key != whole.key


def test_a_zip_of_a_series_is_one_volume(volume: Volume) -> None:
    members = {f"head/IM{n}": data for n, data in enumerate(series(volume))}
    (one,) = find_inputs([upload("head.zip", zipped(members))], limits=SMALL)
    read = read_input(one, limits=SMALL)
    assert one.name == "head.zip"
    assert isinstance(read, Volume)
    assert read.source == "head.zip"
    assert np.array_equal(read.voxels, np.trunc(volume.voxels))


def test_each_scan_of_a_zip_is_an_input(volume: Volume) -> None:
    data = zipped({"b/2.png": png(0), "a/1.png": png(150), "v.nii": nifti(volume)})
    found = find_inputs([upload("all.zip", data)], limits=SMALL)
    read = [read_input(one, limits=SMALL) for one in found]
    assert [one.name for one in found] == ["all.zip: a/1.png", "all.zip: b/2.png", "all.zip: v.nii"]
    assert [type(one) for one in read] == [Scan, Scan, Volume]
    assert len({one.key for one in found}) == 3
    assert isinstance(read[0], Scan)
    assert isinstance(read[1], Scan)
    assert read[0].pixels.max() > read[1].pixels.max()


def test_inputs_of_one_name_are_told_apart() -> None:
    assert names(("a.png", png()), ("a.png", png())) == ["a.png", "a.png (2)"]
    four = [(name, png()) for name in ("a", "a", "a (2)", "a")]
    assert names(*four) == ["a", "a (3)", "a (2)", "a (4)"]


def test_a_scan_of_a_zip_is_read_without_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip of a thousand pictures was unpacked a thousand times."""
    data = zipped({f"{n}.png": png(10.0 * n) for n in range(5)})
    found = find_inputs([upload("all.zip", data)], limits=SMALL)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("unpacked again")

    monkeypatch.setattr(inputs, "unpacked", forbidden)
    pixels = [read_input(one, limits=SMALL).pixels for one in found]  # type: ignore[union-attr]
    assert [one.max() for one in pixels] == sorted({one.max() for one in pixels})


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_scans_of_one_name_in_a_zip_are_not_mixed_up() -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for blob in (0.0, 150.0):
            made.writestr("a.png", png(blob))
    found = find_inputs([upload("twice.zip", file.getvalue())], limits=SMALL)
    first, second = (read_input(one, limits=SMALL) for one in found)
    assert isinstance(first, Scan)
    assert isinstance(second, Scan)
    assert first.pixels.max() < second.pixels.max()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ScanEmptyError),
        (b"a text", ScanFormatError),
        (zipped({"a.png": png()})[:-40], ScanCorruptError),
        (zipped({"notes.txt": b"none"}), ScanEmptyError),
        (zipped({"a.png": png()[:200]}), ScanCorruptError),
    ],
)
def test_what_cannot_be_read_is_an_input_that_says_why(data: bytes, error: type[Exception]) -> None:
    (one,) = find_inputs([upload("a", data)], limits=SMALL)
    with pytest.raises(error):
        read_input(one, limits=SMALL)


def test_limits_hold(volume: Volume) -> None:
    (one,) = find_inputs([upload("v.nii", nifti(volume))], limits=SMALL)
    with pytest.raises(ScanTooLargeError):
        read_input(one, limits=Limits(max_voxels=1000))


def test_nothing_is_left_on_the_disk(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files = [upload(f"IM{number}", data) for number, data in enumerate(series(volume))]
    for one in find_inputs([*files, upload("a.zip", zipped({"a.png": png()}))], limits=SMALL):
        read_input(one, limits=SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_lone_dicom_file_that_is_no_image_is_refused(volume: Volume) -> None:
    report = series(volume)[0][:400]
    (one,) = find_inputs([upload("report", report)], limits=SMALL)
    with pytest.raises((ScanCorruptError, ScanContentError, ScanFormatError)):
        read_input(one, limits=SMALL)
