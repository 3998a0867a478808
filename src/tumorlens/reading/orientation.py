"""From an affine to slices as radiologists see them; the same for NIfTI and DICOM."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt

from tumorlens.scan import FloatArray, Plane, Scan, Volume

Affine = npt.NDArray[np.float64]

# What (slice, row, column) point to, as (axis of RAS+, sign): the docstring of `Volume`.
_DISPLAY: dict[Plane, tuple[tuple[int, int], ...]] = {
    "axial": ((2, +1), (1, -1), (0, -1)),
    "coronal": ((1, +1), (2, -1), (0, -1)),
    "sagittal": ((0, +1), (2, -1), (1, -1)),
}
_SAME = 1.2
"""Spacings whose ratio is below this count as the same."""
_SLAB = 0.5
"""A block thinner than this share of its other sides can only be cut across its thin side."""


def orient(
    voxels: FloatArray, affine: Affine, *, source: str, sequence: str | None
) -> Scan | Volume:
    """Reorder and flip a block of voxels to the convention of `Volume`, without resampling.

    The slices are cut as they were acquired: across the only axis of length 1 if there is one;
    else across the thin side of a slab; else across the axis of the coarsest spacing. Spacings
    within 20 percent of the coarsest count as equal, and then axial slices are preferred to
    coronal and those to sagittal ones. An oblique block goes to the closest plane.

    Args:
        voxels: float32, three axes in any order and direction.
        affine: float64, (4, 4), not singular: maps the three indices to RAS+ mm.
        source: Passed on.
        sequence: Passed on.

    Returns:
        A `Scan` if there is one slice only, else a `Volume` with its plane and affine.
    """
    axes, signs = closest_axes(affine)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    plane = _plane(voxels.shape, affine)
    order = [axes[world] for world, _ in _DISPLAY[plane]]
    flips = tuple(a for a, (w, sign) in enumerate(_DISPLAY[plane]) if signs[w] != sign)

    to_old = np.zeros((4, 4))
    to_old[3, 3] = 1
    for new, old in enumerate(order):
        to_old[old, new] = -1 if new in flips else 1
        to_old[old, 3] = voxels.shape[old] - 1 if new in flips else 0
    shown = np.ascontiguousarray(np.flip(voxels.transpose(order), flips))
    steps = (float(spacing[order[0]]), float(spacing[order[1]]), float(spacing[order[2]]))
    if shown.shape[0] == 1:
        return Scan(shown[0], source, steps[1:], sequence)
    return Volume(shown, source, steps, sequence, plane, affine @ to_old)


def count_slices(shape: Sequence[int], affine: Affine) -> int:
    """How many slices `orient` makes of a block.

    Args:
        shape: Of the block, three axes.
        affine: As for `orient`.
    """
    axes, _ = closest_axes(affine)
    across, _ = _DISPLAY[_plane(shape, affine)][0]
    return shape[axes[across]]


def is_usable(affine: Affine) -> bool:
    """Whether an affine is finite and gives each voxel a place of its own."""
    if not (np.abs(affine) < 1e9).all():
        return False
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if lengths.min() <= 1e-6 or lengths.max() >= 1e6:
        return False
    return abs(float(np.linalg.det(affine[:3, :3] / lengths))) > 1e-3


def closest_axes(affine: Affine) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which array axis runs along each of R, A and S, and in which direction.

    Returns:
        The array axes for R, A and S, and for each +1 (towards R, A, S) or -1 (away).
    """
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    axes = max(
        permutations(range(3)),
        key=lambda order: sum(abs(directions[world, order[world]]) for world in range(3)),
    )
    return axes, tuple(-1 if directions[w, axes[w]] < 0 else 1 for w in range(3))


def _plane(shape: Sequence[int], affine: Affine) -> Plane:
    """The plane of the slices of a block of such axes."""
    axes, _ = closest_axes(affine)
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    lengths, spacing = [shape[axis] for axis in axes], [float(steps[axis]) for axis in axes]
    planes: tuple[Plane, ...] = ("sagittal", "coronal", "axial")
    axial_first = (2, 1, 0)
    if 1 in lengths:
        return planes[next(axis for axis in axial_first if lengths[axis] == 1)]
    extent = [count * step for count, step in zip(lengths, spacing, strict=True)]
    thin = min(axial_first, key=lambda axis: extent[axis])
    if extent[thin] < _SLAB * sorted(extent)[1]:
        return planes[thin]
    coarsest = max(spacing)
    return planes[
        next(axis for axis in axial_first if spacing[axis] * _SAME >= coarsest * (1 - 1e-6))
    ]
