"""Whether two volumes of one head lie in one place, however each of them is stored.

Some tools write labels without an affine, or with one of zeros. Nothing can be said against such a
volume but by its shape: it is taken to be stored as its image is.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from nibabel.orientations import inv_ornt_aff, io_orientation

from tumorlens.errors import DataError
from tumorlens.reading.orientation import Affine
from tumorlens.reading.places import farthest_mm, is_same_place

Turning = npt.NDArray[np.float64]

_AS_STORED: Turning = np.array([[0, 1], [1, 1], [2, 1]], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """What a header says of a volume.

    Attributes:
        path: The file.
        shape: As stored, but for axes of length 1 after the third, which are dropped.
        affine: float64, (4, 4): maps indices to RAS+ mm; None where the header says nothing usable.
    """

    path: Path
    shape: tuple[int, ...]
    affine: Affine | None

    def __post_init__(self) -> None:
        """Drop the axes that hold nothing."""
        last = max((axis for axis, length in enumerate(self.shape) if length != 1), default=0)
        object.__setattr__(self, "shape", self.shape[: max(3, last + 1)])


def turning_onto(image: Grid, volume: Grid) -> Turning:
    """How the axes of a volume go over into those of its image, as both are stored.

    Args:
        image: Where it is to lie.
        volume: Another image of the same head, or labels.

    Returns:
        float64, (3, 2), for `nibabel.orientations.apply_orientation`.

    Raises:
        DataError: They have different sizes, or lie in different places.
    """
    if volume.affine is None or image.affine is None:
        _check_shape(image, volume, volume.shape)
        return _AS_STORED
    turning: Turning = io_orientation(np.linalg.inv(image.affine) @ volume.affine)
    _check_shape(image, volume, _turned(volume.shape, turning))
    placed = volume.affine @ inv_ornt_aff(turning, volume.shape)
    if not is_same_place(placed, image.affine, image.shape):
        away = farthest_mm(placed, image.affine, image.shape)
        raise DataError(
            expected=f"voxels in the places of those of {image.path.name}",
            found=f"voxels up to {away:.3g} mm away from them",
            remedy="Resample it to that image. If only its header is wrong, and its voxels are "
            "stored in the image's order, give it the image's header.",
            source=str(volume.path),
        )
    return turning


def _turned(shape: tuple[int, ...], turning: Turning) -> tuple[int, ...]:
    if len(shape) != len(turning):
        return shape
    return tuple(shape[axis] for axis in np.argsort(turning[:, 0]))


def _check_shape(image: Grid, volume: Grid, turned: tuple[int, ...]) -> None:
    if len(image.shape) != 3:
        raise DataError(
            expected="one volume (3-D)",
            found=f"{' x '.join(map(str, image.shape))} voxels",
            remedy="Download this case again, or delete its folder.",
            source=str(image.path),
        )
    if turned != image.shape:
        expected, found = (" x ".join(map(str, shape)) for shape in (image.shape, turned))
        raise DataError(
            expected=f"{expected} voxels like {image.path.name}",
            found=f"{found} voxels",
            remedy="Download this case again, or delete its folder.",
            source=str(volume.path),
        )
