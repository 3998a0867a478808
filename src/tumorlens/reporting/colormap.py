"""Numbers from 0 to 1 as colours."""

from typing import Any

import numpy as np
import numpy.typing as npt

INFERNO: tuple[tuple[int, int, int], ...] = (
    (0, 0, 4),
    (31, 12, 72),
    (85, 15, 109),
    (136, 34, 106),
    (186, 54, 85),
    (227, 89, 51),
    (249, 140, 10),
    (249, 201, 50),
    (252, 255, 164),
)
"""Evenly spaced anchors, RGB, of the perceptually even map "inferno" (S. van der Walt and
N. Smith, CC0): lightness grows with the value, so it also reads in print and without red-green
vision."""


def colorize(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """Give each number its colour.

    Args:
        values: Any shape, 0..1; what lies outside is drawn as the nearer end.

    Returns:
        uint8 RGB, the same shape with a last axis of 3.
    """
    table = np.array(INFERNO, np.float32)
    anchors = np.linspace(0, 1, len(table))
    colours = np.empty((*np.shape(values), 3), np.uint8)
    for channel in range(3):  # one by one: np.interp takes eight bytes a value
        colours[..., channel] = np.rint(np.interp(values, anchors, table[:, channel]))
    return colours
