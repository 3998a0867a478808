"""Few pictures that stand for many, so that a check on a large set stays short."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.intp]


def sample_each(kinds: Sequence[str], *, most: int, seed: int = 0) -> Indices:
    """At most so many of each kind, drawn at random without replacement.

    Args:
        kinds: What each picture is, such as its data set.
        most: Of each kind, at least 1.
        seed: Of the draw.

    Returns:
        Indices in rising order.
    """
    random = np.random.default_rng(seed)
    names = np.array(kinds)
    chosen = [random.permutation(np.flatnonzero(names == name))[:most] for name in np.unique(names)]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.intp)
