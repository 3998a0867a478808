"""NIfTI files of every type, and what is wrong with some."""

import gzip
import struct
import zlib

import nibabel as nib
import numpy as np
import pytest

from tumorlens.errors import (
    ScanContentError,
    ScanCorruptError,
    ScanEmptyError,
    ScanFormatError,
    ScanTooLargeError,
)
from tumorlens.reading import Limits, nifti
from tumorlens.reading.limits import DEFAULT_LIMITS
from tumorlens.scan import Scan, Volume

from .made import affine, block, gzipped, nifti_bytes, shown

REAL = [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.float32]


def read(data: bytes, limits: Limits = DEFAULT_LIMITS, source: str = "scan") -> Scan | Volume:
    return nifti.read(data, source=source, limits=limits)


def patched(data: bytes, offset: int, form: str, *values: float) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, offset, *values)
    return bytes(changed)


@pytest.mark.parametrize("dtype", [*REAL, np.float64])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
def test_types(dtype: type, kind: type, order: str) -> None:
    voxels = (block() % 100).astype(dtype)
    header = kind.header_class(endianness=order)
    header.set_data_dtype(dtype)
    data = kind(voxels, affine(), header, dtype=dtype).to_bytes()
    volume = read(data)
    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.voxels, shown(voxels))


@pytest.mark.parametrize(
    ("slope", "intercept", "factor", "shift"),
    [(2.5, -7, 2.5, -7), (0, 9, 1, 0), (np.nan, np.nan, 1, 0), (3, np.nan, 3, 0), (-1, 0, -1, 0)],
)
def test_scaling(slope: float, intercept: float, factor: float, shift: float) -> None:
    data = patched(nifti_bytes(block()), 112, "<ff", slope, intercept)
    volume = read(data)
    assert isinstance(volume, Volume)
    np.testing.assert_allclose(volume.voxels, shown(block()) * factor + shift)


def test_geometry_and_name() -> None:
    volume = read(nifti_bytes(block(), affine((1, 1.1, 4))), source="dir/sub-01_t1ce.nii.gz")
    assert isinstance(volume, Volume)
    assert volume.spacing_mm == pytest.approx((4, 1.1, 1))
    assert (volume.sequence, volume.plane) == ("t1c", "axial")


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 1), (9, 8, 1, 1), (1, 9, 8)])
def test_one_slice(shape: tuple[int, ...]) -> None:
    values = block((9, 8, 1)).reshape(shape)
    scan = read(nifti_bytes(values))
    assert isinstance(scan, Scan)
    assert sorted(scan.pixels.shape) == [8, 9]


def test_trailing_axes_of_length_one() -> None:
    volume = read(nifti_bytes(block()[..., None, None]))
    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.voxels, shown(block()))


def test_several_volumes() -> None:
    with pytest.raises(ScanContentError, match=r"3 volumes.*10 x 12 x 14 x 3.*fslroi"):
        read(nifti_bytes(np.stack([block()] * 3, -1)))


@pytest.mark.parametrize("dtype", [np.complex64, [("R", "u1"), ("G", "u1"), ("B", "u1")]])
def test_colours_and_complex_numbers(dtype) -> None:
    with pytest.raises(ScanContentError, match="one real number"):
        read(nifti_bytes(np.zeros((4, 5, 6), dtype)))


@pytest.mark.parametrize("how", ["codes", "nan", "zeros"])
def test_unknown_orientation(how: str) -> None:
    data = nifti_bytes(block())
    if how == "codes":
        data = patched(data, 252, "<hh", 0, 0)
    else:
        data = patched(data, 252, "<hh", 0, 2)
        data = patched(data, 280, "<12f", *[np.nan if how == "nan" else 0.0] * 12)
    volume = read(data)
    assert isinstance(volume, Volume)
    assert (volume.plane, volume.affine) == (None, None)
    assert volume.spacing_mm == (1, 1, 1)
    expected = block().transpose(2, 1, 0)[:, ::-1]  # the first axis taken as towards the left
    np.testing.assert_array_equal(volume.voxels, expected)


def test_a_useless_sform_gives_way_to_the_qform() -> None:
    image = nib.Nifti1Image(block(), affine())
    image.set_qform(affine(), 1)
    data = patched(image.to_bytes(), 280, "<12f", *[0.0] * 12)
    volume = read(data)
    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.voxels, shown(block()))
    assert volume.plane == "axial"


def test_no_spacing_at_all() -> None:
    data = patched(patched(nifti_bytes(block()), 252, "<hh", 0, 0), 80, "<fff", 0, 0, np.nan)
    assert read(data).spacing_mm is None


@pytest.mark.parametrize(("unit", "length_mm"), [(1, 1000.0), (2, 1.0), (3, 0.001), (0, 1.0)])
@pytest.mark.parametrize("form", ["sform", "qform", "neither"])
def test_units_of_length(unit: int, length_mm: float, form: str) -> None:
    image = nib.Nifti1Image(block(), affine((3.0, 2.0, 1.0)))
    expected = read(image.to_bytes())
    matrix = image.affine.copy()
    matrix[:3] /= length_mm
    stated = nib.Nifti1Image(block(), matrix)
    stated.set_qform(matrix, code=int(form == "qform"))
    stated.set_sform(matrix, code=int(form == "sform"))
    stated.header["xyzt_units"] = unit + 16  # and milliseconds
    volume = read(stated.to_bytes())
    assert isinstance(volume, Volume)
    assert isinstance(expected, Volume)
    assert volume.spacing_mm == expected.spacing_mm
    if form != "neither":
        assert volume.plane == expected.plane
        np.testing.assert_allclose(volume.affine, expected.affine, atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_none(value: float) -> None:
    voxels = block().astype(np.float32)
    voxels[1, 2, 3] = value
    with pytest.raises(ScanContentError, match="1 of 1,680"):
        read(nifti_bytes(voxels))


def test_beyond_float32() -> None:
    with pytest.raises(ScanContentError, match="float32"):
        read(nifti_bytes(block().astype(np.float64) * 1e300))


@pytest.mark.parametrize("mark", [-3.4e38, 9.97e36])
def test_a_mark_for_what_was_not_scanned(mark: float) -> None:
    voxels = block().astype(np.float32)
    voxels[0] = mark
    with pytest.raises(ScanContentError, match="not scanned"):
        read(nifti_bytes(voxels))


@pytest.mark.parametrize("offset", [0, 100, -352])
def test_voxels_that_begin_within_the_header(offset: int) -> None:
    data = patched(nifti_bytes(block()), 108, "<f", offset)
    with pytest.raises(ScanCorruptError, match=f"found a vox_offset of {offset}, within"):
        read(data)


def test_many_tiny_slices_are_refused_before_they_are_unpacked() -> None:
    voxels = np.tile(block((8, 8, 50)), (1, 1, 60))
    data = gzipped(nifti_bytes(voxels))
    assert len(data) < 30_000
    for cut_short in (data, data[:2000]):
        with pytest.raises(ScanTooLargeError, match="at most 2,048 slices; found 3,000"):
            read(cut_short)


def test_one_value_everywhere() -> None:
    with pytest.raises(ScanContentError, match="the one value 7"):
        read(nifti_bytes(np.full((4, 5, 6), 7, np.int16)))


def test_no_voxels() -> None:
    with pytest.raises(ScanEmptyError):
        read(patched(nifti_bytes(block()), 42, "<h", 0))
    with pytest.raises(ScanEmptyError):
        read(patched(nifti_bytes(block()), 42, "<h", -5))


def test_half_a_gzip_file() -> None:
    data = gzipped(nifti_bytes(block()))
    for length in (20, 100, len(data) // 2, len(data) - 1):
        with pytest.raises(ScanCorruptError):
            read(data[:length])


def test_a_wrong_checksum() -> None:
    data = bytearray(gzipped(nifti_bytes(block())))
    data[-8] ^= 1
    with pytest.raises(ScanCorruptError):
        read(bytes(data))


def test_a_header_that_promises_too_much() -> None:
    data = patched(nifti_bytes(block()), 42, "<hhh", 32000, 32000, 32000)
    for bytes_ in (data, gzipped(data)):
        with pytest.raises(ScanTooLargeError):
            read(bytes_)
    with pytest.raises(ScanCorruptError, match="truncated"):
        read(patched(nifti_bytes(block()), 42, "<hhh", 10, 12, 15))


def test_a_gzip_bomb_is_not_unpacked() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(2**20)
    bomb = packer.compress(nifti_bytes(block()))
    bomb += b"".join(packer.compress(zeros) for _ in range(64)) + packer.flush()
    # What follows the declared voxels is never unpacked.
    volume = read(bomb)
    assert isinstance(volume, Volume)
    far = patched(nifti_bytes(block()), 108, "<f", 6e8)
    with pytest.raises(ScanTooLargeError):
        read(gzip.compress(far))


@pytest.mark.parametrize("magic", [b"ni1\0", b"\0\0\0\0"])
def test_pairs_of_files(magic: bytes) -> None:
    data = nifti_bytes(block())
    with pytest.raises(ScanFormatError, match="Analyze"):
        read(data[:344] + magic + data[348:])
