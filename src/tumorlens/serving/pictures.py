"""Answer -> pictures: overlays as PNG, and all that the page shows of one scan."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.reporting.figure import draw_figure, jpeg_bytes, png_bytes
from tumorlens.reporting.formats import to_record
from tumorlens.reporting.overlay import (
    EDGE,
    OPACITY,
    Overlay,
    edge_of,
    make_overlays,
    slice_overlays,
)
from tumorlens.scan import Scan, Volume

_SIDES = {"scan": (1024, 384), "heatmap": (384, 160)}
"""Longest sides in pixels of the page's pictures: of a scan of its own, of a volume's slice."""

_SMALL = 128  # pixels on its longest side


def draw_explanation(
    scan: Scan | Volume,
    answer: Prediction | VolumePrediction,
    *,
    view: str,
    target: str | None,
) -> tuple[bytes, dict[str, Any]]:
    """Draw a slice, or a volume's most suspicious one.

    Args:
        scan: What was read.
        answer: The answer about it.
        view: One of `VIEWS`.
        target: The class to explain; the predicted one where None.

    Returns:
        A PNG file; and what it does not show: ``label`` and ``accepted`` of the answer, the class
        that is explained (``target``), and the ``slice`` (None for a scan of its own).

    Raises:
        ConfigError: The model has no such class.
    """
    outlined = view in _OUTLINED
    overlay = next(make_overlays(scan, answer, target=target, outlined=outlined))
    told = {
        "label": answer.label,
        "accepted": answer.accepted,
        "target": overlay.explanation.target,
        "slice": overlay.index,
    }
    return png_bytes(VIEWS[view](overlay)), told


def draw_view(scan: Scan | Volume, answer: Prediction | VolumePrediction) -> bytes:
    """All that the page shows of one scan, as JSON: the answer and pictures of every slice.

    Returns:
        The JSON of `tumorlens.serving.schemas.View`.
    """
    slices = [_pictures(one) for one in _all_overlays(scan, answer)]
    view = {"answer": to_record((scan, answer)), "opacity": OPACITY, "slices": slices}
    return json.dumps(view, allow_nan=False).encode()


def _all_overlays(scan: Scan | Volume, answer: Prediction | VolumePrediction) -> Iterator[Overlay]:
    if isinstance(scan, Volume) and isinstance(answer, VolumePrediction):
        yield from slice_overlays(scan, answer, [one.index for one in answer.slices])
    else:
        yield from make_overlays(scan, answer)


def _pictures(overlay: Overlay) -> dict[str, Any]:
    rows, columns = overlay.scan.shape[:2]
    per_row, per_column = overlay.spacing_mm or (1.0, 1.0)
    answer, is_slice = overlay.prediction, overlay.index is not None
    colours = _transparent(overlay)
    side = _SIDES["heatmap"][is_slice]
    colours.thumbnail((side, side))
    return {
        "index": overlay.index,
        "label": answer.label,
        "probabilities": dict(answer.probabilities),
        "tumor_probability": answer.tumor_probability,
        "accepted": answer.accepted,
        "reason": answer.reason,
        "aspect": round(columns * per_column / (rows * per_row), 4),
        "scan": _gray(overlay, longest_side=_SIDES["scan"][is_slice]),
        "heatmap": _data_uri(png_bytes(colours), "png"),
        "outline": _outline(overlay, longest_side=_SIDES["scan"][is_slice]),
        "target": overlay.explanation.target,
    }


def _gray(overlay: Overlay, *, longest_side: int) -> str:
    """The slice in gray; a small one, which the page enlarges, without the traces of JPEG."""
    if max(overlay.scan.shape) <= _SMALL:
        return _data_uri(png_bytes(Image.fromarray(overlay.scan[..., 0])), "png")
    return _data_uri(jpeg_bytes(overlay.scan, longest_side=longest_side), "jpeg")


def _transparent(overlay: Overlay) -> Image.Image:
    """The heatmap in colours, opaque where the evidence is strongest and clear where is none.

    Laid over the scan with the opacity `OPACITY` it gives the report's overlay.
    """
    alpha = np.rint(overlay.explanation.heatmap * 255).astype(np.uint8)
    return Image.fromarray(np.dstack([overlay.heatmap, alpha]), "RGBA")


def _outline(overlay: Overlay, *, longest_side: int) -> str | None:
    """The tumor's outline as a picture that is clear elsewhere, sharp at the size it is shown."""
    if overlay.outline is None or not overlay.outline.mask.any():
        return None
    mask = Image.fromarray(overlay.outline.mask)
    rows, columns = overlay.outline.mask.shape
    scale = min(1.0, longest_side / max(rows, columns))
    mask = mask.resize((max(1, round(columns * scale)), max(1, round(rows * scale))))
    edge = edge_of(np.asarray(mask, bool))
    colours = np.zeros((*edge.shape, 4), np.uint8)
    colours[edge] = (*EDGE, 255)
    return _data_uri(png_bytes(Image.fromarray(colours, "RGBA")), "png")


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _plain(name: str) -> Callable[[Overlay], Image.Image]:
    return lambda overlay: Image.fromarray(getattr(overlay, name))


VIEWS: dict[str, Callable[[Overlay], Image.Image]] = {
    "overlay": _plain("blend"),
    "heatmap": _transparent,
    "scan": _plain("scan"),
    "figure": draw_figure,
}
"""What ``/v1/explain`` can draw: the heatmap over the scan, the heatmap alone (transparent where
there is no evidence), the scan alone, or all with headings as in the report."""

_OUTLINED = {"overlay", "figure"}
"""Those in which the tumor's outline is drawn."""
