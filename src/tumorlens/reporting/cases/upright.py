"""A head's voxels with left, back and head as the directions in which indices grow."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens.reading.orientation import closest_axes
from tumorlens.scan import FloatArray
from tumorlens.volume_outlining import CaseOutline
from tumorlens.volume_outlining.regions import LabelArray

_WANTED = (-1, -1, 1)  # left, back, head against the right, front and head of RAS

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
    """

    voxels: FloatArray
    labels: LabelArray
    spacing_mm: tuple[float, float, float]
    sequence: str


def upright(outline: CaseOutline) -> Upright:
    """Turn an answered head, without resampling."""
    head = outline.head
    sequence = next(name for name in PREFERRED if name in head.volumes)
    axes, signs = closest_axes(head.affine)
    flips = tuple(axis for axis in range(3) if signs[axis] != _WANTED[axis])
    lengths = np.linalg.norm(head.affine[:3, :3], axis=0)

    def turned(voxels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.flip(voxels.transpose(axes), flips)

    return Upright(
        np.asarray(turned(head.volumes[sequence].voxels), np.float32),
        np.asarray(turned(outline.labels), np.uint8),
        (float(lengths[axes[0]]), float(lengths[axes[1]]), float(lengths[axes[2]])),
        sequence,
    )
