"""Scores of a classifier, as one frozen record."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from tumorlens.lab.evaluation.intervals import score_intervals
from tumorlens.labels import NO_TUMOR
from tumorlens.scan import FloatArray


@dataclass(frozen=True, slots=True)
class ClassScores:
    """One class against the rest; all in [0, 1], None where undefined.

    Attributes:
        precision: Of the pictures called so, the part that are.
        recall: Of the pictures that are so, the part called so; None without any.
        f1: Harmonic mean of the two.
        auc: Area under the ROC curve, one against the rest; None without both kinds.
        support: How many pictures are of this class.
    """

    precision: float
    recall: float | None
    f1: float
    auc: float | None
    support: int


@dataclass(frozen=True, slots=True)
class BinaryScores:
    """Tumor of any kind against none, called at P(tumor) > 0.5; None where undefined.

    Attributes:
        sensitivity: Of the pictures with a tumor, the part called so.
        specificity: Of the pictures without, the part called so.
        auc: Area under the ROC curve of 1 - P(no_tumor).
    """

    sensitivity: float | None
    specificity: float | None
    auc: float | None


@dataclass(frozen=True, slots=True)
class Scores:
    """All scores of one set of pictures.

    Attributes:
        count: Pictures.
        groups: Patients, or clusters of like pictures where no patient is known.
        accuracy: Part of the pictures named rightly, in [0, 1].
        precision: Macro mean over the classes present; likewise ``recall``, ``f1``, ``auc``.
        per_class: By class name, in the model's order.
        binary: Tumor against no tumor; None where the model has no such class.
        confusion: Counts, rows the truth and columns the answer, in the model's order.
        intervals: The 95 % interval (low, high) of each figure above, under the same names,
            bootstrapped by group; None where it cannot be told, empty without groups.
    """

    count: int
    groups: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float | None
    per_class: Mapping[str, ClassScores]
    binary: BinaryScores | None
    confusion: tuple[tuple[int, ...], ...]
    intervals: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The scores as JSON values, rounded to six digits."""
        values: dict[str, Any] = rounded(asdict(self))
        return values


def score(
    probabilities: FloatArray,
    targets: np.ndarray,
    classes: Sequence[str],
    *,
    groups: Sequence[str] = (),
) -> Scores:
    """Score answers against the truth.

    Args:
        probabilities: float32, (pictures, classes), at least one picture.
        targets: int, (pictures,), class numbers.
        classes: Names in the order of the columns.
        groups: The group of each picture, for the intervals; without them there are none.
    """
    answers = probabilities.argmax(axis=1)
    numbers = list(range(len(classes)))
    precision, recall, f1, support = precision_recall_fscore_support(
        targets, answers, labels=numbers, zero_division=0
    )
    per_class = {
        name: ClassScores(
            float(precision[k]),
            float(recall[k]) if support[k] else None,
            float(f1[k]),
            auc(targets == k, probabilities[:, k]),
            int(support[k]),
        )
        for k, name in enumerate(classes)
    }
    present = np.flatnonzero(support)
    areas = [s.auc for s in per_class.values() if s.auc is not None]
    return Scores(
        count=len(targets),
        groups=len(set(groups)),
        accuracy=float((answers == targets).mean()),
        precision=float(precision[present].mean()),
        recall=float(recall[present].mean()),
        f1=float(f1[present].mean()),
        auc=float(np.mean(areas)) if areas else None,
        per_class=per_class,
        binary=_binary(probabilities, targets, classes),
        confusion=tuple(
            tuple(map(int, row)) for row in confusion_matrix(targets, answers, labels=numbers)
        ),
        intervals=score_intervals(probabilities, targets, classes, groups) if groups else {},
    )


def _binary(
    probabilities: FloatArray, targets: np.ndarray, classes: Sequence[str]
) -> BinaryScores | None:
    if NO_TUMOR not in classes:
        return None
    column = list(classes).index(NO_TUMOR)
    truth, tumor = targets != column, 1 - probabilities[:, column]
    called = tumor > 0.5
    return BinaryScores(
        float(called[truth].mean()) if truth.any() else None,
        float((~called[~truth]).mean()) if (~truth).any() else None,
        auc(truth, tumor),
    )


def auc(truth: np.ndarray, scores: FloatArray) -> float | None:
    """The area under the ROC curve; None where one kind is absent."""
    if truth.all() or not truth.any():
        return None
    return float(roc_auc_score(truth, scores))


def rounded(value: Any) -> Any:
    """JSON values with every number rounded to six digits."""
    if isinstance(value, float):
        return round(float(value), 6)
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return value
