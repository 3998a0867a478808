"""Class-conditional conformal thresholds from validation pictures.

The thresholds are a quantile a class, so they are taken here: MAPIE has no split that is
conditional on the class, and crepes gives sets but not the thresholds that a card needs. A test
holds these sets against those of crepes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from tumorlens.conformal import Conformal, shares
from tumorlens.scan import FloatArray

LEVEL = 0.95
_RIDGE = 1e-3  # keeps the weight of a class without pictures finite


def fit_conformal(
    probabilities: FloatArray,
    targets: npt.NDArray[np.intp],
    classes: Sequence[str],
    *,
    level: float = LEVEL,
) -> Conformal:
    """The thresholds that cover each class as often as the level says.

    Args:
        probabilities: float32, (pictures, classes), calibrated, of pictures that the network
            did not learn from.
        targets: int, (pictures,), class numbers.
        classes: Names in the order of the columns.
        level: Part of each class's pictures to cover.
    """
    weights = fit_weights(probabilities, targets)
    right = shares(probabilities, weights.tolist())[np.arange(len(targets)), targets]
    return Conformal(
        level,
        {name: threshold(right[targets == k], level) for k, name in enumerate(classes)},
        {name: float(weights[k]) for k, name in enumerate(classes)},
    )


def threshold(right: npt.NDArray[np.float64], level: float) -> float:
    """The largest share that keeps at least ``level`` of a class's future pictures.

    Args:
        right: (pictures,), the right class's share of each answer.
        level: In (0, 1).

    Returns:
        The k-th smallest share, k the whole part of (pictures + 1) x (1 - level); 0, which
        keeps the class always, where there are too few pictures for any other promise.
    """
    k = int(np.floor((len(right) + 1) * (1 - level) + 1e-9))
    return float(np.sort(right)[k - 1]) if k else 0.0


def fit_weights(
    probabilities: FloatArray, targets: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """What to multiply the classes' probabilities by so that the truth is most likely.

    Returns:
        (classes,), above 0, with a geometric mean of 1.
    """
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-12))
    truth = np.eye(logs.shape[1])[targets]

    def loss(bias: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        scores = logs + bias
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        likelihood = np.log(np.maximum((chances * truth).sum(axis=1), 1e-300)).mean()
        slope = (chances - truth).mean(axis=0) + 2 * _RIDGE * bias
        return float(_RIDGE * (bias**2).sum() - likelihood), slope

    bias = minimize(loss, np.zeros(logs.shape[1]), jac=True, method="L-BFGS-B").x
    return np.asarray(np.exp(bias - bias.mean()), np.float64)


def measure_sets(
    sets: npt.NDArray[np.bool_], targets: npt.NDArray[np.intp], classes: Sequence[str]
) -> dict[str, Any]:
    """How often the sets hold the right class, by class, and how large they are.

    Args:
        sets: bool, (pictures, classes).
        targets: int, (pictures,).
        classes: Names in the order of the columns.

    Returns:
        ``coverage`` by class name (those with pictures), ``mean_size``, and ``single``, the
        part of the sets that hold one class.
    """
    covered = sets[np.arange(len(targets)), targets]
    return {
        "coverage": {
            name: round(float(covered[targets == k].mean()), 4)
            for k, name in enumerate(classes)
            if (targets == k).any()
        },
        "mean_size": round(float(sets.sum(axis=1).mean()), 4),
        "single": round(float((sets.sum(axis=1) == 1).mean()), 4),
    }
