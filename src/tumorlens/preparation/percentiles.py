"""Percentiles by partial sorting: quicker than NumPy's own, and quick to import."""

import numpy as np

from tumorlens.scan import FloatArray


def percentile(pixels: FloatArray, percent: float) -> float:
    """The value that ``percent`` of the pixels do not exceed, between two pixels linearly.

    Args:
        pixels: float32, any shape, at least one, finite.
        percent: In [0, 100].
    """
    return percentiles(pixels, percent)[0]


def percentiles(pixels: FloatArray, *percents: float) -> tuple[float, ...]:
    """Several at once, as `percentile` gives them one by one: the sorting is done once."""
    flat = pixels.ravel()
    places = [percent / 100 * (flat.size - 1) for percent in percents]
    ends = [(int(place), min(int(place) + 1, flat.size - 1)) for place in places]
    part = np.partition(flat, sorted({end for pair in ends for end in pair}))
    return tuple(
        float(part[below]) + (place - below) * (float(part[above]) - float(part[below]))
        for place, (below, above) in zip(places, ends, strict=True)
    )
