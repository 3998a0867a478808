"""Whether the model is right as often as it says.

Expected calibration error over equal bins of the answer's probability: C. Guo and others, "On
Calibration of Modern Neural Networks", ICML 2017, arXiv:1706.04599. The bias of a bootstrap:
B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 10.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.lab.evaluation.bootstrap import Interval, interval, resample_groups
from tumorlens.lab.evaluation.metrics import rounded
from tumorlens.scan import FloatArray

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose probability lies in one stretch.

    Attributes:
        low: The stretch's lower end.
        high: Its upper end.
        count: Answers in it.
        confidence: Their mean probability; None without any.
        accuracy: The part of them that are right; None without any.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """Stated against true confidence.

    Attributes:
        error: Expected calibration error: the mean distance between the two, in [0, 1].
        interval: Its 95 % interval, bootstrapped by group; None with few groups. Less the bias of
            the resamples: chance alone makes their error larger than that of the whole.
        bins: From low to high probability.
    """

    error: float
    interval: Interval | None
    bins: tuple[Bin, ...]

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        values: dict[str, Any] = rounded(asdict(self))
        return values


def measure_reliability(
    probabilities: FloatArray, targets: npt.NDArray[np.intp], groups: Sequence[str]
) -> Reliability:
    """Compare the answers' probabilities with how often they are right.

    Args:
        probabilities: float32, (pictures, classes), at least one picture.
        targets: int, (pictures,), class numbers.
        groups: The group of each picture.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == targets).astype(np.float64)
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    inside = (place[:, np.newaxis] == np.arange(BINS)).astype(np.float64)
    sums = np.stack([inside, inside * confidence[:, None], inside * right[:, None]], axis=-1)
    resamples = resample_groups(groups)
    whole = sums.sum(axis=0)
    error, drawn = float(_error(whole)), _error(resamples.totals(sums))
    unbiased = np.maximum(drawn - (np.median(drawn) - error), 0)
    return Reliability(
        error,
        interval(unbiased, resamples.groups),
        tuple(_bin(number, *row) for number, row in enumerate(whole)),
    )


def _error(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums (..., bins, 3) of count, confidence and right answers to the expected error."""
    gaps = np.abs(sums[..., 1] - sums[..., 2]).sum(axis=-1)
    return np.asarray(gaps / sums[..., 0].sum(axis=-1))


def _bin(number: int, count: float, confidence: float, right: float) -> Bin:
    ends = number / BINS, (number + 1) / BINS
    if not count:
        return Bin(*ends, 0, None, None)
    return Bin(*ends, int(count), float(confidence / count), float(right / count))
