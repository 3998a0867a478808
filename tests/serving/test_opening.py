import numpy as np
import pytest

from tests.reading.made import ALL, EXAMPLES, affine, block, cut, dicom_bytes, pixels_of
from tests.serving.conftest import packed
from tumorlens.errors import ScanContentError, ScanEmptyError, ScanFormatError
from tumorlens.reading import Limits, read_data
from tumorlens.scan import Scan, Volume
from tumorlens.serving.errors import BusyError
from tumorlens.serving.opening import Upload, open_upload, pick_slice

LIMITS = Limits()


def _open(data: bytes, name: str = "x") -> Scan | Volume:
    return open_upload(Upload(name, data), limits=LIMITS)


@pytest.mark.parametrize(("reader", "name"), ALL)
def test_every_format_is_read_plain_and_zipped(reader: str, name: str) -> None:
    data = EXAMPLES[reader][name]()
    plain, zipped = _open(data), _open(packed({"folder/file": data}))
    np.testing.assert_array_equal(pixels_of(plain), pixels_of(zipped))
    np.testing.assert_array_equal(pixels_of(plain), pixels_of(read_data(data, source="x")))
    assert plain.source == zipped.source == "x"


def test_a_zipped_series_is_one_volume() -> None:
    slices = cut(block(), affine(), (2, 1, 0))
    files = {f"p/{n}.dcm": dicom_bytes(one) for n, one in enumerate(slices)}
    read = _open(packed(files), "series.zip")
    assert isinstance(read, Volume)
    assert read.voxels.shape == (14, 12, 10)
    assert read.source == "series.zip"


def test_a_zip_of_several_scans_is_refused() -> None:
    png = EXAMPLES["image"]["png"]()
    with pytest.raises(ScanContentError, match="found 2"):
        _open(packed({"a.png": png, "b.png": png}))


@pytest.mark.parametrize("files", [{}, {"notes.txt": b"no scan"}])
def test_a_zip_without_scans_is_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(ScanEmptyError):
        _open(packed(files))


def test_a_zip_in_a_zip_is_not_opened() -> None:
    inner = packed({"a.png": EXAMPLES["image"]["png"]()})
    with pytest.raises(ScanEmptyError):
        _open(packed({"inner.zip": inner}))


def test_a_full_disk_is_said_to_be_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tumorlens.reading.archive._write", full)
    with pytest.raises(BusyError):
        _open(packed({"a.png": EXAMPLES["image"]["png"]()}))


def test_no_bytes_and_other_bytes_are_refused() -> None:
    with pytest.raises(ScanEmptyError):
        _open(b"")
    with pytest.raises(ScanFormatError, match="PDF"):
        _open(b"%PDF-1.7")


def test_a_dicom_file_may_begin_like_a_zip() -> None:
    data = b"PK\x03\x04" + EXAMPLES["dicom"]["plain"]()[4:]
    assert isinstance(_open(data), Scan)


def test_slices_are_picked(scan: Scan, volume: Volume) -> None:
    np.testing.assert_array_equal(pick_slice(volume, 3).pixels, volume.voxels[3])
    assert not np.shares_memory(pick_slice(volume, 3).pixels, volume.voxels)  # which may go
    assert pick_slice(scan, 0) is scan
    for wrong in (volume, 12), (scan, 1), (scan, -1):
        with pytest.raises(ScanContentError, match="slice"):
            pick_slice(*wrong)


@pytest.mark.parametrize("members", [{}, {"a.txt": b"text"}, {"b.zip": packed({"a.txt": b"x"})}])
def test_a_zip_without_a_scan_is_told_as_that(members: dict[str, bytes]) -> None:
    """And not as a folder, of which the client knows nothing."""
    with pytest.raises(ScanEmptyError) as refused:
        _open(packed(members))
    assert "a zip with a scan in it" in refused.value.expected
    assert "path" not in refused.value.remedy
