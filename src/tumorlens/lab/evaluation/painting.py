"""The tumor painted over must change the answer; as much painted over elsewhere must not.

The hole is filled by biharmonic inpainting: S. Damelin and N. Hoang, "On Surface Completion and
Image Inpainting by Biharmonic Functions", International Journal of Mathematics and Mathematical
Sciences 2018, arXiv:1707.06567 (scikit-image), held within the brightness of the hole's rim,
beyond which it would swing. The fill is smooth, so that it may itself look like something; that
is what painting elsewhere, and painting slices without tumor, measure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.signal import fftconvolve
from skimage.restoration import inpaint_biharmonic

from tumorlens.lab.evaluation.anatomy import BoolArray, head_of
from tumorlens.lab.evaluation.bootstrap import (
    Interval,
    Resamples,
    ratio,
    ratio_interval,
    resample_groups,
    spread,
)
from tumorlens.lab.pictures import ByteArray, to_bytes
from tumorlens.lab.progress import Progress, silent
from tumorlens.preparation import Preparation, prepare
from tumorlens.scan import FloatArray, Scan

_MARGIN = 3  # pixels of 224 painted around the outline, so that no rim of the tumor is left
_RIM = 3  # pixels of 224 around the hole whose brightness bounds the fill
_RIM_PERCENT = (10, 90)  # of their brightness: what glows beside a tumor does not count
_DEPTH = 6  # pixels of 224 that painting elsewhere keeps from the head's edge and the tumor
ALL = "all"


@dataclass(frozen=True, slots=True)
class PaintedScores:
    """What painting did to the answers of one data set; shares and probabilities in [0, 1].

    Attributes:
        dataset: Its name, or ``all``.
        count: Pictures that were called tumor before (or not, where they have none).
        drop: Mean fall of P(tumor) when painted over the tumor, in [-1, 1].
        drop_elsewhere: The same when painted elsewhere in the head.
        changed: The part of the answers that turn from tumor to none, painted over the tumor.
        changed_elsewhere: The same when painted elsewhere.
        intervals: 95 %, by group, under the same names; None with few groups.
    """

    dataset: str
    count: int
    drop: float
    drop_elsewhere: float
    changed: float
    changed_elsewhere: float
    intervals: dict[str, Interval | None]


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What painting did to slices without tumor: it must not make them tumors.

    Attributes:
        count: Pictures that were rightly called free of tumor before.
        changed: The part of them called tumor after a tumor's shape was painted over.
        interval: 95 %, by group; None with few groups.
    """

    count: int
    changed: float
    interval: Interval | None


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """Pictures before and after, uint8, (pictures, size, size) each; `kept` of those given.

    Attributes:
        before: As given, prepared once more like the others.
        over: With the mask painted over.
        elsewhere: With as much painted over elsewhere in the head.
        kept: Indices of the pictures that have room elsewhere.
    """

    before: ByteArray
    over: ByteArray
    elsewhere: ByteArray
    kept: tuple[int, ...]


def paint_pictures(
    pixels: ByteArray,
    masks: ByteArray,
    preparation: Preparation,
    *,
    progress: Progress = silent,
) -> Painted:
    """Paint over the tumor, and over as much elsewhere, and prepare the result again.

    Preparing again scales the intensities anew, as a scan without the tumor would be.

    Args:
        pixels: uint8, (pictures, size, size), prepared.
        masks: uint8, the same shape, above 127 where the tumor is.
        preparation: How they were prepared.
        progress: Called with (done, total).
    """
    rows: dict[int, list[ByteArray]] = {}
    for index, (picture, mask) in enumerate(zip(pixels, masks, strict=True)):
        hole = _widened(mask > 127, _MARGIN)
        elsewhere = place_elsewhere(hole, head_of(picture))
        if elsewhere is not None:
            both = paint_over(picture, hole), paint_over(picture, elsewhere)
            rows[index] = [_again(one, preparation) for one in (picture, *both)]
        progress(index + 1, len(pixels))
    return _painted(rows, pixels)


def paint_upon(pixels: ByteArray, shapes: ByteArray, preparation: Preparation) -> Painted:
    """Paint other pictures' tumor shapes over places of pictures that have no tumor.

    Args:
        pixels: uint8, (pictures, size, size), prepared.
        shapes: uint8, the same shape, above 127 where to paint; moved into the head.
        preparation: How they were prepared.

    Returns:
        With ``elsewhere`` the same as ``over``.
    """
    rows: dict[int, list[ByteArray]] = {}
    for index, (picture, shape) in enumerate(zip(pixels, shapes, strict=True)):
        hole = place_inside(shape > 127, head_of(picture))
        if hole is not None:
            over = _again(paint_over(picture, hole), preparation)
            rows[index] = [_again(picture, preparation), over, over]
    return _painted(rows, pixels)


def paint_over(picture: ByteArray, hole: BoolArray) -> ByteArray:
    """Fill a hole smoothly from its rim; uint8 and bool, (size, size), to uint8."""
    filled = inpaint_biharmonic(picture / 255, hole) * 255
    rim = picture[_widened(hole, _RIM) & ~hole]
    low, high = np.percentile(rim, _RIM_PERCENT) if rim.size else (0, 255)
    return np.where(hole, np.rint(np.clip(filled, low, high)), picture).astype(np.uint8)


def place_elsewhere(hole: BoolArray, head: BoolArray) -> BoolArray | None:
    """The same hole, mirrored left to right, well inside the head and clear of itself.

    Args:
        hole: bool, (size, size).
        head: bool, (size, size).

    Returns:
        bool, (size, size): the nearest such place to the mirrored one; None if there is none.
    """
    columns = np.flatnonzero(head.any(axis=0))
    if not hole.any() or not columns.size:
        return None
    rows, across = np.nonzero(hole)
    mirrored = columns[0] + columns[-1] - across
    deep = ndimage.binary_erosion(head, iterations=_depth(hole))
    room = deep & ~_widened(hole, _DEPTH)
    return _nearest_place(rows, mirrored, room)


def place_inside(hole: BoolArray, head: BoolArray) -> BoolArray | None:
    """A hole of another picture, moved as little as needed to lie well inside this head."""
    room = ndimage.binary_erosion(head, iterations=_depth(hole))
    rows, columns = np.nonzero(hole)
    return _nearest_place(rows, columns, room) if len(rows) else None


def _nearest_place(
    rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], room: BoolArray
) -> BoolArray | None:
    """Shift a shape into the room that is left, as little as possible."""
    top, left = int(rows.min()), int(columns.min())
    shape = np.zeros((int(rows.max()) - top + 1, int(columns.max()) - left + 1))
    shape[rows - top, columns - left] = 1
    if any(one > other for one, other in zip(shape.shape, room.shape, strict=True)):
        return None
    inside = fftconvolve(room.astype(float), shape[::-1, ::-1], mode="valid")
    fits = np.argwhere(inside > len(rows) - 0.5)
    if not len(fits):
        return None
    row, column = fits[np.argmin(((fits - (top, left)) ** 2).sum(axis=1))]
    placed = np.zeros(room.shape, bool)
    placed[rows - top + row, columns - left + column] = True
    return placed


def score_painting(
    datasets: Sequence[str],
    groups: Sequence[str],
    before: FloatArray,
    over: FloatArray,
    elsewhere: FloatArray,
) -> list[PaintedScores]:
    """One record a data set and one of all, of the pictures that were called tumor before.

    Args:
        datasets: Of each picture.
        groups: Likewise.
        before: (pictures,), P(tumor) of each as it was.
        over: The same with the tumor painted over.
        elsewhere: The same painted elsewhere.
    """
    names = np.array(datasets)
    rows = []
    for name in [*np.unique(names), ALL]:
        chosen = (before > 0.5) & ((names == name) | (name == ALL))
        if chosen.any():
            kept = np.array(groups)[chosen].tolist()
            rows.append(_score(str(name), kept, before[chosen], over[chosen], elsewhere[chosen]))
    return rows


def score_false_alarms(
    groups: Sequence[str], before: FloatArray, after: FloatArray
) -> FalseAlarms | None:
    """Of slices without tumor; None where all were called tumor before."""
    right = before <= 0.5
    if not right.any():
        return None
    resamples = resample_groups(np.array(groups)[right].tolist())
    changed = after[right] > 0.5
    return FalseAlarms(
        int(right.sum()),
        float(changed.mean()),
        ratio_interval(resamples, changed, np.ones(len(changed))),
    )


def _score(
    name: str,
    groups: Sequence[str],
    before: FloatArray,
    over: FloatArray,
    elsewhere: FloatArray,
) -> PaintedScores:
    drops = {"drop": before - over, "drop_elsewhere": before - elsewhere}
    shares = {"changed": over <= 0.5, "changed_elsewhere": elsewhere <= 0.5}
    resamples, one_each = resample_groups(groups), np.ones(len(before))
    return PaintedScores(
        name,
        len(before),
        **{key: float(value.mean()) for key, value in (drops | shares).items()},
        intervals={key: _spread_of_mean(resamples, value) for key, value in drops.items()}
        | {key: ratio_interval(resamples, value, one_each) for key, value in shares.items()},
    )


def _spread_of_mean(resamples: Resamples, values: FloatArray) -> Interval | None:
    """The interval of a mean difference, which may be negative: no share, as others here are."""
    means = ratio(resamples.totals(values), resamples.totals(np.ones(len(values))))
    return spread(means, resamples.groups)


def _painted(rows: dict[int, list[ByteArray]], pixels: ByteArray) -> Painted:
    stacked = np.array(list(rows.values()), np.uint8).reshape(len(rows), 3, *pixels.shape[1:])
    return Painted(stacked[:, 0], stacked[:, 1], stacked[:, 2], tuple(rows))


def _again(picture: ByteArray, preparation: Preparation) -> ByteArray:
    scan = Scan(picture.astype(np.float32), "painted")
    return to_bytes(prepare(scan, preparation.unstripping()).pixels)


def _widened(hole: BoolArray, pixels: int) -> BoolArray:
    steps = max(1, round(pixels * len(hole) / 224))
    return np.asarray(ndimage.binary_dilation(hole, iterations=steps), bool)


def _depth(hole: BoolArray) -> int:
    return max(1, round(_DEPTH * len(hole) / 224))
