import numpy as np
import pytest
from scipy.special import softmax

from tumorlens.calibration import bend
from tumorlens.lab.calibration import KNOTS, calibration_error, fit_curve, fit_temperature


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_logits_is_found(true: float) -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (4000, 4))
    targets = np.array([rng.choice(4, p=row) for row in softmax(honest, axis=1)])
    found = fit_temperature((honest * true).astype(np.float32), targets)
    assert found == pytest.approx(true, rel=0.1)


@pytest.mark.parametrize("count", [1, 20])
def test_answers_that_are_all_right_are_not_made_certain(count: int) -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 4, count)
    logits = (np.eye(4)[targets] * rng.uniform(1, 3, (count, 1))).astype(np.float32)
    stated = softmax(logits / fit_temperature(logits, targets), axis=1).max(axis=1)
    assert stated.mean() == pytest.approx((count + 1) / (count + 2), abs=0.03)


def test_honest_answers_have_no_calibration_error_and_boasting_ones_have() -> None:
    rng = np.random.default_rng(1)
    honest = softmax(rng.normal(0, 2, (6000, 4)), axis=1)
    targets = np.array([rng.choice(4, p=row) for row in honest])
    assert calibration_error(honest.astype(np.float32), targets) < 0.02
    boasting = np.eye(4, dtype=np.float32)[honest.argmax(axis=1)]
    wrong = (honest.argmax(axis=1) != targets).mean()
    assert calibration_error(boasting, targets) == pytest.approx(wrong, abs=1e-6)


def test_the_calibration_error_of_two_bins_by_hand() -> None:
    rows = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]], np.float32)
    targets = np.array([0, 0, 0, 1])  # right: both of 0.9, one of 0.6
    assert calibration_error(rows, targets) == pytest.approx((0.1 * 2 + 0.1 * 2) / 4, abs=1e-6)


def _answers(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers that boast in the middle of their range, which no temperature can mend."""
    rng = np.random.default_rng(seed)
    stated = rng.uniform(0.5, 1, count)
    true = 0.5 + 2 * (stated - 0.5) ** 2
    rows = np.stack([stated, 1 - stated], axis=1).astype(np.float32)
    return rows, (rng.random(count) > true).astype(int)


def test_the_curve_mends_what_no_temperature_can() -> None:
    fitted = fit_curve(*_answers(4000, seed=0))
    rows, targets = _answers(4000, seed=1)
    before, after = calibration_error(rows, targets), calibration_error(bend(rows, fitted), targets)
    assert before > 0.05
    assert after < 0.03
    stated, found = np.transpose(fitted)
    assert (np.diff(stated) > 0).all()
    assert (np.diff(found) >= 0).all()
    assert fitted[0] == (0, 0)
    assert fitted[-1] == (1, 1)


def test_a_handful_of_pictures_gives_no_curve() -> None:
    assert fit_curve(*_answers(KNOTS - 1, seed=0)) == ()
