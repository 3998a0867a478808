import numpy as np
import pytest
import torch

from tumorlens.lab.balancing import balanced_draws, class_weights, draw, draw_with_return


def test_rare_classes_weigh_more_and_the_mean_is_one() -> None:
    targets = [0] * 30 + [1] * 10
    weights = class_weights(targets, classes=2)
    assert weights[1] == 3 * weights[0]
    assert np.mean(weights[targets]) == 1


def test_a_class_without_examples_weighs_nothing() -> None:
    assert class_weights([0, 0, 2], classes=3)[1] == 0


def test_what_is_drawn_rarely_counts_little() -> None:
    weights = class_weights([0, 0, 1], classes=2, draws=np.array([0.5, 0.5, 1.0]))
    assert weights[0] == weights[1]


@pytest.mark.parametrize(("beta", "ratio"), [(0.0, 1.0), (0.5, 1.875 / 1.5), (0.9999, 2.0)])
def test_the_effective_number_lies_between_alike_and_the_frequency(
    beta: float, ratio: float
) -> None:
    targets = [0] * 4 + [1] * 2
    weights = class_weights(targets, classes=3, effective_number=beta)
    assert weights[1] / weights[0] == pytest.approx(ratio, rel=1e-3)
    assert np.mean(weights[targets]) == pytest.approx(1)
    assert weights[2] == 0


def test_balanced_draws_see_each_class_alike_and_keep_the_shares() -> None:
    targets = [0] * 90 + [1] * 10
    draws = np.array([1.0] * 89 + [0.5] + [1.0] * 10)
    balanced = balanced_draws(draws, targets)
    assert balanced[:90].sum() == pytest.approx(balanced[90:].sum())
    assert balanced.sum() == pytest.approx(draws.sum())
    assert balanced[89] == pytest.approx(balanced[0] / 2)
    np.testing.assert_allclose(class_weights(targets, classes=2, draws=balanced), 1)


def test_drawing_follows_the_draws() -> None:
    generator = torch.Generator().manual_seed(0)
    indices = np.arange(100, 300)
    half = draw(indices, np.full(200, 0.5), generator)
    assert len(set(half)) == len(half)
    assert 70 < len(half) < 130
    draws = np.array([1.75] * 100 + [0.25] * 100)
    drawn = draw_with_return(indices, draws, generator)
    assert len(drawn) == 200
    assert 150 < (drawn < 200).sum() < 200
