"""Temperature scaling: one number that makes probabilities mean what they say; and how well.

C. Guo and others, "On Calibration of Modern Neural Networks", ICML 2017, arXiv:1706.04599.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax

from tumorlens.scan import FloatArray

BINS = 15
"""Of `calibration_error`, all of the same width."""

_RANGE = (0.05, 20.0)
_RIDGE = 1.0  # as much as a picture or two says


def fit_temperature(logits: FloatArray, targets: np.ndarray) -> float:
    """The temperature with the lowest cross-entropy on validation pictures.

    Args:
        logits: float32, (pictures, classes).
        targets: int, (pictures,), class numbers.

    Returns:
        The temperature, in [0.05, 20]; above 1 where the network is too sure of itself.
    """
    scores = np.asarray(logits, np.float64)
    rows = np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        likelihood = log_softmax(scores / np.exp(log_temperature), axis=1)[rows, targets]
        return -float(likelihood.mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(_RANGE)), method="bounded")
    return float(np.exp(found.x))


def fit_curve(
    probabilities: FloatArray, targets: npt.NDArray[np.intp]
) -> tuple[float, float, float]:
    """The curve (`tumorlens.calibration.bend`) that makes right and wrong answers likeliest.

    Args:
        probabilities: float32, (pictures, classes), by the temperature.
        targets: int, (pictures,), class numbers.

    Returns:
        a and b, at least 0, and c; close to (1, 1, 0) where there are few pictures.
    """
    largest = np.clip(probabilities.max(axis=1).astype(np.float64), 1e-7, 1 - 1e-7)
    right = probabilities.argmax(axis=1) == targets
    figures = np.stack([np.log(largest), -np.log1p(-largest), np.ones(len(largest))], axis=1)
    same = np.array([1.0, 1.0, 0.0])

    def loss(curve: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        scores = figures @ curve
        cost = np.logaddexp(0, scores).sum() - scores[right].sum()
        slope = figures.T @ (expit(scores) - right) + 2 * _RIDGE * (curve - same)
        return float(cost + _RIDGE * ((curve - same) ** 2).sum()), slope

    bounds = [(0, None), (0, None), (None, None)]
    a, b, c = minimize(loss, same, jac=True, bounds=bounds, method="L-BFGS-B").x
    return float(a), float(b), float(c)


def calibration_error(probabilities: FloatArray, targets: npt.NDArray[np.intp]) -> float:
    """Expected calibration error of the answers: 0 where they are right as often as they say.

    The mean distance between the most probable class's probability and how often it is right,
    over `BINS` bins of equal width.

    Args:
        probabilities: float32, (pictures, classes), at least one picture.
        targets: int, (pictures,), class numbers.
    """
    stated = probabilities.max(axis=1).astype(np.float64)
    gaps = stated - (probabilities.argmax(axis=1) == targets)
    place = np.minimum((stated * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(place, gaps, minlength=BINS)).sum() / len(targets))
