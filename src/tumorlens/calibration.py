"""Probabilities that are right as often as they say, beyond what one temperature can do.

The largest probability of a picture is mapped along straight lines between a few points, each
what was stated and how often that was right (B. Zadrozny and C. Elkan, "Transforming Classifier
Scores into Accurate Multiclass Probability Estimates", KDD 2002).
"""

from collections.abc import Sequence

import numpy as np

from tumorlens.scan import FloatArray

Curve = tuple[tuple[float, float], ...]
"""(stated, found) pairs, both ascending and in 0..1; empty where nothing is to be changed."""

_LEAST = 1e-7


def bend(probabilities: FloatArray, curve: Curve) -> FloatArray:
    """Map the largest probability of each picture; the others share what is left as before.

    It never falls to the second largest: the answer stays the same.

    Args:
        probabilities: float32, (pictures, classes), rows summing to 1.
        curve: Of the card.

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
    found = np.interp(first, *np.transpose(curve))
    found = np.maximum(found, second / (others + second) + _LEAST)
    exact *= ((1 - found) / others)[:, np.newaxis]
    exact[rows, best] = found
    return np.asarray(exact / exact.sum(axis=1, keepdims=True), np.float32)


def checked_curve(pairs: Sequence[Sequence[float]]) -> Curve:
    """A curve from a card's values.

    Raises:
        TypeError, ValueError: They are no pairs, do not ascend or lie outside 0..1.
    """
    curve = tuple((float(stated), float(found)) for stated, found in pairs)
    flat = np.array(curve).reshape(-1, 2)
    if (np.diff(flat, axis=0) < 0).any() or not ((flat >= 0) & (flat <= 1)).all():
        raise ValueError("a curve's pairs must ascend and lie in 0..1")
    return curve
