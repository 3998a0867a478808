"""Labels and images that are stored in different ways lie upon one another, or are refused."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from tumorlens.errors import DataError
from tumorlens.lab.datasets.volumes import check_same_grid, plane_of, read_labels, read_volume

from .made_sets import brats_voxels

PLACED = np.array([[-0.9, 0, 0, 12], [0, -1.0, 0, 30], [0, 0, 1.1, -7], [0, 0, 0, 1]])
TILTED = PLACED.copy()
TILTED[:3, :3] = np.array([[1, 0, 0], [0, 0.96, -0.28], [0, 0.28, 0.96]]) @ PLACED[:3, :3]
FLIPPED = np.diag([-1.0, 1, 1, 1]) @ PLACED


def saved(path: Path, voxels: np.ndarray, affine: np.ndarray | None, axcodes: str = "") -> Path:
    image = nibabel.Nifti1Image(voxels, affine)
    if affine is None:
        image.header.set_zooms((0.9, 1.0, 1.1, 1.0, 1.0)[: voxels.ndim])
    if axcodes:
        wanted = nibabel.orientations.axcodes2ornt(tuple(axcodes))
        now = nibabel.io_orientation(affine)
        image = image.as_reoriented(nibabel.orientations.ornt_transform(now, wanted))
    nibabel.save(image, path)
    return path


def restate(path: Path, **fields: float) -> None:
    """Write fields into a header as they are, which nibabel would set right."""
    header = nibabel.load(path).header
    for name, value in ({"vox_offset": 352} | fields).items():
        header[name] = value
    path.write_bytes(header.binaryblock + path.read_bytes()[348:])


def made() -> tuple[np.ndarray, np.ndarray]:
    """An image that is 104 and 102 where its labels are 4 and 2, and brain elsewhere 100."""
    brain, labels = brats_voxels()
    return (brain + labels).astype(np.int16), labels


def marked(image: Path) -> np.ndarray:
    return np.maximum(read_volume(image) - 100, 0)


@pytest.mark.parametrize("affine", [PLACED, TILTED])
@pytest.mark.parametrize("stored", ["LPS", "RAS", "RPS", "LPI", "SAR"])
@pytest.mark.parametrize("image_stored", ["LPS", "RAS"])
def test_labels_lie_right_however_they_are_stored(
    affine: np.ndarray, stored: str, image_stored: str, tmp_path: Path
) -> None:
    image, labels = made()
    flair = saved(tmp_path / "flair.nii", image, affine, image_stored)
    seg = saved(tmp_path / "seg.nii", labels, affine, stored)
    found = read_labels(seg, like=flair)
    assert found.any()
    np.testing.assert_array_equal(found, marked(flair))


@pytest.mark.parametrize("code", [0, 1])  # 1: an affine of zeros
@pytest.mark.parametrize("stored", ["LPS", "RAS"])
def test_labels_without_an_affine_are_stored_as_their_image(
    code: int, stored: str, tmp_path: Path
) -> None:
    image, labels = made()
    flair = saved(tmp_path / "flair.nii", image, PLACED, stored)
    turned = nibabel.load(saved(tmp_path / "turned.nii", labels, PLACED, stored))
    seg = saved(tmp_path / "seg.nii", np.asarray(turned.dataobj), None)
    restate(seg, sform_code=code)
    np.testing.assert_array_equal(read_labels(seg, like=flair), marked(flair))


@pytest.mark.parametrize("affine", [None, PLACED, FLIPPED])
def test_an_image_without_an_affine_has_labels_as_they_are_stored(
    affine: np.ndarray | None, tmp_path: Path
) -> None:
    image, labels = made()
    flair = saved(tmp_path / "flair.nii", image, None)
    seg = saved(tmp_path / "seg.nii", labels, affine)
    np.testing.assert_array_equal(read_labels(seg, like=flair), marked(flair))


@pytest.mark.parametrize(
    ("affine", "away"),
    [
        (FLIPPED, r"2\.1 mm"),  # from 12 to -14.1 mm, and from -12 to 14.1
        (PLACED + np.eye(4, k=3) * 0.5, r"0\.5 mm"),
        (np.eye(4), r"\d+\.?\d* mm"),  # as tools write it that know no better
        (PLACED @ np.diag([1, 1, 1.01, 1]), r"0\.209 mm"),
    ],
)
def test_labels_that_lie_elsewhere_are_refused(
    affine: np.ndarray, away: str, tmp_path: Path
) -> None:
    image, labels = made()
    flair = saved(tmp_path / "flair.nii", image, PLACED)
    seg = saved(tmp_path / "seg.nii", labels, affine)
    with pytest.raises(DataError, match=rf"seg\.nii: .*places of .*flair\.nii; .* {away} away"):
        read_labels(seg, like=flair)


def test_a_hundredth_of_a_millimetre_is_no_other_place(tmp_path: Path) -> None:
    image, labels = made()
    flair = saved(tmp_path / "flair.nii", image, PLACED)
    seg = saved(tmp_path / "seg.nii", labels, PLACED + np.eye(4, k=3) * 0.005)
    np.testing.assert_array_equal(read_labels(seg, like=flair), marked(flair))


def test_labels_of_another_size_are_refused_once_turned(tmp_path: Path) -> None:
    image, labels = made()
    flair = saved(tmp_path / "flair.nii", image, PLACED)
    seg = saved(tmp_path / "seg.nii", labels[:, :, :-1], PLACED, "SAR")
    with pytest.raises(DataError, match=r"30 x 28 x 20 voxels like flair\.nii; found 30 x 28 x 19"):
        read_labels(seg, like=flair)
    four = saved(tmp_path / "four.nii", np.stack([labels] * 2, -1), PLACED)
    with pytest.raises(DataError, match="found 30 x 28 x 20 x 2 voxels"):
        read_labels(four, like=flair)


@pytest.mark.parametrize("image_axes", [(), (1,), (1, 1)])
@pytest.mark.parametrize("label_axes", [(), (1,), (1, 1)])
@pytest.mark.parametrize("affine", [PLACED, None])
def test_axes_of_length_1_after_the_third_hold_nothing(
    image_axes: tuple[int, ...],
    label_axes: tuple[int, ...],
    affine: np.ndarray | None,
    tmp_path: Path,
) -> None:
    image, labels = made()
    flair = saved(tmp_path / "flair.nii", image.reshape(*image.shape, *image_axes), PLACED)
    t1 = saved(tmp_path / "t1.nii", image, PLACED, "RAS")
    seg = saved(tmp_path / "seg.nii", labels.reshape(*labels.shape, *label_axes), affine)
    check_same_grid([flair, t1])
    check_same_grid([t1, flair])
    assert plane_of(flair) == plane_of(t1) == "axial"
    np.testing.assert_array_equal(read_labels(seg, like=flair), marked(flair))


def test_several_volumes_in_the_images_file_are_said(tmp_path: Path) -> None:
    image, labels = made()
    four = saved(tmp_path / "four.nii", np.stack([image] * 2, -1), PLACED)
    seg = saved(tmp_path / "seg.nii", np.stack([labels] * 2, -1), PLACED)
    said = r"four\.nii: expected one volume \(3-D\); found 30 x 28 x 20 x 2 voxels"
    with pytest.raises(DataError, match=said):
        read_labels(seg, like=four)


def test_a_broken_orientation_is_a_plain_message(tmp_path: Path) -> None:
    image, labels = made()
    flair = saved(tmp_path / "flair.nii", image, PLACED)
    seg = saved(tmp_path / "seg.nii", labels, PLACED)
    restate(seg, sform_code=0, qform_code=1, quatern_b=2)
    with pytest.raises(DataError, match="expected a NIfTI file; found a damaged one"):
        read_labels(seg, like=flair)


def test_images_of_one_head_may_be_stored_in_any_way_but_lie_in_one_place(tmp_path: Path) -> None:
    image, _ = made()
    one = saved(tmp_path / "one.nii", image, PLACED, "LPS")
    other = saved(tmp_path / "other.nii", image, PLACED, "RAS")
    check_same_grid([one, other])
    np.testing.assert_array_equal(read_volume(one), read_volume(other))
    third = saved(tmp_path / "third.nii", image, FLIPPED)
    with pytest.raises(DataError, match=r"third\.nii: .* places of those of one\.nii"):
        check_same_grid([one, other, third])
