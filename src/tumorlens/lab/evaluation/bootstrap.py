"""Intervals for scores, bootstrapped by group.

Slices of one patient resemble each other, so that a patient, or a cluster of nearly the same
pictures, is drawn whole or not at all: C. Field and A. Welsh, "Bootstrapping clustered data",
Journal of the Royal Statistical Society B 69, 2007, doi:10.1111/j.1467-9868.2007.00593.x.
Percentile intervals; all resamples are scored at once from counts per group.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens.scan import FloatArray

RESAMPLES = 1000
MIN_GROUPS = 5
"""With fewer patients than this no interval is given: it would only look like knowledge."""

_TAIL = 0.025  # on each side of an interval
_CHUNK = 100  # resamples at a time where every picture has a weight of its own

Interval = tuple[float, float]
Weights = npt.NDArray[np.float64]
Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Resamples:
    """How often each group is drawn in each resample.

    Attributes:
        weights: float64, (resamples, groups), whole numbers; each row sums to the groups.
        numbers: int, (pictures,): the group of each picture, as a column of ``weights``.
    """

    weights: Weights
    numbers: npt.NDArray[np.intp]

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return int(self.weights.shape[1])

    def per_group(self, values: npt.ArrayLike) -> Counts:
        """Sums of per-picture values: (pictures, ...) to float64, (groups, ...)."""
        rows = np.asarray(values, np.float64)
        sums = np.zeros((self.groups, *rows.shape[1:]))
        np.add.at(sums, self.numbers, rows)
        return sums

    def totals(self, values: npt.ArrayLike) -> Counts:
        """Sums over each resample: (pictures, ...) to float64, (resamples, ...)."""
        sums = self.per_group(values)
        flat = self.weights @ sums.reshape(self.groups, -1)
        return flat.reshape(len(self.weights), *sums.shape[1:])


def resample_groups(
    groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Resamples:
    """Draw as many groups as there are, with replacement, many times.

    Args:
        groups: The group of each picture, at least one.
        resamples: How many times.
        seed: Of the draws.
    """
    names, numbers = np.unique(np.array(groups), return_inverse=True)
    draws = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=resamples
    )
    return Resamples(draws.astype(np.float64), numbers)


def interval(values: npt.NDArray[np.floating], groups: int) -> Interval | None:
    """The middle 95 % of the resampled values of a score in [0, 1].

    A score that is the same in every resample at an end of its range is no proof of
    perfection: its other end is then the exact binomial limit for that many groups.

    Args:
        values: (resamples,); NaN where a resample cannot say.
        groups: How many groups the score rests on.

    Returns:
        As `spread`.
    """
    ends = spread(values, groups)
    beyond = _TAIL ** (1 / groups) if groups else 0.0
    if ends is None or (ends[1] > 0 and ends[0] < 1):
        return ends
    return (beyond, 1.0) if ends[0] >= 1 else (0.0, 1 - beyond)


def spread(values: npt.NDArray[np.floating], groups: int) -> Interval | None:
    """The middle 95 % of the resampled values of anything.

    Returns:
        (low, high), or None with fewer than `MIN_GROUPS` groups, or where more than half of
        the resamples cannot say.
    """
    known = values[np.isfinite(values)]
    if groups < MIN_GROUPS or 2 * len(known) < len(values):
        return None
    low, high = np.quantile(known, (_TAIL, 1 - _TAIL))
    return float(low), float(high)


def ratio_interval(
    resamples: Resamples, part: npt.ArrayLike, whole: npt.ArrayLike
) -> Interval | None:
    """The interval of a share.

    Args:
        resamples: Of the pictures' groups.
        part: (pictures,), what is counted (or summed) above the line.
        whole: (pictures,), what is counted below it.
    """
    groups = int((resamples.per_group(whole) > 0).sum())
    return interval(ratio(resamples.totals(part), resamples.totals(whole)), groups)


def ratio(part: Counts, whole: Counts) -> Counts:
    """Element by element; NaN where there is nothing below the line."""
    empty = np.full(np.shape(part), np.nan)
    return np.asarray(np.divide(part, whole, out=empty, where=whole > 0))


def auc_interval(
    resamples: Resamples, truth: npt.NDArray[np.bool_], scores: FloatArray
) -> Interval | None:
    """The interval of the area under the ROC curve."""
    both = min(
        int((resamples.per_group(truth) > 0).sum()), int((resamples.per_group(~truth) > 0).sum())
    )
    return interval(resampled_auc(resamples, truth, scores), both) if both else None


def resampled_auc(
    resamples: Resamples, truth: npt.NDArray[np.bool_], scores: FloatArray
) -> npt.NDArray[np.float64]:
    """The area under the ROC curve of each resample, ties counted half.

    Args:
        resamples: Of the pictures' groups.
        truth: bool, (pictures,).
        scores: (pictures,), higher where the truth is expected.

    Returns:
        float64, (resamples,); NaN where one kind is absent.
    """
    order = np.flatnonzero(~truth)[np.argsort(scores[~truth], kind="stable")]
    below = np.searchsorted(scores[order], scores[truth], side="left")
    up_to = np.searchsorted(scores[order], scores[truth], side="right")
    ours, theirs = resamples.numbers[truth], resamples.numbers[order]
    areas = []
    for start in range(0, len(resamples.weights), _CHUNK):
        weights = resamples.weights[start : start + _CHUNK]
        beaten = np.pad(weights[:, theirs].cumsum(axis=1), ((0, 0), (1, 0)))
        mine = weights[:, ours]
        won = (mine * (beaten[:, below] + beaten[:, up_to])).sum(axis=1) / 2
        areas.append(ratio(won, mine.sum(axis=1) * beaten[:, -1]))
    return np.concatenate(areas)
