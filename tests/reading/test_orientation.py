"""Orientation: one made-up head, however it is stored, looks the same."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorlens.reading import Limits, nifti
from tumorlens.reading.orientation import closest_axes, count_slices, is_usable, orient
from tumorlens.scan import Scan, Volume

from .made import affine, block, nifti_bytes, shown, turns


def turned(
    voxels: np.ndarray, matrix: np.ndarray, order: tuple[int, ...], signs: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The same head stored with other axes."""
    coding = np.array(list(zip(np.argsort(order), signs, strict=True)), float)
    stored = nib.orientations.apply_orientation(voxels, coding)
    return stored, matrix @ nib.orientations.inv_ornt_aff(coding, voxels.shape)


def places(volume: Volume) -> np.ndarray:
    """World coordinates of a few voxels, found by their values."""
    assert volume.affine is not None
    found = [np.argwhere(volume.voxels == value)[0] for value in (-300, 0, 77, 500)]
    return np.array([volume.affine @ [*index, 1] for index in found])


@pytest.mark.parametrize(("order", "signs"), turns())
def test_all_48_ways_to_store_a_head(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    stored, matrix = turned(block(), affine(), order, signs)
    volume = nifti.read(nifti_bytes(stored, matrix), source="x", limits=Limits())
    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.voxels, shown(block()))
    assert volume.plane == "axial"
    assert volume.affine is not None
    ras = [affine() @ [*np.argwhere(block() == value)[0], 1] for value in (-300, 0, 77, 500)]
    np.testing.assert_allclose(places(volume), ras, atol=1e-4)


@pytest.mark.parametrize(
    ("spacing", "plane", "order", "flips"),
    [
        ((1, 1, 5), "axial", (2, 1, 0), (1, 2)),
        ((1, 5, 1), "coronal", (1, 2, 0), (1, 2)),
        ((5, 1, 1), "sagittal", (0, 2, 1), (1, 2)),
        ((1.15, 1.1, 1), "axial", (2, 1, 0), (1, 2)),
        ((1.25, 1, 1), "sagittal", (0, 2, 1), (1, 2)),
        ((1.3, 1, 1.3), "axial", (2, 1, 0), (1, 2)),
    ],
)
@pytest.mark.parametrize("turn", [((0, 1, 2), (1, 1, 1)), ((2, 0, 1), (-1, 1, -1))])
def test_planes(spacing, plane, order, flips, turn) -> None:
    voxels = block((20, 20, 20))
    stored, matrix = turned(voxels, affine(spacing), *turn)
    volume = orient(stored.astype(np.float32), matrix, source="x", sequence=None)
    assert isinstance(volume, Volume)
    assert volume.plane == plane
    np.testing.assert_array_equal(volume.voxels, np.flip(voxels.transpose(order), flips))
    assert volume.spacing_mm == pytest.approx([spacing[axis] for axis in order])


def test_a_slab_is_cut_across_its_thin_side() -> None:
    voxels = block((6, 30, 30)).astype(np.float32)
    volume = orient(voxels, affine(), source="x", sequence=None)
    assert isinstance(volume, Volume)
    assert volume.plane == "sagittal"


@pytest.mark.parametrize("shape", [(20, 20, 20), (6, 30, 30), (30, 7, 40), (9, 8, 1), (8, 1, 90)])
@pytest.mark.parametrize("spacing", [(1, 1, 1), (5, 1, 1), (1, 0.2, 3)])
@pytest.mark.parametrize("turn", [((0, 1, 2), (1, 1, 1)), ((2, 0, 1), (-1, 1, -1))])
def test_slices_are_counted_without_the_voxels(shape, spacing, turn) -> None:
    stored, matrix = turned(block(shape), affine(spacing), *turn)
    shown = orient(stored.astype(np.float32), matrix, source="x", sequence=None)
    slices = len(shown.voxels) if isinstance(shown, Volume) else 1
    assert count_slices(stored.shape, matrix) == slices


def test_one_slice_is_a_scan_whatever_its_thickness() -> None:
    voxels = block((9, 8, 1)).astype(np.float32)
    scan = orient(voxels, affine((1, 2, 0.5)), source="x", sequence="t1")
    assert isinstance(scan, Scan)
    np.testing.assert_array_equal(scan.pixels, voxels[::-1, ::-1, 0].T)
    assert scan.spacing_mm == (2.0, 1.0)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.hypot(*q[:2]) > 0.1))
def test_oblique_heads_go_the_way_of_nibabel(quaternion: list[float]) -> None:
    w, x, y, z = np.array(quaternion) / np.linalg.norm(quaternion)
    matrix = np.eye(4)
    matrix[:3, :3] = nib.quaternions.quat2mat([w, x, y, z])
    cosines = np.sort(np.abs(matrix[:3, :3]), axis=0)
    if (cosines[2] - cosines[1]).min() < 0.05:
        return  # as close to one axis as to another
    if len(set(np.abs(matrix[:3, :3]).argmax(axis=0))) < 3:
        return  # two axes run closest to the same direction
    codes = nib.orientations.io_orientation(matrix)
    axes, signs = closest_axes(matrix)
    assert [int(np.argwhere(codes[:, 0] == world)[0, 0]) for world in range(3)] == list(axes)
    assert [int(codes[axis, 1]) for axis in axes] == list(signs)


@pytest.mark.parametrize(
    "matrix",
    [np.zeros((4, 4)), np.full((4, 4), np.nan), np.diag([1, 1, 0, 1]), np.eye(4) * 1e12],
)
def test_useless_affines(matrix: np.ndarray) -> None:
    assert not is_usable(np.asarray(matrix, float))
