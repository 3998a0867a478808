"""Label maps lie on the grid of the file that was read, however its axes run."""

import gzip
import struct
from itertools import permutations
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tumorlens.reading import read_scan
from tumorlens.reporting.label_map import write_label_map
from tumorlens.scan import Volume

SHAPE = (7, 6, 5)


def axes() -> list[np.ndarray]:
    """All ways in which three array axes can run along the world's."""
    found = []
    for order in permutations(range(3)):
        for signs in np.ndindex(2, 2, 2):
            affine = np.zeros((4, 4))
            affine[3, 3] = 1
            for axis, world in enumerate(order):
                affine[world, axis] = (-1) ** signs[axis] * (1.0, 1.1, 1.15)[axis]
            affine[:3, 3] = (3, -4, 5)
            found.append(affine)
    return found


@pytest.mark.parametrize("affine", [*axes(), None], ids=lambda a: "none" if a is None else "")
def test_bright_voxels_come_back_where_they_were(affine: np.ndarray | None, tmp_path: Path) -> None:
    data = np.random.default_rng(1).integers(0, 1000, SHAPE).astype(np.int16)
    image = nibabel.Nifti1Image(data, np.eye(4) if affine is None else affine)
    if affine is None:
        image.set_sform(None, code=0)
        image.set_qform(None, code=0)
    path = tmp_path / "in.nii.gz"
    nibabel.save(image, path)
    volume = read_scan(path)
    assert isinstance(volume, Volume)
    write_label_map(tmp_path / "out.nii.gz", volume.voxels > 500, volume, like=path)
    written = nibabel.load(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(np.asarray(written.dataobj), data > 500)
    np.testing.assert_allclose(written.affine, nibabel.load(path).affine)
    assert written.get_data_dtype() == np.uint8
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["in.nii.gz", "out.nii.gz"]


def test_other_formats_keep_the_volumes_own_axes(tmp_path: Path) -> None:
    affine = np.array([[0, 0, -1, 9], [0, -2, 0, 8], [3, 0, 0, 7], [0, 0, 0, 1.0]])
    voxels = np.random.default_rng(2).random(SHAPE, np.float32)
    volume = Volume(voxels, "series", (3, 2, 1), affine=affine)
    write_label_map(tmp_path / "out.nii.gz", voxels > 0.5, volume, like=None)
    written = nibabel.load(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(np.asarray(written.dataobj), voxels > 0.5)
    np.testing.assert_allclose(written.affine, affine)


def test_a_patients_name_in_the_scans_header_is_not_passed_on(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.ones(SHAPE, np.int16), np.eye(4))
    for field in ("descrip", "aux_file", "db_name", "intent_name"):
        image.header[field] = b"DOE^JANE"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"DOE^JANE"))
    path = tmp_path / "in.nii"
    nibabel.save(image, path)
    assert b"DOE^JANE" in path.read_bytes()
    volume = Volume(np.ones(SHAPE[::-1], np.float32), "volume", None)
    write_label_map(tmp_path / "out.nii.gz", volume.voxels > 0, volume, like=path)
    assert b"DOE^JANE" not in gzip.decompress((tmp_path / "out.nii.gz").read_bytes())


def patched(data: bytes, offset: int, form: str, *values: float) -> bytes:
    size = struct.calcsize(form)
    return data[:offset] + struct.pack(form, *values) + data[offset + size :]


def nifti(*, qform: bool = False, big: bool = False) -> bytes:
    data = np.random.default_rng(3).integers(0, 1000, SHAPE).astype(np.int16)
    header = nibabel.Nifti1Header(endianness=">" if big else "<")
    image = nibabel.Nifti1Image(data, np.diag([2.0, 2.0, 3.0, 1.0]), header)
    if qform:
        image.set_qform(image.affine, 1)
        image.set_sform(None, 0)
    return bytes(image.to_bytes())


ODD = {
    "gzipped.nii": gzip.compress(nifti()),
    "gzipped.bin": gzip.compress(nifti()),
    "plain.nii.gz": nifti(),
    "big-endian.nii": nifti(big=True),
    "long-quaternion.nii": patched(nifti(qform=True), 256, "<3f", 0.9, 0.9, 0.9),
    "nan-sform.nii": patched(nifti(), 280, "<12f", *[np.nan] * 12),
    "negative-pixdim.nii": patched(nifti(qform=True), 80, "<3f", -2, -2, -3),
    "nan-pixdim.nii": patched(nifti(), 80, "<3f", np.nan, 0, np.inf),
    "offset.nii": patched(nifti(), 108, "<f", 368)[:352] + bytes(16) + nifti()[352:],
    "five-axes.nii": patched(nifti(), 40, "<6h", 5, *SHAPE, 1, 1),
}


@pytest.mark.parametrize("name", ODD)
def test_whatever_is_read_gets_a_label_map_that_can_be_loaded(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(ODD[name])
    volume = read_scan(path)
    assert isinstance(volume, Volume)
    write_label_map(tmp_path / "out.nii.gz", volume.voxels > 500, volume, like=path)
    written = nibabel.load(tmp_path / "out.nii.gz")
    stored = np.asarray(nibabel.Nifti1Image.from_bytes(nifti()).dataobj)
    labels = np.asarray(written.dataobj)
    np.testing.assert_array_equal(labels.reshape(SHAPE), stored > 500)
    assert labels.shape == (*SHAPE, *([1, 1] if name == "five-axes.nii" else []))
    assert np.isfinite(written.affine).all()


def test_a_broken_affine_does_not_cost_the_other(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), np.eye(4))
    image.set_qform(np.diag([2.0, 2.0, 3.0, 1.0]), 1)
    path = tmp_path / "in.nii"
    path.write_bytes(patched(image.to_bytes(), 280, "<12f", *[np.nan] * 12))
    volume = read_scan(path)
    assert isinstance(volume, Volume)
    write_label_map(tmp_path / "out.nii.gz", volume.voxels > 500, volume, like=path)
    written = nibabel.load(tmp_path / "out.nii.gz")
    assert (written.header["sform_code"], written.header["qform_code"]) == (0, 1)
    np.testing.assert_allclose(written.affine, np.diag([2.0, 2.0, 3.0, 1.0]))


def test_a_label_map_keeps_the_files_unit_of_length(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image.from_bytes(nifti())
    metres = nibabel.Nifti1Image(np.asarray(image.dataobj), np.diag([0.002, 0.002, 0.003, 1.0]))
    metres.header.set_xyzt_units("meter")
    path = tmp_path / "in.nii"
    nibabel.save(metres, path)
    volume = read_scan(path)
    assert isinstance(volume, Volume)
    assert volume.spacing_mm == pytest.approx((3.0, 2.0, 2.0))
    write_label_map(tmp_path / "out.nii.gz", volume.voxels > 500, volume, like=path)
    written = nibabel.load(tmp_path / "out.nii.gz")
    assert written.header.get_xyzt_units()[0] == "meter"
    np.testing.assert_allclose(written.affine, metres.affine)
