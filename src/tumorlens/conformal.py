"""Which classes cannot be excluded: class-conditional conformal sets.

A class is in the set where its share of the answer is at least the class's own threshold. With
thresholds fitted on patients the network did not learn from, pictures of every class are covered
as often as the level says (V. Vovk, "Conditional validity of inductive conformal predictors",
ACML 2012, arXiv:1209.2673), with the smallest sets (M. Sadinle, J. Lei and L. Wasserman, "Least
Ambiguous Set-Valued Classifiers With Bounded Error Levels", JASA 2019, arXiv:1609.00451).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

ADVICE = "refer to a radiologist"
"""Given where more than one class is left."""


@dataclass(frozen=True, slots=True)
class Conformal:
    """The thresholds of one model; they travel in its card.

    Attributes:
        level: Part of each class's pictures that the sets are to cover, in (0, 1).
        thresholds: By class name: the smallest share of the answer that keeps the class, 0..1.
        weights: By class name: what the probability is multiplied by first, above 0; the
            products are scaled to sum to 1. They undo a lean of the network towards a class.
        measured: Coverage of each class and mean size, on groups left out of the fitting.
    """

    level: float
    thresholds: Mapping[str, float]
    weights: Mapping[str, float]
    measured: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The fields by name, as they stand in the card."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any], *, classes: Sequence[str]) -> Self:
        """From a card's values.

        Raises:
            KeyError, TypeError, ValueError: A field or a class is absent, or out of its range.
        """
        made = cls(
            float(values["level"]),
            {name: float(values["thresholds"][name]) for name in classes},
            {name: float(values["weights"][name]) for name in classes},
            dict(values.get("measured", {})),
        )
        if not (0 < made.level < 1 and min(made.weights.values()) > 0):
            raise ValueError("level must lie in (0, 1), weights above 0")
        return made


def conformal_set(
    probabilities: Mapping[str, float], conformal: Conformal | None
) -> tuple[str, ...]:
    """The classes that cannot be excluded, the most probable first.

    Args:
        probabilities: By class name, calibrated.
        conformal: Of the model; None where none was fitted.

    Returns:
        At least the most probable class; empty where ``conformal`` is None, for then nothing
        is known of how often a set would be right.
    """
    if conformal is None:
        return ()
    names = list(probabilities)
    row = np.array([list(probabilities.values())])
    kept = set(np.flatnonzero(in_sets(row, names, conformal)[0]))
    order = np.argsort(-row[0], kind="stable")
    return tuple(names[number] for number in order if number in kept)


def in_sets(
    probabilities: npt.NDArray[np.floating[Any]], classes: Sequence[str], conformal: Conformal
) -> npt.NDArray[np.bool_]:
    """Which classes are in which picture's set.

    Args:
        probabilities: (pictures, classes), calibrated.
        classes: Names in the order of the columns.
        conformal: Of the model.

    Returns:
        bool, (pictures, classes); the most probable class is in every set.
    """
    found = shares(probabilities, [conformal.weights[name] for name in classes]) >= [
        conformal.thresholds[name] for name in classes
    ]
    found[np.arange(len(found)), probabilities.argmax(axis=1)] = True
    return np.asarray(found, np.bool_)


def shares(
    probabilities: npt.NDArray[np.floating[Any]], weights: Sequence[float]
) -> npt.NDArray[np.float64]:
    """Probabilities by the classes' weights: float64, (pictures, classes), rows summing to 1."""
    weighted = probabilities.astype(np.float64) * np.asarray(weights, np.float64)
    return np.asarray(weighted / np.maximum(weighted.sum(axis=1, keepdims=True), 1e-300))
