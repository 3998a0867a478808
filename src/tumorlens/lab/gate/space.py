"""Where brain scans lie: principal components of their embeddings and of their coarse shapes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from tumorlens.gate import GRAY, log_distance, unit_length, within_reach
from tumorlens.lab.gate.description import Described
from tumorlens.scan import FloatArray

COMPONENTS = 320
"""Principal components of the embedding, at most, for its distance."""

_LEADING, _SHAPES = 100, 70  # of them, and of the shape's, for the likeness
_SHRINKAGE = 0.1

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """What the checks need of some pictures, in one space.

    Attributes:
        inputs: float32, (pictures, inputs), of the likeness.
        gray: float32, (pictures, GRAY), standardised.
        distance: (pictures,), of the embedding.
        kinds: (pictures,): the data set, or the kind of what is no brain MRI.
    """

    inputs: FloatArray
    gray: FloatArray
    distance: Values
    kinds: npt.NDArray[np.str_]

    def part(self, chosen: npt.NDArray[Any]) -> "Placed":
        """The pictures chosen, by number or by truth."""
        return Placed(
            self.inputs[chosen], self.gray[chosen], self.distance[chosen], self.kinds[chosen]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Principal components of brain scans: of their embeddings, and of their coarse shapes.

    Attributes:
        center: float32, (channels,), mean of the embeddings, each of length 1.
        scale: float32, (channels,), their standard deviation.
        axes: float32, (components, channels), orthonormal.
        variances: (components,), along the axes, shrunk towards their mean.
        rest: Variance along any direction off the axes.
        figures_center: float32, (figures,), mean of the pictures' figures.
        figures_scale: float32, (figures,), their standard deviation.
        lead: float32, (inputs - 1, channels + figures): the likeness is a weighted sum of these and
            of the distance's logarithm.
    """

    center: FloatArray
    scale: FloatArray
    axes: FloatArray
    variances: Values
    rest: float
    figures_center: FloatArray
    figures_scale: FloatArray
    lead: FloatArray

    def place(self, described: Described) -> Placed:
        """Pictures in this space."""
        steps = (unit_length(described.embedding) - self.center) / self.scale
        seen = within_reach((described.figures - self.figures_center) / self.figures_scale)
        squared = (steps**2).sum(axis=1) / self.rest
        squared += (steps @ self.axes.T) ** 2 @ (1 / self.variances - 1 / self.rest)
        distance = np.sqrt(np.maximum(squared, 0) / len(self.center))
        leading = np.concatenate([steps, seen], axis=1) @ self.lead.T
        return Placed(
            np.append(leading, log_distance(distance)[:, np.newaxis], axis=1).astype(np.float32),
            seen[:, :GRAY],
            np.asarray(distance, np.float64),
            described.kinds,
        )


def fit_space(brains: Described) -> Space:
    """Principal components of brain scans; a quarter as many as scans at most."""
    unit = unit_length(brains.embedding).astype(np.float64)
    center, scale = unit.mean(axis=0), unit.std(axis=0) + 0.01 * unit.std() + 1e-6
    axes, variances, rest = _components((unit - center) / scale, COMPONENTS)
    figures = brains.figures.astype(np.float64)
    figures_center, figures_scale = figures.mean(axis=0), figures.std(axis=0)
    figures_scale[:GRAY] += 1e-3
    figures_scale[GRAY:] += 0.05  # cells that are black in every head would count without end
    seen = within_reach(((figures - figures_center) / figures_scale).astype(np.float32))
    shapes, _, _ = _components(seen[:, GRAY:].astype(np.float64), _SHAPES)
    return Space(
        center.astype(np.float32),
        scale.astype(np.float32),
        axes.astype(np.float32),
        (1 - _SHRINKAGE) * variances + _SHRINKAGE * variances.mean(),
        rest,
        figures_center.astype(np.float32),
        figures_scale.astype(np.float32),
        _lead(axes[:_LEADING], shapes),
    )


def _components(rows: Values, most: int) -> tuple[Values, Values, float]:
    """Principal axes, the variances along them, and the mean variance off them."""
    covariance = rows.T @ rows / len(rows)
    count = len(covariance)
    kept = max(1, min(most, count - 1, len(rows) // 4))
    values, vectors = eigh(covariance, subset_by_index=(count - kept, count - 1))
    off = float(np.trace(covariance) - values.sum()) / max(count - kept, 1)
    return vectors[:, ::-1].T, np.maximum(values[::-1], 1e-6), max(off, 1e-6)


def _lead(axes: Values, shapes: Values) -> FloatArray:
    """Leading components of the embedding, every gray figure, leading components of the shape."""
    channels, cells = axes.shape[1], shapes.shape[1]
    rows = np.zeros((len(axes) + GRAY + len(shapes), channels + GRAY + cells), np.float32)
    rows[: len(axes), :channels] = axes
    rows[len(axes) : len(axes) + GRAY, channels : channels + GRAY] = np.eye(GRAY)
    rows[len(axes) + GRAY :, channels + GRAY :] = shapes
    return rows
