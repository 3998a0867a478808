"""How the logits of several trained models become those of one: by a vote, or by stacking.

A vote weighs the members' calibrated logits; stacking (D. Wolpert, "Stacked generalization",
Neural Networks 5, 1992) learns a linear layer over them. Both are one matrix.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from tumorlens.errors import ConfigError, DataError
from tumorlens.lab.folds import group_folds
from tumorlens.scan import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Mixing:
    """How the members' calibrated logits become the whole's.

    Attributes:
        matrix: float32, (classes, members * classes).
        bias: float32, (classes,).
        shares: Of the members in a vote, summing to 1; empty after stacking.
    """

    matrix: FloatArray
    bias: FloatArray
    shares: tuple[float, ...] = ()

    def mix(self, logits: Sequence[FloatArray]) -> FloatArray:
        """The whole's logits out of each member's calibrated ones: float32, (pictures, classes)."""
        mixed = np.concatenate(logits, axis=1) @ self.matrix.T + self.bias
        return np.asarray(mixed, np.float32)


def vote(shares: Sequence[float], *, classes: int) -> Mixing:
    """The weighted mean of the members' logits.

    Args:
        shares: Of each member, none negative; brought to a sum of 1.
        classes: How many.

    Raises:
        ConfigError: A share is negative, NaN or infinite, or all are 0.
    """
    given = np.asarray(shares, np.float64)
    if not np.isfinite(given).all() or (given < 0).any() or given.sum() <= 0:
        raise ConfigError(
            expected="finite shares of 0 or more, not all 0",
            found=", ".join(map(str, shares)),
            remedy="Give each member its share, such as 0.5 0.3 0.2.",
            source="--share",
        )
    given /= given.sum()
    blocks = [share * np.eye(classes) for share in given]
    matrix = np.asarray(np.concatenate(blocks, axis=1), np.float32)
    return Mixing(matrix, np.zeros(classes, np.float32), tuple(map(float, given)))


def fit_shares(logits: Sequence[FloatArray], targets: np.ndarray) -> list[float]:
    """The shares of a vote with the lowest cross-entropy on pictures that no member trained on.

    Args:
        logits: Of each member, calibrated: float32, (pictures, classes).
        targets: int, (pictures,), class numbers.
    """
    stacked = np.stack(logits).astype(np.float64)
    rows = np.arange(len(targets))

    def loss(free: np.ndarray) -> float:
        mixed = np.tensordot(softmax(free), stacked, axes=1)
        return -float(log_softmax(mixed, axis=1)[rows, targets].mean())

    found = minimize(loss, np.zeros(len(stacked)), method="Nelder-Mead")
    return [float(share) for share in softmax(found.x)]


def stack(logits: Sequence[FloatArray], targets: np.ndarray, *, classes: int) -> Mixing:
    """A linear layer over the members' logits, learnt on pictures that none trained on.

    Args:
        logits: Of each member, calibrated: float32, (pictures, classes).
        targets: int, (pictures,), class numbers; every class must be there.
        classes: How many.

    Raises:
        DataError: A class is absent.
    """
    if len(set(targets.tolist())) < classes:
        raise DataError(
            expected=f"validation pictures of all {classes} classes",
            found=f"{len(set(targets.tolist()))} of them",
            remedy="Stack on more pictures, or take a vote.",
        )
    learner = LogisticRegression(max_iter=1000).fit(np.concatenate(logits, axis=1), targets)
    matrix, bias = learner.coef_, learner.intercept_
    if classes == 2:  # one line for two classes
        matrix, bias = np.concatenate([-matrix, matrix]) / 2, np.concatenate([-bias, bias]) / 2
    return Mixing(np.asarray(matrix, np.float32), np.asarray(bias, np.float32))


def mix_unseen(
    fit: Callable[[Sequence[FloatArray], np.ndarray], Mixing],
    logits: Sequence[FloatArray],
    targets: np.ndarray,
    groups: Sequence[str],
) -> FloatArray:
    """The whole's logits, each picture's by a mixing that was fitted without its group.

    Args:
        fit: Makes a mixing out of logits and targets.
        logits: Of each member, calibrated: float32, (pictures, classes).
        targets: int, (pictures,), class numbers.
        groups: The group of each picture.

    Returns:
        float32, (pictures, classes); by the mixing fitted on all of them where there are too few
        groups to leave some out.
    """
    mixed = fit(logits, targets).mix(logits)
    for rest, fold in group_folds(targets, groups):
        if set(targets[rest]) == set(targets):
            mixing = fit([one[rest] for one in logits], targets[rest])
            mixed[fold] = mixing.mix([one[fold] for one in logits])
    return mixed
