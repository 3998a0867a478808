import numpy as np
import pytest

from tumorlens.lab.evaluation.reliability import BINS, measure_reliability


def answers(sure: list[float], right: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    rows = np.array([[one, 1 - one] for one in sure], np.float32)
    return rows, np.array([0 if one else 1 for one in right])


def test_error_counted_by_hand() -> None:
    rows, targets = answers([0.9, 0.9, 0.6, 0.6], [True, False, True, True])
    found = measure_reliability(rows, targets, list("abcd"))
    assert found.error == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)
    filled = [one for one in found.bins if one.count]
    assert [(one.count, one.accuracy) for one in filled] == [(2, 1.0), (2, 0.5)]
    assert len(found.bins) == BINS
    assert found.interval is None


def test_answers_as_sure_as_right_have_no_error() -> None:
    random = np.random.default_rng(0)
    sure = random.uniform(0.5, 1, 4000)
    rows, targets = answers(sure.tolist(), (random.random(4000) < sure).tolist())
    groups = [str(number) for number in range(4000)]
    found = measure_reliability(rows, targets, groups)
    assert found.error < 0.03
    assert found.interval is not None
    assert found.interval[0] <= found.error <= found.interval[1]
    boastful = measure_reliability(np.array([[0.99, 0.01]] * 4000, np.float32), targets, groups)
    assert boastful.interval is not None
    assert boastful.interval[0] > 0.2


def test_certainty_falls_into_the_last_bin() -> None:
    rows, targets = answers([1.0], [True])
    assert measure_reliability(rows, targets, ["a"]).bins[-1].count == 1
