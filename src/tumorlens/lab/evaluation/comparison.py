"""Two models on the same pictures: is the difference more than luck?

McNemar's exact test of the answers (Q. McNemar, Psychometrika 12, 1947), which takes pictures
for independent, and the bootstrap of the difference by group, which does not: where the two
disagree, believe the second.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from tumorlens.errors import DataError
from tumorlens.lab.evaluation.bootstrap import (
    Interval,
    Resamples,
    ratio,
    resample_groups,
    resampled_auc,
    spread,
)
from tumorlens.lab.evaluation.metrics import rounded
from tumorlens.labels import NO_TUMOR
from tumorlens.scan import FloatArray

_Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """One score of two models.

    Attributes:
        ours: The first model's.
        theirs: The second's.
        difference: The first less the second.
        interval: Its 95 % interval, bootstrapped by group; None with few groups.
        p: Two-sided, from the same resamples; None with few groups.
    """

    ours: float
    theirs: float
    difference: float
    interval: Interval | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same pictures.

    Attributes:
        count: Pictures.
        groups: Patients, or clusters of like pictures.
        only_ours: Pictures that the first alone names rightly.
        only_theirs: Pictures that the second alone does.
        mcnemar_p: Two-sided p of McNemar's exact test.
        differences: By score: ``accuracy``, ``recall`` (macro), ``auc`` (tumor against none).
    """

    count: int
    groups: int
    only_ours: int
    only_theirs: int
    mcnemar_p: float
    differences: dict[str, Difference]

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        values: dict[str, Any] = rounded(asdict(self))
        return values


def compare_models(
    ours: FloatArray,
    theirs: FloatArray,
    targets: npt.NDArray[np.intp],
    classes: Sequence[str],
    groups: Sequence[str],
) -> Comparison:
    """Compare two models' answers about the same pictures.

    Args:
        ours: float32, (pictures, classes), the first model's probabilities.
        theirs: The second's, with the same columns.
        targets: int, (pictures,), class numbers.
        classes: Names in the order of the columns.
        groups: The group of each picture.
    """
    if ours.shape != theirs.shape:
        raise DataError(
            expected="two models with the same classes",
            found=f"{ours.shape[1]} and {theirs.shape[1]} classes",
            remedy="Compare models that tell the same classes apart.",
        )
    right, also = ours.argmax(axis=1) == targets, theirs.argmax(axis=1) == targets
    only_ours, only_theirs = int((right & ~also).sum()), int((also & ~right).sum())
    discordant = only_ours + only_theirs
    p = binomtest(only_ours, discordant).pvalue if discordant else 1.0
    resamples = resample_groups(groups)
    whole = Resamples(np.ones((1, resamples.groups)), resamples.numbers)
    differences = {}
    for name, score_of in _SCORES.items():
        pair = [score_of(whole, one, targets, classes) for one in (ours, theirs)]
        if np.isfinite(pair).all():
            drawn = [score_of(resamples, one, targets, classes) for one in (ours, theirs)]
            differences[name] = _difference(
                float(pair[0][0]), float(pair[1][0]), drawn[0] - drawn[1], resamples.groups
            )
    return Comparison(len(targets), resamples.groups, only_ours, only_theirs, float(p), differences)


def _difference(ours: float, theirs: float, drawn: _Values, groups: int) -> Difference:
    ends = spread(drawn, groups)
    p = None
    if ends is not None:
        known = drawn[np.isfinite(drawn)]
        tail = min((known <= 0).mean(), (known >= 0).mean())
        p = float(min(1.0, 2 * max(tail, 1 / len(known))))
    return Difference(ours, theirs, ours - theirs, ends, p)


def _accuracy(
    resamples: Resamples, answers: FloatArray, targets: npt.NDArray[np.intp], _: Sequence[str]
) -> _Values:
    right = answers.argmax(axis=1) == targets
    return ratio(resamples.totals(right), resamples.totals(np.ones(len(right))))


def _recall(
    resamples: Resamples,
    answers: FloatArray,
    targets: npt.NDArray[np.intp],
    classes: Sequence[str],
) -> _Values:
    true = targets[:, np.newaxis] == np.arange(len(classes))
    right = true & (answers.argmax(axis=1) == targets)[:, np.newaxis]
    recalls = ratio(resamples.totals(right), resamples.totals(true))
    known = np.isfinite(recalls)
    return np.asarray(np.where(known, recalls, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _auc(
    resamples: Resamples,
    answers: FloatArray,
    targets: npt.NDArray[np.intp],
    classes: Sequence[str],
) -> _Values:
    if NO_TUMOR not in classes:
        return np.full(len(resamples.weights), np.nan)
    column = list(classes).index(NO_TUMOR)
    return resampled_auc(resamples, targets != column, 1 - answers[:, column])


_SCORES = {"accuracy": _accuracy, "recall": _recall, "auc": _auc}
