"""The gate's numbers and limits from described pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens.gate import CHECKS, GateNumbers
from tumorlens.lab.gate.description import Described
from tumorlens.scan import FloatArray

LOST = 0.015
"""Part of the validation scans that the limits give up."""

COMPONENTS = 320
"""Principal components of the embedding, at most."""

_SHRINKAGE, _GRAY_SHRINKAGE = 0.1, 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Principal components of the brain scans' embeddings, each of length 1.

    Attributes:
        center: float32, (channels,), their mean.
        scale: float32, (channels,), their standard deviation.
        axes: float32, (components, channels), orthonormal.
        variances: (components,), along the axes, shrunk towards their mean.
        rest: Variance along any direction off the axes.
    """

    center: FloatArray
    scale: FloatArray
    axes: FloatArray
    variances: npt.NDArray[np.float64]
    rest: float

    def place(self, embedding: FloatArray) -> npt.NDArray[np.float64]:
        """Embeddings (pictures, channels) along the axes: (pictures, components)."""
        length = np.linalg.norm(embedding, axis=1, keepdims=True)
        unit = embedding / np.maximum(length, 1e-12)
        return np.asarray((unit - self.center) / self.scale @ self.axes.T, np.float64)


def fit_space(brains: Described) -> Space:
    """Principal components of brain scans' embeddings; a quarter as many as scans at most."""
    length = np.linalg.norm(brains.embedding, axis=1, keepdims=True)
    unit = (brains.embedding / np.maximum(length, 1e-12)).astype(np.float64)
    center, scale = unit.mean(axis=0), unit.std(axis=0) + 0.01 * unit.std() + 1e-6
    scaled = (unit - center) / scale
    values, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    kept = max(1, min(COMPONENTS, len(values) - 1, len(scaled) // 4))
    variances = np.maximum(values[::-1][:kept], 1e-6)
    rest = max(float(values[::-1][kept:].mean()) if kept < len(values) else 0.0, 1e-6)
    variances = (1 - _SHRINKAGE) * variances + _SHRINKAGE * variances.mean()
    return Space(
        center.astype(np.float32),
        scale.astype(np.float32),
        np.ascontiguousarray(vectors[:, ::-1][:, :kept].T, np.float32),
        variances,
        rest,
    )


def fit_numbers(space: Space, brains: Described, other: Described) -> GateNumbers:
    """All numbers of a gate between brain scans and other pictures."""
    weights = discriminant(space.place(brains.embedding), space.place(other.embedding), _SHRINKAGE)
    gray = brains.gray.astype(np.float64)
    gray_center, gray_scale = gray.mean(axis=0), gray.std(axis=0) + 1e-3
    gray_weights = discriminant(
        (gray - gray_center) / gray_scale, (other.gray - gray_center) / gray_scale, _GRAY_SHRINKAGE
    )
    arrays = {
        "center": space.center,
        "scale": space.scale,
        "axes": space.axes,
        "stretch": 1 / space.variances - 1 / space.rest,
        "rest": [1 / space.rest],
        "likeness": [*(weights[:-1] @ space.axes), weights[-1]],
        "gray_center": gray_center,
        "gray_scale": gray_scale,
        "gray_levels": gray_weights,
    }
    return GateNumbers(**{name: np.asarray(each, np.float32) for name, each in arrays.items()})


def discriminant(
    here: npt.NDArray[np.float64], there: npt.NDArray[np.float64], shrinkage: float
) -> npt.NDArray[np.float64]:
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


def _covariance(rows: npt.NDArray[np.float64], shrinkage: float) -> npt.NDArray[np.float64]:
    centered = rows - rows.mean(axis=0)
    found = centered.T @ centered / len(rows)
    level = max(float(np.trace(found)) / len(found), 1e-9)
    return np.asarray((1 - shrinkage) * found + shrinkage * level * np.eye(len(found)))


def check_values(numbers: GateNumbers, described: Described) -> npt.NDArray[np.float64]:
    """Every check's value, in the order of `CHECKS`: (pictures, checks)."""
    found = numbers.measure(described.embedding, described.gray)
    return np.stack([found[check] for check in CHECKS], axis=1).astype(np.float64)


def fit_limits(values: npt.NDArray[np.float64]) -> dict[str, float]:
    """Limits at one common rank of the checks that together lose `LOST` of the pictures."""
    ranks = values.argsort(axis=0).argsort(axis=0).max(axis=1) / max(1, len(values) - 1)
    rank = float(np.quantile(ranks, 1 - LOST))
    return {check: float(np.quantile(values[:, n], rank)) for n, check in enumerate(CHECKS)}


def is_refused(
    values: npt.NDArray[np.float64], limits: Mapping[str, float]
) -> npt.NDArray[np.bool_]:
    """Which pictures miss at least one limit: bool, (pictures,)."""
    return np.asarray(~(values <= [limits[check] for check in CHECKS]).all(axis=1))
