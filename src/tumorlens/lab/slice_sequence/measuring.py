"""The network over slices beside the same classifier without it, on the same patients."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.lab.evaluation.comparison import compare_models
from tumorlens.lab.evaluation.heads import HeadSlices, score_heads
from tumorlens.lab.evaluation.metrics import rounded
from tumorlens.lab.slice_sequence.heads import Head
from tumorlens.lab.slice_sequence.training import Answers
from tumorlens.labels import NO_TUMOR
from tumorlens.scan import FloatArray
from tumorlens.slice_sequence import HEAD_MM
from tumorlens.volume_joining import with_neighbours, worst_stretch

ALL = "all"

SEQUENCE, WITH_NEIGHBOURS, SLICE_BY_SLICE = "sequence", "with_neighbours", "slice_by_slice"
"""The network over slices; the classifier's answers averaged with those of neighbouring slices,
as volumes are answered without such a network; and the classifier's answers as they are."""


def measure_sequence(
    heads: Sequence[Head], answers: Answers, *, seen: Sequence[str]
) -> dict[str, Any]:
    """Score slices and heads, and the paired difference by patient.

    A head answers twice: whole, and without its tumor slices, as a healthy one would.

    Args:
        heads: Of validation patients, at least one.
        answers: Of patients that chose nothing of the network.
        seen: Data sets that the classifier was trained on.

    Returns:
        JSON values: ``slices`` and ``heads``, each with rows by data set and MR sequence of
        `SEQUENCE`, `WITH_NEIGHBOURS` and `SLICE_BY_SLICE` (for heads the mean over the worst
        stretch of both), and the ``difference`` of the first two by data set and of all.
    """
    slices = _Judged(
        heads,
        [len(head.has_tumor) for head in heads],
        np.concatenate([head.has_tumor for head in heads]),
        {
            SEQUENCE: _probability(answers.slices),
            WITH_NEIGHBOURS: np.concatenate([_averaged(head) for head in heads]),
            SLICE_BY_SLICE: np.concatenate([head.tumor[0] for head in heads]),
        },
    )
    return {
        "patients": len({head.group for head in heads}),
        "slices": slices.scores(seen),
        "heads": _heads(heads, answers).scores(seen),
    }


class _Judged:
    """Slices, or whole heads, with the answers of all."""

    def __init__(
        self,
        heads: Sequence[Head],
        counts: Sequence[int],
        truth: npt.NDArray[np.bool_],
        answers: Mapping[str, FloatArray],
    ) -> None:
        """Take ``counts`` answers of each head, one head after another."""
        self.sources = tuple(_repeated([head.dataset for head in heads], counts))
        self.sequences = tuple(_repeated([head.sequence for head in heads], counts))
        self.groups = tuple(_repeated([head.group for head in heads], counts))
        self.truth, self.answers = truth, answers

    def scores(self, seen: Sequence[str]) -> dict[str, Any]:
        """Rows of all, and the difference."""
        nothing = np.zeros((len(self.truth), 0, 0), np.uint8)
        judged = HeadSlices(nothing, nothing, self.truth, self.sources, self.sequences, self.groups)
        values: dict[str, Any] = rounded(
            {
                name: [asdict(row) for row in score_heads(judged, tumor, seen=seen)]
                for name, tumor in self.answers.items()
            }
        )
        names = [*sorted(set(self.sources)), ALL]
        return values | {"difference": {name: self._difference(name) for name in names}}

    def _difference(self, name: str) -> dict[str, Any]:
        kept = np.flatnonzero([name in (ALL, source) for source in self.sources])
        ours, theirs = (
            np.stack([tumor[kept], 1 - tumor[kept]], axis=1)
            for tumor in (self.answers[SEQUENCE], self.answers[WITH_NEIGHBOURS])
        )
        targets = np.where(self.truth[kept], 0, 1).astype(np.intp)
        groups = [self.groups[index] for index in kept]
        return compare_models(ours, theirs, targets, ("tumor", NO_TUMOR), groups).to_json()


def _heads(heads: Sequence[Head], answers: Answers) -> _Judged:
    """Each head whole and, where enough slices have none, without its tumor."""
    counts, truth, ours = [], [], []
    theirs: dict[str, list[float]] = {WITH_NEIGHBOURS: [], SLICE_BY_SLICE: []}
    for head, whole, free in zip(heads, answers.whole, answers.free, strict=True):
        parts = [(whole, np.ones_like(head.has_tumor)), (free, ~head.has_tumor)]
        known = [(odds, kept) for odds, kept in parts if np.isfinite(odds)]
        counts.append(len(known))
        for odds, kept in known:
            truth.append(bool(head.has_tumor[kept].any()))
            ours.append(odds)
            theirs[WITH_NEIGHBOURS].append(_by_stretch(head, _averaged(head, kept)))
            theirs[SLICE_BY_SLICE].append(_by_stretch(head, head.tumor[0][kept]))
    return _Judged(
        heads,
        counts,
        np.array(truth, bool),
        {SEQUENCE: _probability(np.array(ours))}
        | {name: np.array(values, np.float32) for name, values in theirs.items()},
    )


def _averaged(head: Head, kept: slice | npt.NDArray[np.bool_] = slice(None)) -> FloatArray:
    """Each slice's P(tumor) with its neighbours', as `predict` has it without the network."""
    return np.asarray(with_neighbours(head.tumor[0][kept], _spacing_mm(head)), np.float32)


def _by_stretch(head: Head, tumor: FloatArray) -> float:
    return float(tumor[worst_stretch(tumor, _spacing_mm(head))].mean())


def _spacing_mm(head: Head) -> float:
    return HEAD_MM / len(head.has_tumor)


def _repeated(values: Sequence[str], counts: Sequence[int]) -> list[str]:
    return [value for value, count in zip(values, counts, strict=True) for _ in range(count)]


def _probability(odds: npt.NDArray[np.float64]) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-odds)), np.float32)
