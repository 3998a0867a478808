import numpy as np
import pytest

from tumorlens.calibration import bend, checked_curve

CURVE = ((0.0, 0.0), (0.5, 0.4), (0.9, 0.6), (1.0, 1.0))
ROWS = np.random.default_rng(0).dirichlet((0.5, 0.4, 0.3), 200).astype(np.float32)


def test_the_largest_probability_follows_the_curve() -> None:
    rows = np.array([[0.9, 0.07, 0.03], [0.05, 0.95, 0.0]], np.float32)
    bent = bend(rows, CURVE)
    np.testing.assert_allclose(bent, [[0.6, 0.28, 0.12], [0.2, 0.8, 0.0]], atol=1e-6)


def test_the_answer_stays_and_rows_sum_to_1() -> None:
    bent = bend(ROWS, ((0.0, 0.0), (1.0, 0.3)))
    np.testing.assert_array_equal(bent.argmax(axis=1), ROWS.argmax(axis=1))
    np.testing.assert_allclose(bent.sum(axis=1), 1, atol=1e-6)
    assert bent.dtype == np.float32
    assert bent.min() >= 0


def test_the_others_keep_their_proportions() -> None:
    bent, best = bend(ROWS, CURVE), ROWS.argmax(axis=1)
    for row, new, first in zip(ROWS, bent, best, strict=True):
        a, b = (number for number in range(3) if number != first)
        assert new[a] * row[b] == pytest.approx(new[b] * row[a], abs=1e-6)


def test_an_empty_or_a_straight_curve_changes_nothing() -> None:
    assert bend(ROWS, ()) is ROWS
    np.testing.assert_allclose(bend(ROWS, ((0.0, 0.0), (1.0, 1.0))), ROWS, atol=1e-6)


def test_certainty_stays_finite() -> None:
    sure = np.array([[1.0, 0.0, 0.0]], np.float32)
    np.testing.assert_allclose(bend(sure, CURVE), sure, atol=1e-6)


@pytest.mark.parametrize("pairs", [[[0.5]], [[0.5, 0.4], [0.4, 0.5]], [[0, 0], [1, 2]], [1, 2]])
def test_what_is_no_curve_is_refused(pairs: list[list[float]]) -> None:
    with pytest.raises((TypeError, ValueError)):
        checked_curve(pairs)


def test_a_curve_comes_back_from_lists() -> None:
    assert checked_curve([list(pair) for pair in CURVE]) == CURVE
