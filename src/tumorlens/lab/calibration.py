"""Temperature scaling: one number that makes probabilities mean what they say; and how well.

C. Guo and others, "On Calibration of Modern Neural Networks", ICML 2017, arXiv:1706.04599.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.isotonic import IsotonicRegression

from tumorlens.calibration import Curve
from tumorlens.scan import FloatArray

BINS = 15
"""Of `calibration_error`, all of the same width."""

KNOTS = 8
"""Of `fit_curve`, with as many pictures each."""

_RANGE = (0.05, 20.0)


def fit_temperature(logits: FloatArray, targets: np.ndarray) -> float:
    """The temperature with the lowest cross-entropy on validation pictures.

    Where all of them are named rightly it would be the lowest there is, and every answer sure.
    One picture of each kind is then taken to have been missed, as in J. Platt, "Probabilistic
    Outputs for Support Vector Machines", 1999: of n right answers (n + 1) / (n + 2) are believed.

    Args:
        logits: float32, (pictures, classes).
        targets: int, (pictures,), class numbers.

    Returns:
        The temperature, in [0.05, 20]; above 1 where the network is too sure of itself.
    """
    scores = np.asarray(logits, np.float64)
    count, classes = scores.shape
    all_right = bool((scores.argmax(axis=1) == targets).all())
    doubt = 1 / (count + 2) if all_right else 0.0
    wanted = np.where(np.eye(classes)[targets] > 0, 1 - doubt, doubt / max(1, classes - 1))

    def loss(log_temperature: float) -> float:
        likelihood = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -float((wanted * likelihood).sum(axis=1).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(_RANGE)), method="bounded")
    return float(np.exp(found.x))


def fit_curve(probabilities: FloatArray, targets: npt.NDArray[np.intp]) -> Curve:
    """Where the largest probability should lie, at `KNOTS` points with as many pictures each.

    Args:
        probabilities: float32, (pictures, classes), by the temperature.
        targets: int, (pictures,), class numbers.

    Returns:
        (stated, found) pairs from (0, 0) to (1, 1) that never fall; empty where there are fewer
        than `KNOTS` pictures.
    """
    if len(targets) < KNOTS:
        return ()
    largest = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == targets
    parts = np.array_split(np.argsort(largest, kind="stable"), KNOTS)
    stated = [float(largest[part].mean()) for part in parts]
    found = [float(right[part].sum() + 1) / (len(part) + 2) for part in parts]
    rising = IsotonicRegression().fit_transform(stated, found)
    return (0.0, 0.0), *zip(stated, map(float, rising), strict=True), (1.0, 1.0)


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
