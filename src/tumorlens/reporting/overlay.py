"""A slice, its heatmap, and one laid over the other, as arrays."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ConfigError
from tumorlens.explanation import Explanation, explain
from tumorlens.measured_outline import Outline, VolumeOutline
from tumorlens.model_identity import ModelIdentity
from tumorlens.outlining import measure_outline
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
        outlined_by: The model for whole heads that outlined; None where the answering model did.
    """

    scan: RGB
    heatmap: RGB
    blend: RGB
    prediction: Prediction
    explanation: Explanation
    index: int | None = None
    spacing_mm: tuple[float, float] | None = None
    outline: Outline | None = None
    outlined_by: ModelIdentity | None = None


def make_overlay(
    scan: Scan,
    prediction: Prediction,
    *,
    target: str | None = None,
    index: int | None = None,
    found: Outline | None = None,
    outlined_by: ModelIdentity | None = None,
) -> Overlay:
    """Draw where the network looked in one slice, and the tumor's outline.

    Args:
        scan: The slice that was answered.
        prediction: The answer about it.
        target: The class to explain; the predicted one where None.
        index: The slice's index in its volume, if it has one.
        found: The tumor's outline; None to draw none.
        outlined_by: The model for whole heads that outlined, if one did.

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
    if found:
        blend[edge_of(found.mask)] = EDGE
    return Overlay(
        gray, colours, blend, prediction, explanation, index, scan.spacing_mm, found, outlined_by
    )


def make_overlays(
    scan: Scan | Volume,
    prediction: Prediction | VolumePrediction,
    *,
    target: str | None = None,
    outlined: bool = True,
) -> Iterator[Overlay]:
    """Draw a slice, or a volume's most suspicious slices, the most suspicious first.

    Args:
        scan: What was answered.
        prediction: The answer about it.
        target: The class to explain; for each slice the predicted one where None.
        outlined: Whether to outline the tumor, where the model does.

    Raises:
        ConfigError: As `make_overlay`; or a slice's answer was given for a volume.
    """
    if isinstance(scan, Volume) and isinstance(prediction, VolumePrediction):
        shown = prediction.suspicious
        yield from slice_overlays(scan, prediction, shown, target=target, outlined=outlined)
        return
    found = measure_outline(scan, prediction)
    assert isinstance(scan, Scan)
    assert isinstance(prediction, Prediction)
    assert not isinstance(found, VolumeOutline)
    yield make_overlay(scan, prediction, target=target, found=found if outlined else None)


def slice_overlays(
    volume: Volume,
    prediction: VolumePrediction,
    indices: Iterable[int],
    *,
    target: str | None = None,
    outlined: bool = True,
) -> Iterator[Overlay]:
    """Draw these slices of a volume, with the volume's outline; see `make_overlays`."""
    whole = measure_outline(volume, prediction) if outlined else None
    assert whole is None or isinstance(whole, VolumeOutline)
    by = whole.outlined_by if whole else None
    for index in indices:
        scan, answer = volume.slice(index), prediction.slice(index)
        found = whole.of_slice(index, scan) if whole else None
        yield make_overlay(scan, answer, target=target, index=index, found=found, outlined_by=by)


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
