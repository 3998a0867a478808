"""A 95 % interval for every figure of `Scores`, bootstrapped by group."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.lab.evaluation.bootstrap import (
    Resamples,
    auc_interval,
    interval,
    ratio,
    ratio_interval,
    resample_groups,
    resampled_auc,
)
from tumorlens.labels import NO_TUMOR
from tumorlens.scan import FloatArray

_Values = npt.NDArray[np.float64]


def score_intervals(
    probabilities: FloatArray,
    targets: npt.NDArray[np.intp],
    classes: Sequence[str],
    groups: Sequence[str],
) -> dict[str, Any]:
    """The intervals of all scores, under the same names.

    Args:
        probabilities: float32, (pictures, classes), at least one picture.
        targets: int, (pictures,), class numbers.
        classes: Names in the order of the columns.
        groups: The group of each picture.

    Returns:
        ``accuracy``, ``precision``, ``recall``, ``f1``, ``auc``, ``per_class`` and ``binary``:
        (low, high), or None where it cannot be told.
    """
    resamples = resample_groups(groups)
    answers = probabilities.argmax(axis=1)
    true = targets[:, np.newaxis] == np.arange(len(classes))
    called = answers[:, np.newaxis] == np.arange(len(classes))
    values = _class_values(resamples, true, called)
    areas = [resampled_auc(resamples, true[:, k], probabilities[:, k]) for k in range(len(classes))]
    present = np.flatnonzero(true.any(axis=0))
    whole = resamples.groups
    return {
        "accuracy": ratio_interval(resamples, answers == targets, np.ones(len(targets))),
        **{name: interval(_mean(rows[:, present]), whole) for name, rows in values.items()},
        "auc": interval(_mean(np.stack(areas, axis=1)), whole),
        "per_class": {
            name: _of_class(resamples, true[:, k], called[:, k], values["f1"][:, k])
            | {"auc": auc_interval(resamples, true[:, k], probabilities[:, k])}
            for k, name in enumerate(classes)
        },
        "binary": binary_intervals(resamples, probabilities, targets, classes),
    }


def binary_intervals(
    resamples: Resamples,
    probabilities: FloatArray,
    targets: npt.NDArray[np.intp],
    classes: Sequence[str],
) -> dict[str, Any] | None:
    """Of tumor against none; None where the model has no such class."""
    if NO_TUMOR not in classes:
        return None
    column = list(classes).index(NO_TUMOR)
    truth, tumor = targets != column, 1 - probabilities[:, column]
    called = tumor > 0.5
    return {
        "sensitivity": ratio_interval(resamples, called & truth, truth),
        "specificity": ratio_interval(resamples, ~called & ~truth, ~truth),
        "auc": auc_interval(resamples, truth, tumor),
    }


def _class_values(
    resamples: Resamples, true: npt.NDArray[np.bool_], called: npt.NDArray[np.bool_]
) -> dict[str, _Values]:
    """Each (resamples, classes); a class never called has precision 0, as in the scores."""
    hits, support, calls = (resamples.totals(rows) for rows in (true & called, true, called))
    return {
        "precision": np.where(calls > 0, hits / np.maximum(calls, 1), 0.0),
        "recall": ratio(hits, support),
        "f1": ratio(2 * hits, support + calls),
    }


def _of_class(
    resamples: Resamples,
    true: npt.NDArray[np.bool_],
    called: npt.NDArray[np.bool_],
    f1: _Values,
) -> dict[str, Any]:
    groups = int((resamples.per_group(true) > 0).sum())
    return {
        "precision": ratio_interval(resamples, true & called, called),
        "recall": ratio_interval(resamples, true & called, true),
        "f1": interval(f1, groups) if groups else None,
    }


def _mean(rows: _Values) -> _Values:
    """Over the classes that a resample has; NaN where it has none."""
    known = np.isfinite(rows)
    return ratio(np.where(known, rows, 0).sum(axis=1), known.sum(axis=1).astype(np.float64))
