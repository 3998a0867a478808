"""Where the head is in a prepared picture."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tumorlens.lab.pictures import ByteArray

BoolArray = npt.NDArray[np.bool_]

_BRIGHT = 20  # of 255: darker is air, or a skull-stripped background
_CLOSING = 5  # pixels of 224: gaps between scalp and brain that still belong to the head


def head_of(picture: ByteArray) -> BoolArray:
    """The head, filled: its largest bright region with everything that this encloses.

    Args:
        picture: uint8, (size, size), prepared.

    Returns:
        bool, (size, size).
    """
    reach = max(1, round(_CLOSING * len(picture) / 224))
    framed = np.pad(ndimage.uniform_filter(picture, 3) > _BRIGHT, reach)
    closed = ndimage.binary_closing(framed, iterations=reach)[reach:-reach, reach:-reach]
    regions, count = ndimage.label(closed)
    if not count:
        return np.zeros(picture.shape, bool)
    largest = 1 + int(np.argmax(ndimage.sum_labels(closed, regions, range(1, count + 1))))
    return np.asarray(ndimage.binary_fill_holes(regions == largest), bool)
