"""Which epoch's network is kept, and the lines that make its log-odds right.

Both are chosen on validation patients: for figures, on others than those that are scored.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from tumorlens.lab.folds import group_folds
from tumorlens.lab.slice_sequence.heads import Head
from tumorlens.lab.slice_sequence.training import Answers, validation_loss

_PULL = 0.01  # of a line to slope 1 and offset 0, so that a few heads cannot tear it away

_Values = npt.NDArray[np.float64]
_Indices = npt.NDArray[np.intp]
Line = tuple[float, float]


class Choice(NamedTuple):
    """What is chosen.

    Attributes:
        epoch: Of the answers, 0-based; 0 is the untrained network.
        slice_line: (slope, offset) of the slices' log-odds.
        head_line: (slope, offset) of the heads'.
    """

    epoch: int
    slice_line: Line
    head_line: Line


def choose(answers: Sequence[Answers], heads: Sequence[Head], which: _Indices) -> Choice:
    """Choose on some heads.

    Args:
        answers: After each epoch.
        heads: All validation heads.
        which: Indices of those that choose.
    """
    losses = [validation_loss(one, heads)[which].mean() for one in answers]
    epoch = int(np.argmin(losses))
    best = answers[epoch]
    truth = np.concatenate([heads[index].has_tumor for index in which])
    slices = np.concatenate([best.slices[slice_range(heads, index)] for index in which])
    with_tumor = np.array([heads[index].has_tumor.any() for index in which])
    together = np.concatenate([best.whole[which], best.free[which]])
    either = np.concatenate([with_tumor, np.zeros(len(which), bool)])
    known = np.isfinite(together)
    return Choice(epoch, fit_line(slices, truth), fit_line(together[known], either[known]))


def left_out_answers(answers: Sequence[Answers], heads: Sequence[Head]) -> Answers | None:
    """Answers of which each patient chose neither epoch nor lines; None with one patient only."""
    slices = np.full(len(answers[0].slices), np.nan)
    whole, free = np.full(len(heads), np.nan), np.full(len(heads), np.nan)
    folds = list(group_folds(np.zeros(len(heads), np.intp), [head.group for head in heads]))
    for rest, fold in folds:
        chosen = choose(answers, heads, rest)
        best = answers[chosen.epoch]
        whole[fold] = _mapped(best.whole[fold], chosen.head_line)
        free[fold] = _mapped(best.free[fold], chosen.head_line)
        for index in fold:
            where = slice_range(heads, index)
            slices[where] = _mapped(best.slices[where], chosen.slice_line)
    return Answers(slices, whole, free) if folds else None


def slice_range(heads: Sequence[Head], index: int) -> slice:
    """Where a head's slices lie among those of all heads."""
    start = sum(len(head.has_tumor) for head in heads[:index])
    return slice(start, start + len(heads[index].has_tumor))


def fit_line(odds: _Values, truth: npt.NDArray[np.bool_]) -> Line:
    """Platt scaling: slope (above 0) and offset that make log-odds right.

    J. Platt, "Probabilistic Outputs for Support Vector Machines", 1999.

    Returns:
        (1, 0) where the truth is all one kind.
    """
    if truth.all() or not truth.any():
        return 1.0, 0.0
    signs = np.where(truth, -1.0, 1.0)

    def loss(line: _Values) -> float:
        mapped = signs * (np.exp(line[0]) * odds + line[1])
        return float(np.logaddexp(0, mapped).mean() + _PULL * (line**2).sum())

    slope, offset = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-3, 3), (-9, 9)]).x
    return float(np.exp(slope)), float(offset)


def _mapped(odds: _Values, line: Line) -> _Values:
    return np.asarray(line[0] * odds + line[1])
