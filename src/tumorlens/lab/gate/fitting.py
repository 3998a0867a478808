"""The gate's checks and limits from pictures placed in a space."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.svm import SVC

from tumorlens.gate import CHECKS, GateNumbers, support_value
from tumorlens.lab.gate.space import Placed, Space, Values
from tumorlens.scan import FloatArray

LOST: Mapping[str, float] = {"distance": 0.002, "likeness": 0.05}
"""Part of the scans of data sets that the gate does not know that each check's limit gives up,
every data set counted alike. Of those that it knows it then loses less than half of that."""

_GRAY_SHRINKAGE = 0.05
_GRAY_SHARE = 1.5  # of the gray levels' discriminant in the likeness
_PENALTY = 10.0  # of the support vector machine, C
_WIDTH = 0.3  # of its kernel, divided by the number of inputs


@dataclass(frozen=True, slots=True, eq=False)
class Checks:
    """What is fitted between brain scans and other pictures in one space.

    Attributes:
        units: (inputs,): what the inputs are multiplied by.
        vectors: float32, (vectors, inputs), the support vectors, in these units.
        weights: (vectors + 1,), and a constant.
        width: Of the kernel.
        gray_levels: (GRAY + 1,), weights and a constant.
    """

    units: FloatArray
    vectors: FloatArray
    weights: Values
    width: float
    gray_levels: Values

    def values(self, placed: Placed) -> Values:
        """Every check's value, in the order of `CHECKS`: (pictures, checks)."""
        inputs = placed.inputs * self.units
        likeness = support_value(inputs, self.vectors, self.weights.astype(np.float32), self.width)
        gray = placed.gray @ self.gray_levels[:-1] + self.gray_levels[-1]
        found = {"distance": placed.distance, "likeness": likeness + gray}
        return np.stack([found[check] for check in CHECKS], axis=1)


def fit_checks(brains: Placed, other: Placed) -> Checks:
    """Tell brain scans from other pictures.

    Args:
        brains: Kinds are the data sets; each counts by the square root of its size.
        other: Likewise by kind; all of them together count as much as all brain scans.
    """
    inputs = np.concatenate([brains.inputs, other.inputs])
    truth = np.repeat([0, 1], [len(brains.kinds), len(other.kinds)])
    counts = np.concatenate([_even(brains.kinds), _even(other.kinds)])
    units = np.asarray(1 / (inputs.std(axis=0) + 1e-6), np.float32)
    width = _WIDTH / inputs.shape[1]
    machine = SVC(C=_PENALTY, gamma=width)
    machine.fit(inputs * units, truth, sample_weight=counts * (len(counts) / counts.sum()))
    here, there = brains.gray.astype(np.float64), other.gray.astype(np.float64)
    return Checks(
        units,
        np.asarray(machine.support_vectors_, np.float32),
        np.append(machine.dual_coef_[0], machine.intercept_),
        width,
        _GRAY_SHARE * discriminant(here, there, _GRAY_SHRINKAGE),
    )


def numbers_of(space: Space, checks: Checks) -> GateNumbers:
    """All numbers of a gate, as the runtime applies them."""
    arrays = {
        "center": space.center,
        "scale": space.scale,
        "axes": space.axes,
        "stretch": 1 / space.variances - 1 / space.rest,
        "rest": [1 / space.rest],
        "figures_center": space.figures_center,
        "figures_scale": space.figures_scale,
        "shapes": space.shapes,
        "units": checks.units,
        "vectors": checks.vectors,
        "weights": checks.weights,
        "width": [checks.width],
        "gray_levels": checks.gray_levels,
    }
    return GateNumbers(**{name: np.asarray(each, np.float32) for name, each in arrays.items()})


def _even(kinds: npt.NDArray[np.str_]) -> Values:
    """Weights that sum to 1: a kind of four times as many pictures counts twice."""
    _, numbers, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    weights = counts[numbers] ** -0.5
    return np.asarray(weights / weights.sum())


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
