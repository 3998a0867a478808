"""The two kinds of input, as read from a file: a slice or a stack of slices."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Plane = Literal["axial", "coronal", "sagittal"]
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """One two-dimensional slice.

    Attributes:
        pixels: float32, (rows, columns), finite, in the file's own units (or 0..255, 0..65535
            for pictures); brighter is more signal, whatever the file's photometric
            interpretation.
        source: Where it came from, for messages and reports: usually the path as given.
        spacing_mm: Distance between pixel centres in mm, (row, column); None where unknown.
        sequence: The field's name of the MR sequence (``t1``, ``t1c``, ``t2``, ``flair``);
            None where unknown.
    """

    pixels: FloatArray
    source: str
    spacing_mm: tuple[float, float] | None = None
    sequence: str | None = None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Volume:
    """A stack of parallel slices, in order.

    Attributes:
        voxels: float32, (slices, rows, columns), finite. Each slice is shown as radiologists
            see it: axial slices run from the feet to the head with the patient's front at the
            top and the patient's right on the left; coronal slices from back to front with the
            head at the top and the patient's right on the left; sagittal slices from the
            patient's left to right with the head at the top and the front on the left.
        source: Where it came from, for messages and reports.
        spacing_mm: Distance between voxel centres in mm, (slice, row, column); None where
            unknown.
        sequence: The field's name of the MR sequence; None where unknown.
        plane: The plane of the slices; None where unknown.
        affine: float64, (4, 4): maps (slice, row, column, 1) to RAS+ world coordinates in mm;
            None where unknown.
    """

    voxels: FloatArray
    source: str
    spacing_mm: tuple[float, float, float] | None = None
    sequence: str | None = None
    plane: Plane | None = None
    affine: npt.NDArray[np.float64] | None = None

    @property
    def voxel_ml(self) -> float | None:
        """Volume of one voxel in ml, by the affine: axes may be sheared; None where unknown."""
        if self.affine is not None:
            return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000
        return float(np.prod(self.spacing_mm)) / 1000 if self.spacing_mm else None

    def slice(self, index: int) -> Scan:
        """The slice at ``index`` (0-based) as a `Scan` of its own."""
        in_plane = self.spacing_mm[1:] if self.spacing_mm else None
        return Scan(self.voxels[index], f"{self.source}#{index}", in_plane, self.sequence)
