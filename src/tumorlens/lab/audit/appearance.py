"""What is kept of a picture's looks: a small copy of its head, and the points that mark it.

The points are SIFT's (D. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", IJCV
2004), compared as RootSIFT (R. Arandjelovic and A. Zisserman, CVPR 2012). They are found again
after resizing, cropping, padding, turning, and changes of brightness; `mirror` gives what they
would be in the mirrored picture without searching it anew.
"""

from dataclasses import dataclass
from functools import cache
from threading import local

import cv2
import numpy as np
import numpy.typing as npt

from tumorlens.preparation import find_head, percentile
from tumorlens.scan import FloatArray

ByteArray = npt.NDArray[np.uint8]

SIDE = 128
"""Longest side of the small copy, in pixels."""

POINTS = 100
"""At most so many points a picture, the strongest."""

_RANGE = (0.5, 99.5)  # percentiles of the head that become black and white
_THRESHOLD, _MARGIN = 0.1, 0.02  # of `find_head`, as in `Preparation`
_WEAKEST, _EDGE = 0.005, 20.0  # SIFT's: weaker points than usual are kept, MR slices are smooth
_SHAPE = (4, 4, 8)  # of a SIFT descriptor: rows, columns, directions
_EVEN = 1e-4  # of the brightest: differences below it are rounding
_MIN_SIDE = 8  # pixels; OpenCV's pyramid needs some


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """A picture's looks, small enough to keep those of many pictures.

    Attributes:
        thumbnail: uint8, (rows, columns), the longer of them `SIDE`: the head alone.
        points: float32, (points, 2): column and row in the thumbnail, at most `POINTS`.
        descriptors: uint8, (points, 128): SIFT's.
    """

    thumbnail: ByteArray
    points: FloatArray
    descriptors: ByteArray


def describe(pixels: FloatArray) -> Appearance:
    """Find the head, shrink it, and mark its points.

    Args:
        pixels: float32, (rows, columns), any range.
    """
    thumbnail = _thumbnail(pixels)
    found, values = _sift().detectAndCompute(thumbnail, None)
    if not found:
        return Appearance(thumbnail, np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    points = np.array([point.pt for point in found[:POINTS]], np.float32)
    return Appearance(thumbnail, points, np.asarray(values[:POINTS], np.uint8))


def root(descriptors: ByteArray) -> FloatArray:
    """RootSIFT: float32, (points, 128), each of unit length, so that products are likenesses."""
    values = descriptors.astype(np.float32)
    values /= np.maximum(values.sum(axis=1, keepdims=True), 1)
    return np.asarray(np.sqrt(values), np.float32)


def mirror(descriptors: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """The descriptors, (points, 128), that the picture mirrored left to right would have."""
    return descriptors[:, _mirrored_order()]


@cache
def _mirrored_order() -> npt.NDArray[np.intp]:
    """Across a point's own direction the rows swap ends, and each direction its sign."""
    places = np.arange(np.prod(_SHAPE)).reshape(_SHAPE)
    return places[::-1][:, :, -np.arange(_SHAPE[2]) % _SHAPE[2]].ravel()


def _thumbnail(pixels: FloatArray) -> ByteArray:
    top, left, bottom, right = find_head(pixels, threshold=_THRESHOLD, margin=_MARGIN)
    head = np.ascontiguousarray(pixels[top:bottom, left:right], np.float32)
    scale = SIDE / max(head.shape)
    rows, columns = (max(_MIN_SIDE, round(length * scale)) for length in head.shape)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = np.asarray(cv2.resize(head, (columns, rows), interpolation=way), np.float32)
    low, high = (percentile(small, percent) for percent in _RANGE)
    if high - low <= _EVEN * abs(high):
        return np.zeros(small.shape, np.uint8)
    scaled = (small - low) * (255 / (high - low))
    return np.asarray(np.clip(np.rint(scaled), 0, 255), np.uint8)


_OF_THREAD = local()


def _sift() -> cv2.SIFT:
    """One detector a thread: it is slow to make, and not to be shared."""
    if not hasattr(_OF_THREAD, "sift"):
        _OF_THREAD.sift = cv2.SIFT.create(
            nfeatures=POINTS, contrastThreshold=_WEAKEST, edgeThreshold=_EDGE
        )
    detector: cv2.SIFT = _OF_THREAD.sift
    return detector
