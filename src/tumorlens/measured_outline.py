"""A tumor's mask with its measures: area, volume, diameter, and where in the picture it lies."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tumorlens.model_identity import ModelIdentity
from tumorlens.preparation import find_head, percentiles
from tumorlens.scan import FloatArray, Scan, Volume

_HEAD = 0.1  # brighter than this part of the way from background to bright is head
_MIDLINE = 0.14  # of the head's width counts as its middle: 1 cm to each side of the midline
_MIDDLE = 1 / 3  # of its height
_TALL = 4096  # rows of a mask whose diameter is found row by row
_ANGLES = np.deg2rad(np.arange(0, 180, 2))

BoolArray = npt.NDArray[np.bool_]
Side = Literal["left", "middle", "right"]
Height = Literal["upper", "middle", "lower"]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The tumor in one slice.

    Attributes:
        mask: bool, (rows, columns) of the scan; all False where no tumor was found.
        area_percent: Of the head's area in this slice, 0..100.
        area_mm2: None where the spacing is unknown.
        diameter_mm: The longest straight line across the outline, from outer edge to outer
            edge; None where the spacing is unknown, 0 without a tumor.
        diameter_pixels: The same in pixels.
        side: On which side of the head its centre of mass lies, as seen in the picture: in axial
            and coronal slices shown as radiologists do, the picture's left is the patient's
            right. ``middle`` within 7 percent of the head's width (1 cm) of its middle. None
            without a tumor.
        height: In which third of the head's height.
    """

    mask: BoolArray
    area_percent: float
    area_mm2: float | None
    diameter_mm: float | None
    diameter_pixels: float
    side: Side | None
    height: Height | None

    def to_json(self) -> dict[str, Any]:
        """Everything but the mask, as JSON values."""
        return {
            "area_percent": round(self.area_percent, 3),
            "area_mm2": _rounded(self.area_mm2),
            "diameter_mm": _rounded(self.diameter_mm),
            "diameter_pixels": round(self.diameter_pixels, 2),
            "side": self.side,
            "height": self.height,
        }


_FIGURES = tuple(one.name for one in fields(Outline) if one.name != "mask")


@dataclass(frozen=True, slots=True, eq=False)
class VolumeOutline:
    """The tumor in a volume.

    Attributes:
        mask: bool, (slices, rows, columns) of the volume.
        volume_ml: None where the spacing is unknown, or impossible for a head.
        largest: 0-based index of the slice with the largest outline; None without a tumor.
        outline: That slice's outline; None without a tumor.
        outlined_by: The model for whole heads that outlined; None where the answering model did.
        notes: What the reader should know of this outline.
    """

    mask: BoolArray
    volume_ml: float | None
    largest: int | None
    outline: Outline | None
    outlined_by: ModelIdentity | None = None
    notes: tuple[str, ...] = ()

    def of_slice(self, index: int, scan: Scan) -> Outline:
        """The outline in one slice; in mm only where the volume is in ml.

        Args:
            index: 0-based.
            scan: The slice with this index.
        """
        known = scan if self.volume_ml is not None else replace(scan, spacing_mm=None)
        return measure(self.mask[index], known)

    def to_json(self) -> dict[str, Any]:
        """Everything but the mask, as JSON values.

        The largest slice's figures are among them; they are null without a tumor.
        """
        return {
            "volume_ml": _rounded(self.volume_ml),
            "largest_slice": self.largest,
            "outlined_by": self.outlined_by.to_json() if self.outlined_by else None,
            "notes": list(self.notes),
            **(self.outline.to_json() if self.outline else dict.fromkeys(_FIGURES)),
        }


def measure(mask: BoolArray, scan: Scan) -> Outline:
    """Area, diameter and place of a tumor's mask.

    Args:
        mask: bool, (rows, columns) of the scan.
        scan: The slice.
    """
    head = _head(scan.pixels)
    percent = 100 * float(mask.sum()) / max(1, int(head.sum() + (mask & ~head).sum()))
    spacing = scan.spacing_mm
    area = float(mask.sum()) * spacing[0] * spacing[1] if spacing else None
    across = diameter(mask, spacing) if spacing else None
    side, height = _place(mask, head)
    return Outline(mask, percent, area, across, diameter(mask, (1.0, 1.0)), side, height)


def measure_volume(
    mask: BoolArray,
    volume: Volume,
    *,
    outlined_by: ModelIdentity | None = None,
    notes: tuple[str, ...] = (),
) -> VolumeOutline:
    """Volume, and area, diameter and place of the largest slice of a tumor's mask.

    Args:
        mask: bool, of the volume's shape.
        volume: Whose voxels they are.
        outlined_by: The model for whole heads that outlined; None for the answering model.
        notes: What the reader should know of this outline.
    """
    volume_ml = int(mask.sum()) * volume.voxel_ml if volume.voxel_ml is not None else None
    if not mask.any():
        return VolumeOutline(mask, volume_ml, None, None, outlined_by, notes)
    largest = int(mask.sum(axis=(1, 2)).argmax())
    of_slice = measure(mask[largest], volume.slice(largest))
    return VolumeOutline(mask, volume_ml, largest, of_slice, outlined_by, notes)


def diameter(mask: BoolArray, spacing: tuple[float, float]) -> float:
    """The longest straight line across a mask, pixels taken as rectangles; 0 if it is empty.

    Args:
        mask: bool, (rows, columns).
        spacing: Distance between pixel centres, (row, column); gives the unit.

    Returns:
        The largest width over directions 2 degrees apart: at most 0.02 % too short.
    """
    if mask.shape[0] > max(_TALL, mask.shape[1]):  # turned, a long strip has few rows
        mask, spacing = mask.T, (spacing[1], spacing[0])
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return 0.0
    # Of each row only its ends can lie at the edge of a width.
    columns = np.concatenate([mask[rows].argmax(1), mask.shape[1] - 1 - mask[rows, ::-1].argmax(1)])
    rows = np.tile(rows, 2)
    corners = np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]])
    points = (np.stack([rows, columns], 1)[:, None] + corners).reshape(-1, 2) * spacing
    along = points @ np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])
    return float(np.ptp(along, axis=0).max())


def _head(pixels: FloatArray) -> BoolArray:
    """What is bright where the head is: text and frames around it are none of it."""
    low, high = percentiles(pixels, 1, 99.5)
    top, left, bottom, right = find_head(pixels, threshold=_HEAD, margin=0)
    head = np.zeros(pixels.shape, np.bool_)
    around = slice(top, bottom), slice(left, right)
    head[around] = pixels[around] > low + _HEAD * (high - low)
    return head


def _place(mask: BoolArray, head: BoolArray) -> tuple[Side | None, Height | None]:
    """Where in the head's rectangle the mask's centre of mass lies."""
    if not mask.any():
        return None, None
    whole = head | mask
    across = _position(mask.sum(axis=0), whole.sum(axis=0), _MIDLINE)
    down = _position(mask.sum(axis=1), whole.sum(axis=1), _MIDDLE)
    side: Side = "left" if across < 0 else "right" if across > 0 else "middle"
    height: Height = "upper" if down < 0 else "lower" if down > 0 else "middle"
    return side, height


def _position(tumor: npt.NDArray[np.int_], head: npt.NDArray[np.int_], middle: float) -> int:
    """-1, 0 or 1: before, within or behind the middle of the head, from pixels along one axis.

    The middle is this part of the head's length.
    """
    ends = np.flatnonzero(head)
    centre = float(np.average(np.arange(len(tumor)), weights=tumor))
    place = (centre - ends[0] + 0.5) / (ends[-1] - ends[0] + 1)
    return int(place > 0.5 + middle / 2) - int(place < 0.5 - middle / 2)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
