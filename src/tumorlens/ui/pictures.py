"""A slice and its answer -> the picture that the visitor wants to see."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tumorlens.explanation import METHOD, Explanation, explain
from tumorlens.prediction import Prediction
from tumorlens.reporting.colormap import colorize
from tumorlens.reporting.overlay import EDGE, OPACITY, RGB, blend_pictures, edge_of, gray_picture
from tumorlens.scan import Scan

METHODS: dict[str, Callable[..., Explanation]] = {METHOD: explain}
"""Ways to explain an answer: ``explain(prediction, target=class) -> Explanation``."""

Show = Literal["overlay", "scan", "heatmap"]
SHOWS: tuple[Show, ...] = ("overlay", "scan", "heatmap")
"""What can be shown of a slice."""

_ICON = (15, 157, 138)
_LONGEST_SIDE = 1024  # pixels: more is not seen, and has to travel


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a slice is shown.

    Attributes:
        show: The heatmap over the scan, the scan alone or the heatmap alone.
        target: The class that is explained; the predicted one where None.
        method: One of `METHODS`.
        opacity: How much of the scan the heatmap hides where it is strongest, 0..1.
    """

    show: Show = "overlay"
    target: str | None = None
    method: str = METHOD
    opacity: float = OPACITY


def draw(
    scan: Scan,
    answer: Prediction | None,
    look: Look,
    *,
    mask: npt.NDArray[np.bool_] | None = None,
) -> Image.Image:
    """Draw a slice as it lies in the patient: pixels that are not square are stretched.

    Args:
        scan: The slice.
        answer: About it; None for a slice of a volume that was not judged, shown alone.
        look: What to show.
        mask: bool, (rows, columns) of the scan: the tumor, whose edge is drawn; none where None.

    Returns:
        RGB, at most 1,024 pixels on its longer side.

    Raises:
        ConfigError: The model has no such class.
    """
    picture = gray_picture(scan.pixels)
    if answer is not None and look.show != "scan":
        heatmap = METHODS[look.method](answer, target=look.target).heatmap
        colours = colorize(heatmap)
        if look.show == "heatmap":
            picture = colours
        else:
            picture = blend_pictures(picture, colours, heatmap * (look.opacity / OPACITY))
    if mask is not None and mask.any():
        picture[edge_of(mask)] = EDGE
    return _as_seen(picture, scan.spacing_mm)


def draw_icon() -> Image.Image:
    """The app's icon: a head in outline with a spot in it."""
    icon = Image.new("RGBA", (64, 64))
    pencil = ImageDraw.Draw(icon)
    pencil.ellipse((8, 3, 56, 61), outline=_ICON, width=6)
    pencil.ellipse((33, 20, 47, 34), fill=_ICON)
    return icon


def _as_seen(picture: RGB, spacing: tuple[float, float] | None) -> Image.Image:
    rows, columns = picture.shape[:2]
    per_row, per_column = spacing or (1.0, 1.0)
    # Never smaller than the slice itself, unless that is larger than what is shown at all.
    fine = min(per_row, per_column)
    height, width = rows * per_row / fine, columns * per_column / fine
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(picture)
    return image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)
