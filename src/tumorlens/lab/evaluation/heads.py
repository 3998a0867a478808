"""Slices with and without tumor from the same heads: does the model see the tumor?

Elsewhere a network can tell the two apart by the scanner, the sequence or the hospital. Here all
of that is the same on both sides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation.bootstrap import (
    Interval,
    Resamples,
    auc_interval,
    interval,
    ratio,
    ratio_interval,
    resample_groups,
)
from tumorlens.lab.evaluation.metrics import auc
from tumorlens.lab.evaluation.strata import sequence_of
from tumorlens.lab.pictures import ByteArray
from tumorlens.labels import NO_TUMOR
from tumorlens.scan import FloatArray

SENSITIVITY = 0.90
"""The sensitivity at which the specificity is told."""

ALL = "all"


@dataclass(frozen=True, slots=True, eq=False)
class HeadSlices:
    """Prepared slices of heads that have slices of both kinds; all in the same order.

    Attributes:
        pixels: uint8, (slices, size, size).
        masks: uint8, (slices, size, size), above 127 where the tumor is.
        has_tumor: bool, (slices,).
        sources: The data set of each slice.
        sequences: The MR sequence of each.
        heads: The patient of each.
    """

    pixels: ByteArray
    masks: ByteArray
    has_tumor: npt.NDArray[np.bool_]
    sources: tuple[str, ...]
    sequences: tuple[str, ...]
    heads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeadScores:
    """Tumor against none within the same heads; shares in [0, 1], None where undefined.

    Attributes:
        source: The data set, or several.
        sequence: The MR sequence, or ``all``.
        seen_in_training: Whether the model was trained on slices of this data set (of other
            patients, where a split was given).
        heads: Patients.
        with_tumor: Slices with tumor.
        without_tumor: Slices without.
        sensitivity: Called at P(tumor) > 0.5; likewise ``specificity``.
        auc: Area under the ROC curve of P(tumor).
        specificity_at_90: Specificity at the threshold that finds 90 % of these tumor slices.
        intervals: 95 %, by patient, under the same names; None with few patients.
    """

    source: str
    sequence: str
    seen_in_training: bool
    heads: int
    with_tumor: int
    without_tumor: int
    sensitivity: float | None
    specificity: float | None
    auc: float | None
    specificity_at_90: float | None
    intervals: dict[str, Interval | None]


def both_kinds(examples: Sequence[Example]) -> list[int]:
    """Indices of the pictures of patients who have slices with and without tumor."""
    kinds: dict[tuple[str, str], set[bool]] = {}
    for example in examples:
        if example.patient is not None:
            key = (example.dataset, example.patient)
            kinds.setdefault(key, set()).add(example.label == NO_TUMOR)
    return [
        index
        for index, example in enumerate(examples)
        if example.patient is not None and len(kinds[example.dataset, example.patient]) == 2
    ]


def of_examples(
    examples: Sequence[Example], pixels: ByteArray, masks: ByteArray, chosen: Sequence[int]
) -> HeadSlices:
    """Some of the prepared pictures (those of `both_kinds`) as slices of heads."""
    kept = [examples[index] for index in chosen]
    return HeadSlices(
        pixels[list(chosen)],
        masks[list(chosen)],
        np.array([example.label != NO_TUMOR for example in kept], bool),
        tuple(example.dataset for example in kept),
        tuple(sequence_of(example) for example in kept),
        tuple(example.group for example in kept),
    )


def joined(parts: Sequence[HeadSlices]) -> HeadSlices:
    """Several sets of slices as one; at least one."""
    return HeadSlices(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.masks for part in parts]),
        np.concatenate([part.has_tumor for part in parts]),
        sum((part.sources for part in parts), ()),
        sum((part.sequences for part in parts), ()),
        sum((part.heads for part in parts), ()),
    )


def score_heads(
    slices: HeadSlices, tumor: FloatArray, *, seen: Sequence[str] = ()
) -> list[HeadScores]:
    """One record a source and sequence, one a source, and the same of all unseen sources.

    Args:
        slices: At least one.
        tumor: float32, (slices,): P(tumor).
        seen: The data sets that the model was trained on.
    """
    sources, sequences = np.array(slices.sources), np.array(slices.sequences)
    rows = []
    for name, chosen in _rows_of(sources, seen):
        for sequence in [*np.unique(sequences[chosen]), ALL]:
            which = chosen & ((sequences == sequence) | (sequence == ALL))
            if name not in sources and len(set(sources[which])) < 2:
                continue  # it stands under its only source already
            heads = np.array(slices.heads)[which].tolist()
            counted = _score(slices.has_tumor[which], tumor[which], heads)
            known = bool(set(sources[which]) & set(seen))
            rows.append(HeadScores(name, str(sequence), known, len(set(heads)), **counted))
    return rows


def _rows_of(
    sources: npt.NDArray[np.str_], seen: Sequence[str]
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    names = [str(name) for name in np.unique(sources)]
    for name in names:
        yield name, sources == name
    unseen = [name for name in names if name not in seen]
    if len(unseen) > 1:
        yield " + ".join(unseen), np.isin(sources, unseen)


def _score(truth: npt.NDArray[np.bool_], tumor: FloatArray, heads: Sequence[str]) -> dict[str, Any]:
    called = tumor > 0.5
    resamples = resample_groups(heads)
    at_90, interval_at_90 = _specificity_at(resamples, truth, tumor)
    return {
        "with_tumor": int(truth.sum()),
        "without_tumor": int((~truth).sum()),
        "sensitivity": float(called[truth].mean()) if truth.any() else None,
        "specificity": float((~called)[~truth].mean()) if (~truth).any() else None,
        "auc": auc(truth, tumor),
        "specificity_at_90": at_90,
        "intervals": {
            "sensitivity": ratio_interval(resamples, called & truth, truth),
            "specificity": ratio_interval(resamples, ~called & ~truth, ~truth),
            "auc": auc_interval(resamples, truth, tumor),
            "specificity_at_90": interval_at_90,
        },
    }


def _specificity_at(
    resamples: Resamples, truth: npt.NDArray[np.bool_], tumor: FloatArray
) -> tuple[float | None, Interval | None]:
    """At the threshold that `SENSITIVITY` of the tumor slices reach, found anew each resample."""
    if truth.all() or not truth.any():
        return None, None
    whole = np.ones((1, resamples.groups))
    value = _specificities(Resamples(whole, resamples.numbers), truth, tumor)
    values = _specificities(resamples, truth, tumor)
    return float(value[0]), interval(values, resamples.groups)


def _specificities(
    resamples: Resamples, truth: npt.NDArray[np.bool_], tumor: FloatArray
) -> npt.NDArray[np.float64]:
    """float64, (resamples,)."""
    falling = np.flatnonzero(truth)[np.argsort(-tumor[truth], kind="stable")]
    rising = np.flatnonzero(~truth)[np.argsort(tumor[~truth], kind="stable")]
    found = resamples.weights[:, resamples.numbers[falling]].cumsum(axis=1)
    enough = found >= SENSITIVITY * found[:, -1:] - 1e-9
    thresholds = tumor[falling][enough.argmax(axis=1)]
    passed = np.pad(
        resamples.weights[:, resamples.numbers[rising]].cumsum(axis=1), ((0, 0), (1, 0))
    )
    below = np.searchsorted(tumor[rising], thresholds, side="left")
    right = np.take_along_axis(passed, below[:, np.newaxis], axis=1)[:, 0]
    return ratio(right, passed[:, -1])
