"""Where the head is in a slice: everything but the black border, without text and arrows."""

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from tumorlens.preparation.percentiles import percentiles
from tumorlens.scan import FloatArray

_SEARCH_SIZE = 128  # pixels a side of the small copy in which the head is searched
_OPENING = 7  # in that copy: what is thinner than this (text, arrows, frames) is not a head
_REACH = 21  # in that copy: bright pixels this near (width of a window) still belong to the head


def find_head(pixels: FloatArray, *, threshold: float, margin: float) -> tuple[int, int, int, int]:
    """Find the rectangle that holds the head.

    Args:
        pixels: float32, (rows, columns), any range.
        threshold: What counts as head: brighter than this fraction of the way from the
            darkest (1st percentile) to the brightest (99th), in (0, 1).
        margin: Added on each side, as a fraction of the rectangle's own side, from 0 up.

    Returns:
        (top, left, bottom, right) in pixels, the last two exclusive. The whole picture where
        nothing stands out from the background.
    """
    mask = _head_mask(pixels, threshold)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return 0, 0, pixels.shape[0], pixels.shape[1]
    top, bottom = _extent(rows, pixels.shape[0], margin)
    left, right = _extent(columns, pixels.shape[1], margin)
    return top, left, bottom, right


def _head_mask(pixels: FloatArray, threshold: float) -> npt.NDArray[np.bool_]:
    """bool, (128, 128): the bright regions of a small copy, without those too thin for a head."""
    side = (_SEARCH_SIZE, _SEARCH_SIZE)
    small = np.asarray(Pillow.fromarray(pixels).resize(side, Pillow.Resampling.BOX))
    low, high = percentiles(small, 1, 99)
    bright = small > low + threshold * (high - low)
    # Mirrored outwards: a head cut by the picture's edge stays thick, a thin frame stays thin.
    framed = np.pad(bright, _OPENING, mode="symmetric")
    thick = _window_counts(framed, _OPENING) == _OPENING**2
    # Grown by more than was worn off, but only where it is bright: skull and scalp come back.
    near = _window_counts(thick, _REACH) > 0
    return near[_OPENING:-_OPENING, _OPENING:-_OPENING] & bright


def _window_counts(mask: npt.NDArray[np.bool_], width: int) -> npt.NDArray[np.int32]:
    """How many pixels are set in the square of an odd ``width`` around each; same shape."""
    before = width // 2 + 1
    padded = np.pad(mask, ((before, width // 2), (before, width // 2)))
    total = padded.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    return np.asarray(
        total[width:, width:]
        - total[:-width, width:]
        - total[width:, :-width]
        + total[:-width, :-width]
    )


def _extent(found: npt.NDArray[np.intp], length: int, margin: float) -> tuple[int, int]:
    """From positions in the small copy to a range of the picture's own pixels, with margin."""
    first, last = found[0] / _SEARCH_SIZE, (found[-1] + 1) / _SEARCH_SIZE
    more = margin * (last - first)
    start = int(np.floor(max(0.0, first - more) * length))
    stop = int(np.ceil(min(1.0, last + more) * length))
    return start, max(stop, start + 1)
