"""Probabilities that are right as often as they say, beyond what one temperature can do.

M. Kull, T. Silva Filho and P. Flach, "Beta calibration", AISTATS 2017, applied to the largest
probability.
"""

from collections.abc import Sequence

import numpy as np

from tumorlens.scan import FloatArray

_LEAST = 1e-7


def bend(probabilities: FloatArray, curve: Sequence[float]) -> FloatArray:
    """Bend the largest probability of each picture; the others share what is left as before.

    The largest becomes sigmoid(c + a log p - b log(1 - p)), yet never less than the second
    largest: the answer stays the same.

    Args:
        probabilities: float32, (pictures, classes), rows summing to 1.
        curve: (a, b, c) of the card; (1, 1, 0) changes nothing, and so does an empty one.

    Returns:
        float32, (pictures, classes), rows summing to 1.
    """
    if not curve or probabilities.shape[1] < 2:
        return probabilities
    rows = np.arange(len(probabilities))
    best = probabilities.argmax(axis=1)
    exact = probabilities.astype(np.float64)
    first = exact[rows, best]
    others = np.maximum(exact.sum(axis=1) - first, _LEAST)
    second = np.partition(exact, -2, axis=1)[:, -2]
    bent = np.maximum(sureness(first, curve), second / (others + second) + _LEAST)
    exact *= ((1 - bent) / others)[:, np.newaxis]
    exact[rows, best] = bent
    return np.asarray(exact / exact.sum(axis=1, keepdims=True), np.float32)


def sureness(largest: np.ndarray, curve: Sequence[float]) -> np.ndarray:
    """The curve itself: (pictures,) to (pictures,), 0..1."""
    a, b, c = curve
    inside = np.clip(largest, _LEAST, 1 - _LEAST)
    bent = 1 / (1 + np.exp(-(c + a * np.log(inside) - b * np.log1p(-inside))))
    return np.asarray(np.clip(bent, _LEAST, 1 - _LEAST))
