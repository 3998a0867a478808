"""Prediction -> Outline: where the tumor is, how large, and on which side of the picture.

The network's outline comes with the answer, from the same pass. It is drawn only where the
answer is that there is a tumor: a healthy head has no outline, whatever single pixels suggest.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ConfigError
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.preparation import percentiles
from tumorlens.scan import FloatArray, Scan, Volume

MIN_TUMOR_PROBABILITY = 0.5
"""Slices that are less likely than this to show a tumor get no outline."""

THRESHOLD = 0.5
"""Pixels at least this likely to be tumor lie within the outline."""

_HEAD = 0.1  # brighter than this part of the way from background to bright is head
_MIDDLE = 1 / 3  # of the head's width and height counts as its middle
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
        side: Where in the picture its middle lies, as seen: in axial and coronal slices shown
            as radiologists do, the picture's left is the patient's right. None without a tumor.
        height: Likewise.
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


@dataclass(frozen=True, slots=True, eq=False)
class VolumeOutline:
    """The tumor in a volume.

    Attributes:
        mask: bool, (slices, rows, columns) of the volume.
        volume_ml: None where the spacing is unknown.
        largest: 0-based index of the slice with the largest outline; None without a tumor.
        outline: That slice's outline; None without a tumor.
    """

    mask: BoolArray
    volume_ml: float | None
    largest: int | None
    outline: Outline | None

    def to_json(self) -> dict[str, Any]:
        """Everything but the mask, as JSON values; the largest slice's figures included."""
        return {
            "volume_ml": _rounded(self.volume_ml),
            "largest_slice": self.largest,
            **(self.outline.to_json() if self.outline else {}),
        }


def outline(scan: Scan, prediction: Prediction) -> Outline:
    """Outline the tumor in a slice.

    Args:
        scan: The slice that was answered.
        prediction: The answer about it, by a model that outlines.

    Raises:
        ConfigError: The model does not outline, or the answer is about another scan.
    """
    found = tumor_map(scan, prediction) >= THRESHOLD
    if prediction.tumor_probability < MIN_TUMOR_PROBABILITY:
        found[:] = False
    return measure(found, scan)


def outline_volume(volume: Volume, prediction: VolumePrediction) -> VolumeOutline:
    """Outline the tumor in every slice of a volume that was judged.

    The maps of three neighbouring slices are averaged: a tumor does not end between two.

    Raises:
        ConfigError: As `outline`.
    """
    return measure_volume(volume_maps(volume, prediction) >= THRESHOLD, volume)


def measure_outline(
    scan: Scan | Volume, prediction: Prediction | VolumePrediction
) -> Outline | VolumeOutline | None:
    """The outline in whatever was answered; None where the model outlines nothing.

    Raises:
        ConfigError: The answer is about another scan.
    """
    if isinstance(scan, Volume) and isinstance(prediction, VolumePrediction):
        outlines = prediction.slices[0].answer.evidence.outline is not None
        return outline_volume(scan, prediction) if outlines else None
    if isinstance(scan, Scan) and isinstance(prediction, Prediction):
        return outline(scan, prediction) if prediction.evidence.outline is not None else None
    raise ConfigError(
        expected="a scan and the answer about it",
        found=f"a {type(scan).__name__} and a {type(prediction).__name__}",
        remedy="Give pairs (scan, predict(scan)).",
        source=scan.source,
    )


def volume_maps(volume: Volume, prediction: VolumePrediction) -> FloatArray:
    """How likely each voxel is tumor: float32, (slices, rows, columns), 0..1.

    0 in slices that were not judged, and in those that are not likely to show a tumor.

    Raises:
        ConfigError: As `outline`.
    """
    maps = np.zeros(volume.voxels.shape, np.float32)
    for one in prediction.slices:
        if one.answer.tumor_probability >= MIN_TUMOR_PROBABILITY:
            maps[one.index] = tumor_map(volume.slice(one.index), one.answer)
        elif one.answer.evidence.outline is None:
            raise _no_outline(volume.source)
    padded = np.pad(maps, ((1, 1), (0, 0), (0, 0)), mode="edge")
    return np.asarray((padded[:-2] + padded[1:-1] + padded[2:]) / 3, np.float32)


def measure_volume(mask: BoolArray, volume: Volume) -> VolumeOutline:
    """Volume, and area, diameter and place of the largest slice of a tumor's mask.

    Args:
        mask: bool, of the volume's shape.
        volume: Whose voxels they are.
    """
    volume_ml = int(mask.sum()) * volume.voxel_ml if volume.voxel_ml is not None else None
    if not mask.any():
        return VolumeOutline(mask, volume_ml, None, None)
    largest = int(mask.sum(axis=(1, 2)).argmax())
    return VolumeOutline(mask, volume_ml, largest, measure(mask[largest], volume.slice(largest)))


def tumor_map(scan: Scan, prediction: Prediction) -> FloatArray:
    """How likely each pixel of the scan is tumor: float32, (rows, columns), 0..1.

    Raises:
        ConfigError: As `outline`.
    """
    evidence = prediction.evidence
    if evidence.outline is None:
        raise _no_outline(scan.source)
    if evidence.placement.shape != scan.pixels.shape:
        raise ConfigError(
            expected="a scan and the answer about it",
            found=f"a scan of {scan.pixels.shape} and an answer about {evidence.placement.shape}",
            remedy="Give pairs (scan, predict(scan)).",
            source=scan.source,
        )
    return evidence.placement.to_scan(evidence.outline)


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
    low, high = percentiles(pixels, 1, 99.5)
    return np.asarray(pixels > low + _HEAD * (high - low))


def _place(mask: BoolArray, head: BoolArray) -> tuple[Side | None, Height | None]:
    """Where in the head's rectangle the mask's centre of mass lies."""
    if not mask.any():
        return None, None
    whole = head | mask
    across = _position(mask.sum(axis=0), whole.sum(axis=0))
    down = _position(mask.sum(axis=1), whole.sum(axis=1))
    side: Side = "left" if across < 0 else "right" if across > 0 else "middle"
    height: Height = "upper" if down < 0 else "lower" if down > 0 else "middle"
    return side, height


def _position(tumor: npt.NDArray[np.int_], head: npt.NDArray[np.int_]) -> int:
    """-1, 0 or 1: before, within or behind the middle of the head, from pixels along one axis."""
    ends = np.flatnonzero(head)
    centre = float(np.average(np.arange(len(tumor)), weights=tumor))
    place = (centre - ends[0] + 0.5) / (ends[-1] - ends[0] + 1)
    return int(place > 0.5 + _MIDDLE / 2) - int(place < 0.5 - _MIDDLE / 2)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _no_outline(source: str) -> ConfigError:
    return ConfigError(
        expected="a model that outlines the tumor",
        found="one that only names it",
        remedy="Use the bundled model, or train with network.outlines = true.",
        source=source,
    )
