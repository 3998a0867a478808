"""Percentiles by partial sorting: quicker than NumPy's own, and quick to import."""

import numpy as np

from tumorlens.scan import FloatArray


def percentile(pixels: FloatArray, percent: float) -> float:
    """The value that ``percent`` of the pixels do not exceed, between two pixels linearly.

    Args:
        pixels: float32, any shape, at least one, finite.
        percent: In [0, 100].
    """
    flat = pixels.ravel()
    place = percent / 100 * (flat.size - 1)
    below = int(place)
    above = min(below + 1, flat.size - 1)
    part = np.partition(flat, (below, above))
    return float(part[below]) + (place - below) * (float(part[above]) - float(part[below]))
