"""A block of voxels on a grid of another spacing, in NumPy: linear, without aliasing."""

from collections.abc import Sequence

import numpy as np

from tumorlens.scan import FloatArray


def new_length(length: int, spacing: float, wanted: float) -> int:
    """How many voxels of another spacing fill the same extent, at least one."""
    return max(1, round(length * spacing / wanted))


def resample(voxels: FloatArray, shape: Sequence[int]) -> FloatArray:
    """Resample over the same extent.

    Args:
        voxels: float32, (..., X, Y, Z).
        shape: Voxels wanted along the last three axes.

    Returns:
        float32, (..., *shape): linear between voxels where the new grid is finer, and a
        triangle-weighted mean of those around where it is coarser.
    """
    for axis, wanted in zip((-3, -2, -1), shape, strict=True):
        if voxels.shape[axis] != wanted:
            weights = _weights(voxels.shape[axis], wanted)
            # As one matrix: NumPy multiplies stacks of scattered ones many times slower.
            moved = np.moveaxis(voxels, axis, -1)
            product = np.ascontiguousarray(moved).reshape(-1, moved.shape[-1]) @ weights.T
            voxels = np.moveaxis(product.reshape(*moved.shape[:-1], wanted), -1, axis)
    return np.ascontiguousarray(voxels, np.float32)


def _weights(old: int, new: int) -> FloatArray:
    """(new, old): the share of each old voxel in each new one, along one axis."""
    step = old / new
    centres = (np.arange(new) + 0.5) * step - 0.5
    away = np.abs(np.clip(centres, 0, old - 1)[:, None] - np.arange(old)) / max(1.0, step)
    weights = np.maximum(0, 1 - away)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
