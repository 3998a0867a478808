"""Marks that people left in a picture: letters, scales and numbers beside the head, colours.

Beside the head means outside the smallest convex outline around all that is too thick for a
letter. White arrows drawn on the head itself cannot be told from bright vessels so, and are not
found; coloured ones are.
"""

import cv2
import numpy as np
import numpy.typing as npt

from tumorlens.preparation import percentile
from tumorlens.scan import FloatArray

_SIDE = 256  # pixels; all lengths below are in a copy whose longer side is this
_THICK = 5  # letters' strokes are thinner
_PART_OF_HEAD = 80  # pixels; less is a blot
_REACH = 21  # so far around the head (width of a window) scalp and ears may still shine
_BODY, _BRIGHT = 0.1, 0.4  # of the way from the darkest to the brightest
_HEIGHT, _WIDTH, _MIN_AREA = (4, 26), (2, 64), 8  # pixels: of a letter, or a word
_MAX_MARKS = 60  # more is noise

_GREY = 16  # levels between two channels that a JPEG's rounding may cause


def has_marks(pixels: FloatArray) -> bool:
    """Whether letters or the like stand beside the head.

    Args:
        pixels: float32, (rows, columns), any range.
    """
    scale = _SIDE / max(pixels.shape)
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(np.ascontiguousarray(pixels, np.float32), size, interpolation=way)
    small = np.asarray(resized, np.float32)
    low, high = percentile(small, 1), percentile(small, 99)
    level = (small - low) / max(high - low, 1e-6)
    beside = (level > _BRIGHT) & ~_around_head(level > _BODY)
    _, _, found, _ = cv2.connectedComponentsWithStats(beside.astype(np.uint8), connectivity=8)
    letters = sum(_is_letter(*blot[2:5]) for blot in found[1:].tolist())
    return 0 < letters <= _MAX_MARKS


def _around_head(body: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """bool, (rows, columns): the convex outline of what is thick, and somewhat around it."""
    thick = cv2.morphologyEx(
        body.astype(np.uint8), cv2.MORPH_OPEN, np.ones((_THICK, _THICK), np.uint8)
    )
    _, parts, found, _ = cv2.connectedComponentsWithStats(thick)
    large = np.flatnonzero(found[:, cv2.CC_STAT_AREA] >= _PART_OF_HEAD)
    places = np.argwhere(np.isin(parts, large[large > 0]))[:, ::-1].astype(np.int32)
    outline = np.zeros(body.shape, np.uint8)
    if len(places) == 0:
        return np.ones(body.shape, np.bool_)
    cv2.fillConvexPoly(outline, cv2.convexHull(places), (1.0,))
    return cv2.dilate(outline, np.ones((_REACH, _REACH), np.uint8)) > 0


def _is_letter(width: int, height: int, area: int) -> bool:
    is_sized = _HEIGHT[0] <= height <= _HEIGHT[1] and _WIDTH[0] <= width <= _WIDTH[1]
    return is_sized and area >= max(_MIN_AREA, 0.12 * width * height)


def share_of_colour(channels: npt.NDArray[np.uint8]) -> float:
    """Which part of the pixels is clearly not grey, 0..1.

    Args:
        channels: uint8, (rows, columns, 3).
    """
    apart = channels.max(axis=2).astype(np.int16) - channels.min(axis=2)
    return float((apart > _GREY).mean())
