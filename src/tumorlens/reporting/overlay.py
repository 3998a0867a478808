"""A slice, its heatmap, and one laid over the other, as arrays."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ConfigError
from tumorlens.explanation import Explanation, explain
from tumorlens.outlining import Outline, outline
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.preparation import percentiles, scale_between
from tumorlens.reporting.colormap import colorize
from tumorlens.scan import FloatArray, Scan, Volume

PERCENTILES = (0.5, 99.5)
"""Intensities of the slice that are shown as black and white, in percent."""

OPACITY = 0.7
"""How much of the scan the heatmap hides where it is 1; where it is 0 it hides nothing."""

RGB = npt.NDArray[np.uint8]

EDGE = (0, 255, 213)
"""The colour of the tumor's outline: none of the heatmap's."""

_FINE = 400  # rows or columns of a scan up to which its outline is one pixel wide


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """What is drawn of one slice; all three uint8 RGB, (rows, columns, 3) of the scan.

    Attributes:
        scan: The slice in gray.
        heatmap: The heatmap in colours.
        blend: The heatmap over the slice, and the tumor's outline where there is one.
        prediction: The answer about the slice.
        explanation: The heatmap as numbers, and the class it explains.
        index: The slice's 0-based index in its volume; None for a scan of its own.
        spacing_mm: Distance between pixel centres in mm, (row, column); None where unknown.
        outline: The tumor's outline; None where the model outlines nothing.
    """

    scan: RGB
    heatmap: RGB
    blend: RGB
    prediction: Prediction
    explanation: Explanation
    index: int | None = None
    spacing_mm: tuple[float, float] | None = None
    outline: Outline | None = None


def make_overlay(
    scan: Scan, prediction: Prediction, *, target: str | None = None, index: int | None = None
) -> Overlay:
    """Draw where the network looked in one slice.

    Args:
        scan: The slice that was answered.
        prediction: The answer about it.
        target: The class to explain; the predicted one where None.
        index: The slice's index in its volume, if it has one.

    Raises:
        ConfigError: The model has no such class, or the answer is about a scan of another size.
    """
    explanation = explain(prediction, target=target)
    if explanation.heatmap.shape != scan.pixels.shape:
        raise ConfigError(
            expected="a scan and the answer about it",
            found=f"a scan of {scan.pixels.shape} and an answer about {explanation.heatmap.shape}",
            remedy="Give pairs (scan, predict(scan)).",
            source=scan.source,
        )
    gray = gray_picture(scan.pixels)
    colours = colorize(explanation.heatmap)
    blend = blend_pictures(gray, colours, explanation.heatmap)
    found = outline(scan, prediction) if prediction.evidence.outline is not None else None
    if found:
        blend[edge_of(found.mask)] = EDGE
    return Overlay(gray, colours, blend, prediction, explanation, index, scan.spacing_mm, found)


def make_overlays(
    scan: Scan | Volume, prediction: Prediction | VolumePrediction, *, target: str | None = None
) -> Iterator[Overlay]:
    """Draw a slice, or a volume's most suspicious slices, the most suspicious first.

    Raises:
        ConfigError: As `make_overlay`; or a slice's answer was given for a volume.
    """
    if isinstance(scan, Scan) and isinstance(prediction, Prediction):
        yield make_overlay(scan, prediction, target=target)
    elif isinstance(scan, Volume) and isinstance(prediction, VolumePrediction):
        for index in prediction.suspicious:
            answer = prediction.slice(index)
            yield make_overlay(scan.slice(index), answer, target=target, index=index)
    else:
        raise ConfigError(
            expected="a scan and the answer about it",
            found=f"a {type(scan).__name__} and a {type(prediction).__name__}",
            remedy="Give pairs (scan, predict(scan)).",
            source=scan.source,
        )


def edge_of(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The pixels of a mask that lie at its edge; two deep in large scans.

    Args:
        mask: bool, (rows, columns).
    """
    inner = mask
    for _ in range(1 if max(mask.shape) <= _FINE else 2):
        padded = np.pad(inner, 1)
        beside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        inner = inner & beside
    return mask & ~inner


def gray_picture(pixels: FloatArray) -> RGB:
    """A slice in gray, scaled between two percentiles (`PERCENTILES`).

    Args:
        pixels: float32, (rows, columns), any range.

    Returns:
        uint8 RGB, (rows, columns, 3).
    """
    low, high = percentiles(pixels, *PERCENTILES)
    if high <= low:
        low, high = float(pixels.min()), float(pixels.max())
    scaled = scale_between(pixels, low, high) if high > low else np.zeros_like(pixels)
    levels = np.rint(scaled * 255).astype(np.uint8)
    return np.repeat(levels[..., np.newaxis], 3, axis=-1)


def blend_pictures(under: RGB, over: RGB, weight: FloatArray) -> RGB:
    """Lay one picture over another, the more opaque the larger ``weight`` is.

    Args:
        under: uint8 RGB, (rows, columns, 3).
        over: The same.
        weight: float32, (rows, columns), 0..1; 1 gives `OPACITY`.
    """
    alpha = OPACITY * weight
    blend = np.empty_like(under)
    for channel in range(3):  # one by one: large scans would take much memory
        mixed = under[..., channel] * (1 - alpha) + over[..., channel] * alpha
        blend[..., channel] = np.rint(mixed)
    return blend
