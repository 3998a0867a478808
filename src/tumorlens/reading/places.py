"""Whether two affines put the voxels of one grid in the same places."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from tumorlens.reading.orientation import Affine

_TOLERANCE_MM = 0.1  # headers are rounded, and no voxel is that small


def farthest_mm(one: Affine, other: Affine, shape: Sequence[int]) -> float:
    """How far apart two affines put a voxel at most, which is at a corner of the grid.

    Args:
        one: float64, (4, 4): maps indices to mm.
        other: Likewise.
        shape: Of the grid, three axes.
    """
    corners = np.array([*product(*((0, length - 1) for length in shape))])
    difference = one - other
    moved = corners @ difference[:3, :3].T + difference[:3, 3]
    return float(np.linalg.norm(moved, axis=1).max())


def is_same_place(one: Affine, other: Affine, shape: Sequence[int]) -> bool:
    """Whether two affines put each voxel of a grid in the same place, to a tenth of a mm."""
    return farthest_mm(one, other, shape) <= _TOLERANCE_MM
