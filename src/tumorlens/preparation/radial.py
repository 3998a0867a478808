"""The brain in one slice: a closed contour around its middle, found by dynamic programming.

Along each ray from the middle outwards the brain ends where the signal drops into the dark of the
skull and of the fluid around the brain, and nothing dark lies before: the rule by which BET
(S. M. Smith, Hum Brain Mapp 17:143, 2002) finds a surface in a volume. Of all contours that change
by a step at most from ray to ray, the one with the largest drops is taken. It needs no spacing.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from tumorlens.preparation.head import find_head
from tumorlens.preparation.percentiles import percentile
from tumorlens.scan import FloatArray, Scan

BoolArray = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_SIDE = 128  # pixels of the longer side of the small copy in which the contour is searched
_RAYS = 144
_STEPS = 96  # along a ray, from the middle to the rim of the head
_INNERMOST = 33  # the brain does not end before this step
_EDGE = 5  # steps on either side of a place over which its drop is measured
_DEPTH = 0.35  # of the brain's brightness: what is darker is skull, fluid or air
_CROSSING = 1.6  # what crossing the dark costs, in drops of the brain's brightness
_USUAL = 0.9  # of a ray: where brains end mostly; being elsewhere costs the square of the distance
_LEAST_HEAD = 16  # pixels of the small copy
_NEVER = 1e9

_ANGLES = np.arange(_RAYS) * 2 * np.pi / _RAYS
_DIRECTIONS = np.stack([np.sin(_ANGLES), np.cos(_ANGLES)], axis=1)


def find_brain(scan: Scan) -> BoolArray:
    """Find the brain in a slice.

    Args:
        scan: One that shows a head, with or without its skull.

    Returns:
        bool, (rows, columns): the brain; all True where nothing stands out from the background.
    """
    top, left, bottom, right = find_head(scan.pixels, threshold=0.1, margin=0.02)
    small = _small(scan.pixels[top:bottom, left:right])
    low, high = percentile(small, 1), percentile(small, 99)
    head = _filled(small > low + 0.1 * (high - low))
    mask = np.zeros(scan.pixels.shape, bool)
    if head.sum() < _LEAST_HEAD:
        return ~mask
    # The first brain's middle is a better one than the head's, which has a face and a neck.
    first = _inside(_lengths(small, head, _middle(head)), _middle(head), small.shape, small.shape)
    middle = _middle(first) if first.any() else _middle(head)
    lengths = _lengths(small, head, middle)
    mask[top:bottom, left:right] = _inside(
        lengths, middle, small.shape, (bottom - top, right - left)
    )
    return mask


def _small(pixels: FloatArray) -> FloatArray:
    scale = _SIDE / max(pixels.shape)
    rows, columns = (max(8, round(length * scale)) for length in pixels.shape)
    how = Pillow.Resampling.BOX if scale < 1 else Pillow.Resampling.BILINEAR
    picture = Pillow.fromarray(np.ascontiguousarray(pixels, np.float32))
    return np.asarray(picture.resize((columns, rows), how), np.float32)


def _filled(mask: BoolArray) -> BoolArray:
    """All that lies between the first and the last pixel of its row and of its column."""

    def spanned(rows: BoolArray) -> BoolArray:
        after = np.logical_or.accumulate(rows, axis=1)
        before = np.logical_or.accumulate(rows[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(after & before)

    return np.asarray(spanned(mask) & spanned(mask.T).T)


def _middle(mask: BoolArray) -> Floats:
    """(row, column) of a mask's centre of mass."""
    return np.array([places.mean() for places in np.nonzero(mask)])


def _lengths(small: FloatArray, head: BoolArray, middle: Floats) -> Floats:
    """How far the brain reaches along each ray, in pixels of the small copy: (rays,)."""
    rim = _rim(head, middle)
    places = (np.arange(_STEPS + _EDGE) + 0.5) / _STEPS
    signal = _sampled(small, middle + _DIRECTIONS[:, None] * (places[:, None] * rim[:, None, None]))
    dark = percentile(small, 2)
    bright = float(np.median(signal[:, : _STEPS // 2]))
    brightness = np.clip((signal - dark) / max(bright - dark, 1e-6), 0, 1.3)
    return _cheapest(_cost(brightness)) / _STEPS * rim


def _rim(head: BoolArray, middle: Floats) -> Floats:
    """How far the head reaches along each ray, in pixels: (rays,), at least 1."""
    steps = np.arange(0, np.hypot(*head.shape), 0.5)
    points = np.rint(middle + _DIRECTIONS[:, None] * steps[:, None]).astype(int)
    within = ((points >= 0) & (points < head.shape)).all(axis=-1)
    on_head = np.zeros(within.shape, bool)
    on_head[within] = head[points[within][:, 0], points[within][:, 1]]
    return np.asarray(np.maximum(1.0, (on_head * steps).max(axis=1)))


def _sampled(small: FloatArray, points: Floats) -> Floats:
    """The signal at points (..., 2), interpolated linearly; the darkest outside the picture."""
    ends = np.array(small.shape) - 1
    outside = ((points < -0.5) | (points > ends + 0.5)).any(axis=-1)
    points = np.clip(points, 0, ends)
    first = np.minimum(points.astype(int), np.maximum(ends - 1, 0))
    (row, column), (down, across) = np.moveaxis(first, -1, 0), np.moveaxis(points - first, -1, 0)
    upper = small[row, column] * (1 - across) + small[row, column + 1] * across
    lower = small[row + 1, column] * (1 - across) + small[row + 1, column + 1] * across
    return np.where(outside, float(small.min()), upper * (1 - down) + lower * down)


def _cost(brightness: Floats) -> Floats:
    """What it costs to end the brain before each step of each ray: (rays, steps + 1)."""
    sums = np.cumsum(np.pad(brightness, ((0, 0), (1, 0))), axis=1)
    ends = np.arange(_STEPS + 1)
    before = (sums[:, ends] - sums[:, np.maximum(ends - _EDGE, 0)]) / _EDGE
    behind = (sums[:, np.minimum(ends + _EDGE, brightness.shape[1])] - sums[:, ends]) / _EDGE
    smooth = brightness.copy()
    smooth[:, 1:-1] = (brightness[:, :-2] + brightness[:, 1:-1] + brightness[:, 2:]) / 3
    darkness = np.clip(_DEPTH - smooth, 0, None) / _DEPTH
    darkness[:, :_INNERMOST] = 0  # ventricles
    crossed = np.pad(np.maximum.accumulate(darkness, axis=1), ((0, 0), (1, 0)))[:, : _STEPS + 1]
    cost = behind - before + _CROSSING * crossed + (ends / _STEPS - _USUAL) ** 2
    cost[:, :_INNERMOST] = _NEVER
    return np.asarray(cost)


def _cheapest(cost: Floats) -> npt.NDArray[np.int64]:
    """The step of each ray on the cheapest contour that bends by one step a ray: (rays,).

    Two laps are gone; the second half of the first and the first half of the second meet.
    """
    total, came = cost[0], []
    for row in (*cost[1:], *cost):
        padded = np.pad(total, 1, constant_values=_NEVER)
        choices = np.stack([padded[:-2], padded[1:-1], padded[2:]])
        best = choices.argmin(axis=0)
        came.append(best - 1)
        total = choices.min(axis=0) + row
    steps = [int(total.argmin())]
    for back in reversed(came):
        steps.append(steps[-1] + int(back[steps[-1]]))
    laps = np.array(steps[::-1])
    half = _RAYS // 2
    return np.concatenate([laps[_RAYS : _RAYS + half], laps[half:_RAYS]])


def _inside(
    lengths: Floats, middle: Floats, small: tuple[int, ...], shape: tuple[int, ...]
) -> BoolArray:
    """bool, ``shape``: what lies within the contour of the small copy, laid on this grid."""
    rows, columns = (
        (np.arange(shape[axis]) + 0.5) * small[axis] / shape[axis] - 0.5 - middle[axis]
        for axis in (0, 1)
    )
    angles = np.mod(np.arctan2(rows[:, None], columns), 2 * np.pi)
    reach = np.interp(angles, np.append(_ANGLES, 2 * np.pi), np.append(lengths, lengths[0]))
    return np.asarray(np.hypot(rows[:, None], columns) <= reach)
