"""A head's voxels with left, back and head as the directions in which indices grow."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens.reading.orientation import closest_axes
from tumorlens.scan import FloatArray
from tumorlens.volume_outlining.head import Head
from tumorlens.volume_outlining.regions import LabelArray

_WANTED = (-1, -1, 1)  # left, back, head against the right, front and head of RAS

_MARGIN = 4  # voxels

PREFERRED = ("flair", "t1c", "t2", "t1")
"""The sequence that is shown: the first of these that there is."""


@dataclass(frozen=True, slots=True, eq=False)
class Upright:
    """One sequence and the labels, of one shape.

    Attributes:
        voxels: float32, (X, Y, Z), to the patient's left, back and head.
        labels: uint8, likewise.
        spacing_mm: Of X, Y and Z.
        sequence: Which one it is.
        is_placed: Whether the files tell these directions; else they are a guess.
    """

    voxels: FloatArray
    labels: LabelArray
    spacing_mm: tuple[float, float, float]
    sequence: str
    is_placed: bool


def upright(head: Head, labels: LabelArray) -> Upright:
    """Turn a head and its labels, without resampling, and cut them to what is not 0.

    Args:
        head: What was answered.
        labels: uint8, (slices, rows, columns) of its volumes.
    """
    sequence = next(name for name in PREFERRED if name in head.volumes)
    axes, signs = closest_axes(head.affine)
    flips = tuple(axis for axis in range(3) if signs[axis] != _WANTED[axis])
    lengths = np.linalg.norm(head.affine[:3, :3], axis=0)
    voxels = np.flip(head.volumes[sequence].voxels.transpose(axes), flips)
    turned = np.flip(labels.transpose(axes), flips)
    box = _box((voxels != 0) | (turned != 0))
    return Upright(
        voxels[box],
        turned[box],
        (float(lengths[axes[0]]), float(lengths[axes[1]]), float(lengths[axes[2]])),
        sequence,
        head.volumes[sequence].affine is not None,
    )


def _box(some: npt.NDArray[np.bool_]) -> tuple[slice, ...]:
    box = []
    for axis, length in enumerate(some.shape):
        others = tuple(other for other in range(3) if other != axis)
        along = np.flatnonzero(some.any(axis=others))
        box.append(
            slice(max(0, int(along[0]) - _MARGIN), min(length, int(along[-1]) + 1 + _MARGIN))
        )
    return tuple(box)
