"""Whether four sequences look like what they are called.

By rules of thumb of MR: T1 with and without contrast rank the tissues alike, and so do T2 and
FLAIR; cerebrospinal fluid is dark in T1 and FLAIR but bright in T2; contrast agent adds a few very
bright voxels. Of the 24 ways to name four volumes the given one should fit best. It is a hint to
check the names, no proof: a test holds it on the whole cases at hand.
"""

from collections.abc import Mapping
from itertools import permutations

import numpy as np
import numpy.typing as npt

from tumorlens.reading.case import SEQUENCES
from tumorlens.scan import FloatArray

_SAMPLES = 40_000
_MARGIN = 0.15  # by which another naming must fit better


def likely_names(volumes: Mapping[str, FloatArray]) -> dict[str, str]:
    """What each sequence rather looks like.

    Args:
        volumes: float32, of one shape, by the name given; 0 is background.

    Returns:
        Name given -> name that fits, for those that differ; empty where nothing speaks against
        the names, and where not all four sequences are there.
    """
    if set(volumes) != set(SEQUENCES):
        return {}
    inside = np.flatnonzero(np.logical_and.reduce([volumes[name] != 0 for name in SEQUENCES]))
    step = max(1, len(inside) // _SAMPLES)
    values = np.stack([volumes[name].ravel()[inside[::step]] for name in SEQUENCES])
    if values.shape[1] < 100 or values.std(axis=1).min() == 0:
        return {}
    ranks = np.asarray(np.corrcoef(values.argsort(axis=1).argsort(axis=1)), np.float64)
    tails = np.log(_spread(values))
    orders = list(permutations(range(len(SEQUENCES))))
    best = max(orders, key=lambda order: _fit(order, ranks, tails))
    if _fit(best, ranks, tails) < _fit(orders[0], ranks, tails) + _MARGIN:
        return {}
    named = {SEQUENCES[index]: SEQUENCES[place] for place, index in enumerate(best)}
    return {given: fits for given, fits in named.items() if given != fits}


def _fit(
    order: tuple[int, ...], ranks: npt.NDArray[np.float64], tails: npt.NDArray[np.float64]
) -> float:
    """How well volumes fit as T1, T1 with contrast, T2 and FLAIR, in this order."""
    t1, t1c, t2, flair = order
    pairs = ranks[t1, t1c] + ranks[t2, flair]
    fluid = ranks[t1, flair] - ranks[t1, t2]
    contrast = tails[t1c] - tails[t1]
    return float(pairs + fluid + contrast)


def _spread(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """How far the brightest voxels lie above the middle, against the middle half's width."""
    low, middle, high, top = np.percentile(values, (25, 50, 75, 99.9), axis=1)
    return np.asarray((top - middle) / np.maximum(high - low, 1e-6) + 1e-3, np.float64)
