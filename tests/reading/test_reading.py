"""The doors of reading: what is good is read, what is bad is refused with one error."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tumorlens.errors import (
    ScanCorruptError,
    ScanEmptyError,
    ScanError,
    ScanFormatError,
    ScanMissingError,
    ScanTooLargeError,
)
from tumorlens.reading import READERS, Limits, Source, read_scan, read_source
from tumorlens.scan import Scan, Volume

from .made import ALL, DATA, EXAMPLES, SECRET, needs_data, picture, picture_bytes, pixels_of

READ_ALL = pytest.mark.parametrize(("reader", "name"), ALL)


def test_every_reader_has_examples() -> None:
    assert set(EXAMPLES) == set(READERS)


@READ_ALL
@pytest.mark.parametrize("suffix", ["", ".jpg", ".dcm", ".nii.gz"])
def test_bytes_decide_not_the_suffix(tmp_path: Path, reader: str, name: str, suffix: str) -> None:
    path = tmp_path / f"scan{suffix}"
    path.write_bytes(EXAMPLES[reader][name]())
    read = read_scan(path)
    values = pixels_of(read)
    assert isinstance(read, Volume if values.ndim == 3 else Scan)
    assert values.dtype == np.float32
    assert values.flags.c_contiguous
    assert np.isfinite(values).all()
    assert read.source == str(path)


@READ_ALL
def test_sniffing_is_exclusive(reader: str, name: str) -> None:
    head = EXAMPLES[reader][name]()[:1024]
    assert [key for key, entry in READERS.items() if entry.sniff(head)] == [reader]


@READ_ALL
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_truncated(tmp_path: Path, reader: str, name: str, share: float) -> None:
    data = EXAMPLES[reader][name]()
    path = tmp_path / "scan"
    path.write_bytes(data[: max(16, int(share * len(data)))])
    with pytest.raises((ScanCorruptError, ScanFormatError)) as caught:
        read_scan(path)
    if share >= 0.5:
        assert type(caught.value) is ScanCorruptError


@READ_ALL
def test_damaged_bytes_never_escape(tmp_path: Path, reader: str, name: str) -> None:
    data = EXAMPLES[reader][name]()
    random = np.random.default_rng(len(data))
    path = tmp_path / "scan"
    for _ in range(30):
        damaged = np.frombuffer(data, np.uint8).copy()
        # Headers matter most, so half of the flips hit the first bytes.
        end = len(data) if random.random() < 0.5 else min(len(data), 700)
        places = random.integers(0, end, random.integers(1, 12))
        damaged[places] = random.integers(0, 256, len(places))
        length = len(data) if random.random() < 0.7 else int(random.integers(1, len(data)))
        path.write_bytes(damaged[:length].tobytes())
        _check_answer(path)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    start=st.sampled_from(
        [
            *(b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"BM", b"RIFF1234WEBPVP8X"),
            *(b"\x1f\x8b\x08", b"\x5c\x01\0\0", b"\x08\0\x05\0CS", b"\0" * 128 + b"DICM"),
        ]
    ),
    rest=st.binary(max_size=600),
)
def test_any_bytes_never_escape(
    tmp_path_factory: pytest.TempPathFactory, start: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-bytes"
    path.write_bytes(start + rest)
    _check_answer(path)


def _check_answer(path: Path) -> None:
    """Either a sound scan, or one error that says everything and no patient's name."""
    refusal: ScanError | None = None
    try:
        read = read_scan(path)
    except ScanError as error:
        refusal = error
    if refusal is None:
        assert np.isfinite(pixels_of(read)).all()
        assert SECRET not in f"{read.source}{read.sequence}"
    else:
        assert type(refusal) is not ScanError
        assert refusal.expected
        assert refusal.found
        assert refusal.remedy
        assert refusal.source == str(path)
        assert "Secret" not in str(refusal)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04....", "ZIP"),
        (b"<!doctype html><html>", "web page"),
        (b"GIF89a.......", "GIF"),
        (b"just words\n", "text"),
        (b"\x00\x01\x02\x03\xfe", "unknown"),
        (b"BMs are not pictures, they are texts", "text"),
    ],
)
def test_wrong_kinds_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "renamed.jpg"
    path.write_bytes(data)
    with pytest.raises(ScanFormatError, match=words):
        read_scan(path)


def test_missing_and_empty(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path / "a" / "b", "a\0b", "", "x" * 5000):
        with pytest.raises(ScanMissingError):
            read_scan(path)
    (tmp_path / "empty.png").touch()
    with pytest.raises(ScanEmptyError, match="0 bytes"):
        read_scan(tmp_path / "empty.png")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ScanEmptyError, match="none in it"):
        read_scan(tmp_path / "folder")


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scan.png"
    path.write_bytes(picture_bytes(picture()))

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ScanMissingError, match="permission"):
        read_scan(path)


def test_a_device_and_a_folder_as_file(tmp_path: Path) -> None:
    if Path("/dev/zero").exists():
        with pytest.raises(ScanFormatError, match="device"):
            read_scan("/dev/zero")
    with pytest.raises(ScanMissingError, match="folder"):
        read_source(Source("x", (tmp_path,)))


@READ_ALL
def test_limits(tmp_path: Path, reader: str, name: str) -> None:
    path = tmp_path / "scan"
    path.write_bytes(EXAMPLES[reader][name]())
    for limits in (Limits(max_bytes=100), Limits(max_pixels=50)):
        with pytest.raises(ScanTooLargeError):
            read_scan(path, limits=limits)
    values = pixels_of(read_scan(path))
    if values.ndim == 3:
        with pytest.raises(ScanTooLargeError, match="voxels"):
            read_scan(path, limits=Limits(max_voxels=values.size - 1))
        with pytest.raises(ScanTooLargeError, match="slices"):
            read_scan(path, limits=Limits(max_slices=len(values) - 1))
        assert len(pixels_of(read_scan(path, limits=Limits(max_slices=len(values))))) == len(values)


def test_nothing_heavy_is_imported_for_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    path.write_bytes(picture_bytes(picture()))
    code = (
        "import sys; from tumorlens.reading import read_scan; "
        f"read_scan({str(path)!r}); "
        "print([m for m in ('nibabel', 'pydicom', 'gdcm', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_threads_agree(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    paths = []
    for reader, name in ALL:
        paths.append(tmp_path / f"{reader}-{name}")
        paths[-1].write_bytes(EXAMPLES[reader][name]())
    alone = [pixels_of(read_scan(path)) for path in paths]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda path: pixels_of(read_scan(path)), paths * 3))
    for index, values in enumerate(together):
        np.testing.assert_array_equal(values, alone[index % len(paths)])


@needs_data
@pytest.mark.parametrize(
    ("path", "shape", "sequence"),
    [
        ("volumes/chris_t1.nii.gz", (190, 256, 188), "t1"),
        ("volumes/MNI152_T1_2mm.nii.gz", (91, 109, 91), "t1"),
        ("volumes/dicom_t1", (24, 384, 274), "t1"),
        ("brats/BraTS2021_00006/BraTS2021_00006_t1ce.nii.gz", (155, 240, 240), "t1c"),
        ("brats/BraTS2021_00006/BraTS2021_00006_flair.nii.gz", (155, 240, 240), "flair"),
    ],
)
def test_real_volumes(path: str, shape: tuple[int, int, int], sequence: str) -> None:
    read = read_scan(DATA / path)
    assert isinstance(read, Volume)
    assert read.voxels.shape == shape
    assert (read.plane, read.sequence) == ("axial", sequence)


@needs_data
def test_real_pictures() -> None:
    for path in sorted((DATA / "cheng" / "images").glob("*.jpg"))[:20]:
        read = read_scan(path)
        assert isinstance(read, Scan)
        assert max(read.pixels.shape) == 256


@needs_data
def test_the_right_of_the_patient_is_on_the_left() -> None:
    """BraTS 2018 2013_21_1 has its tumor in the left half of the head, so on the right."""
    read = read_scan(DATA / "brats" / "Brats18_2013_21_1" / "Brats18_2013_21_1_seg.nii.gz")
    assert isinstance(read, Volume)
    columns = np.nonzero(read.voxels)[2]
    assert read.affine is not None
    assert columns.mean() > read.voxels.shape[2] / 2
    assert read.affine[0, 2] < 0  # growing column: away from the right
    assert read.affine[1, 1] < 0  # growing row: away from the front
    assert read.affine[2, 0] > 0  # growing slice: towards the head
