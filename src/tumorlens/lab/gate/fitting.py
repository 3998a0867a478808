"""The gate's checks and limits from pictures placed in a space."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens.gate import CHECKS, GRAY, GateNumbers
from tumorlens.lab.gate.space import Placed, Space, Values
from tumorlens.scan import FloatArray

LOST: Mapping[str, float] = {"distance": 0.002, "likeness": 0.045}
"""Part of the scans of data sets that the gate does not know that each check's limit gives up,
every data set counted alike. Of those that it knows it then loses about a third of that."""

_GRAY_SHRINKAGE = 0.05
_GRAY_SHARE = 4.0  # of the gray levels' discriminant in the likeness
_RIDGE = 30.0  # of the likeness, where the weights of all pictures sum to `_WEIGHT` twice
_WEIGHT = 1000.0
_STEPS, _FEWER_STEPS = 8, 3  # of Newton's method: from nothing, and from a fit of nearly the same


@dataclass(frozen=True, slots=True, eq=False)
class Checks:
    """What is fitted between brain scans and other pictures in one space.

    Attributes:
        likeness: (inputs + 1,), weights and a constant.
        gray_levels: (GRAY + 1,), weights and a constant, added to it.
        found: (inputs + 1,), of the inputs in units of their deviations: for fits of nearly the
            same pictures to start from.
    """

    likeness: Values
    gray_levels: Values
    found: Values

    def values(self, placed: Placed) -> Values:
        """Every check's value, in the order of `CHECKS`: (pictures, checks)."""
        likeness = placed.inputs @ self.likeness[:-1] + self.likeness[-1]
        likeness = likeness + placed.gray @ self.gray_levels[:-1] + self.gray_levels[-1]
        found = {"distance": placed.distance, "likeness": likeness}
        return np.stack([found[check] for check in CHECKS], axis=1)


def fit_checks(brains: Placed, other: Placed, *, near: Checks | None = None) -> Checks:
    """Tell brain scans from other pictures.

    Args:
        brains: Kinds are the data sets; each counts by the square root of its size.
        other: Likewise by kind; all of them together count as much as all brain scans.
        near: Fitted in this space to nearly the same pictures, to start from.
    """
    inputs = np.concatenate([brains.inputs, other.inputs])
    units = 1 / (inputs.std(axis=0) + 1e-6)
    found = fit_log_odds(
        inputs * units,
        np.repeat([0, 1], [len(brains.kinds), len(other.kinds)]),
        np.concatenate([_even(brains.kinds), _even(other.kinds)]),
        start=None if near is None else near.found,
    )
    here, there = brains.gray.astype(np.float64), other.gray.astype(np.float64)
    gray_levels = _GRAY_SHARE * discriminant(here, there, _GRAY_SHRINKAGE)
    return Checks(np.append(found[:-1] * units, found[-1]), gray_levels, found)


def numbers_of(space: Space, checks: Checks) -> GateNumbers:
    """All numbers of a gate, as the runtime applies them."""
    likeness = checks.likeness[:-2] @ space.lead
    likeness[len(space.center) : len(space.center) + GRAY] += checks.gray_levels[:-1]
    constant = checks.likeness[-1] + checks.gray_levels[-1]
    arrays = {
        "center": space.center,
        "scale": space.scale,
        "axes": space.axes,
        "stretch": 1 / space.variances - 1 / space.rest,
        "rest": [1 / space.rest],
        "figures_center": space.figures_center,
        "figures_scale": space.figures_scale,
        "likeness": [*likeness, checks.likeness[-2], constant],
    }
    return GateNumbers(**{name: np.asarray(each, np.float32) for name, each in arrays.items()})


def _even(kinds: npt.NDArray[np.str_]) -> Values:
    """Weights that sum to `_WEIGHT`: a kind of four times as many pictures counts twice."""
    _, numbers, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    weights = counts[numbers] ** -0.5
    return np.asarray(weights * _WEIGHT / weights.sum())


def fit_log_odds(
    inputs: FloatArray, truth: npt.NDArray[np.intp], weights: Values, *, start: Values | None
) -> Values:
    """Logistic regression with a ridge, by Newton's method.

    Args:
        inputs: float32, (pictures, inputs).
        truth: 0 or 1, (pictures,).
        weights: (pictures,).
        start: Weights and a constant to start from; from nothing where None.

    Returns:
        (inputs + 1,): weights and a constant.
    """
    rows = np.concatenate([inputs, np.ones((len(inputs), 1), np.float32)], axis=1)
    ridge = np.append(np.full(inputs.shape[1], _RIDGE), 1e-3)
    found = np.zeros(len(ridge)) if start is None else start
    for _ in range(_STEPS if start is None else _FEWER_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        slope = rows.T @ (weights * (chances - truth)) + ridge * found
        bend = (weights * np.maximum(chances * (1 - chances), 1e-4)).astype(np.float32)
        curvature = (rows * bend[:, np.newaxis]).T @ rows
        found = found - np.linalg.solve(curvature + np.diag(ridge), slope)
    return np.asarray(found, np.float64)


def discriminant(here: Values, there: Values, shrinkage: float) -> Values:
    """Fisher's linear discriminant, 0 at the mean of ``here`` and 1 at that of ``there``.

    Args:
        here: (pictures, figures).
        there: (pictures, figures).
        shrinkage: How far the covariances are pulled towards a multiple of the unit matrix.

    Returns:
        (figures + 1,): weights and a constant.
    """
    covariance = _covariance(here, shrinkage) + _covariance(there, shrinkage)
    step = there.mean(axis=0) - here.mean(axis=0)
    weights = np.linalg.solve(covariance, step)
    weights /= max(float(weights @ step), 1e-12)
    return np.append(weights, -float(weights @ here.mean(axis=0)))


def _covariance(rows: Values, shrinkage: float) -> Values:
    centered = rows - rows.mean(axis=0)
    found = centered.T @ centered / len(rows)
    level = max(float(np.trace(found)) / len(found), 1e-9)
    return np.asarray((1 - shrinkage) * found + shrinkage * level * np.eye(len(found)))


def fit_limits(values: Values, kinds: npt.NDArray[np.str_]) -> dict[str, float]:
    """Limits that lose `LOST` of the pictures each.

    Args:
        values: (pictures, checks), at least one picture.
        kinds: (pictures,), the data sets, which count alike.
    """
    _, numbers, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    weights = 1 / (counts[numbers] * len(counts))
    return {
        check: _limit(values[:, column], weights, LOST[check])
        for column, check in enumerate(CHECKS)
    }


def _limit(values: Values, weights: Values, lost: float) -> float:
    """The smallest of the values above which no more than ``lost`` of the weight lies."""
    order = np.argsort(values, kind="stable")
    place = int(np.searchsorted(np.cumsum(weights[order]), 1 - lost - 1e-9))
    return float(values[order[min(place, len(order) - 1)]])


def is_refused(values: Values, limits: Mapping[str, float]) -> npt.NDArray[np.bool_]:
    """Which pictures miss at least one limit: bool, (pictures,)."""
    return np.asarray(~(values <= [limits[check] for check in CHECKS]).all(axis=1))
