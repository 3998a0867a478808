import numpy as np

from tumorlens.lab.balancing import class_weights


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
