"""Temperature scaling: one number that makes probabilities mean what they say.

C. Guo and others, "On Calibration of Modern Neural Networks", ICML 2017, arXiv:1706.04599.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from tumorlens.scan import FloatArray

_RANGE = (0.05, 20.0)


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
