import numpy as np
import pytest
from crepes import ConformalClassifier

from tumorlens.conformal import in_sets, shares
from tumorlens.lab.conformal import fit_conformal, fit_weights, measure_sets, threshold

NAMES = ("a", "b", "c")


def _answers(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Honest answers: each picture's class is drawn from its probabilities."""
    random = np.random.default_rng(seed)
    rows = random.dirichlet((0.4, 0.3, 0.2), count).astype(np.float32)
    return rows, np.array([random.choice(3, p=row / row.sum()) for row in rows.astype(float)])


def test_the_sets_are_those_of_crepes() -> None:
    rows, targets = _answers(400, seed=0)
    fresh, _ = _answers(200, seed=1)
    fitted = fit_conformal(rows, targets, NAMES, level=0.9)
    weights = list(fitted.weights.values())
    scores, new = 1 - shares(rows, weights), 1 - shares(fresh, weights)
    expected = np.zeros((200, 3), bool)
    for k in range(3):
        one = ConformalClassifier().fit(scores[targets == k, k])
        chances = one.predict_p(new[:, [k]], all_classes=True, smoothing=False)
        expected[:, k] = chances[:, 0] > 0.1
    expected[np.arange(200), fresh.argmax(axis=1)] = True
    np.testing.assert_array_equal(in_sets(fresh, NAMES, fitted), expected)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_fresh_pictures_of_every_class_are_covered(level: float) -> None:
    rows, targets = _answers(4000, seed=2)
    fresh, truth = _answers(4000, seed=3)
    fitted = fit_conformal(rows, targets, NAMES, level=level)
    measured = measure_sets(in_sets(fresh, NAMES, fitted), truth, NAMES)
    for coverage in measured["coverage"].values():
        assert coverage > level - 0.02
    assert 1 < measured["mean_size"] < 3


def test_the_threshold_is_the_right_order_statistic() -> None:
    right = np.arange(1, 100) / 100  # 99 pictures: (99 + 1) x 0.05 = the fifth smallest
    assert threshold(np.random.default_rng(0).permutation(right), 0.95) == pytest.approx(0.05)
    assert threshold(right[:18], 0.95) == 0  # too few for any promise
    assert threshold(right[:19], 0.95) == pytest.approx(0.01)
    assert threshold(np.zeros(0), 0.95) == 0


def test_weights_undo_a_lean_towards_a_class() -> None:
    rows, targets = _answers(4000, seed=4)
    leaning = (rows * [4.0, 1.0, 0.5]).astype(np.float32)
    leaning /= leaning.sum(axis=1, keepdims=True)
    weights = fit_weights(leaning, targets)
    np.testing.assert_allclose(weights / weights[1], [0.25, 1, 2], rtol=0.25)


def test_a_class_without_pictures_has_finite_weights_and_is_never_excluded() -> None:
    rows, targets = _answers(100, seed=5)
    targets[targets == 2] = 0
    fitted = fit_conformal(rows, targets, NAMES)
    assert np.isfinite(list(fitted.weights.values())).all()
    assert fitted.thresholds["c"] == 0
    assert "c" not in measure_sets(in_sets(rows, NAMES, fitted), targets, NAMES)["coverage"]
