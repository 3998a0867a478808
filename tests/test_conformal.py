import numpy as np
import pytest

from tumorlens.conformal import Conformal, conformal_set, in_sets

NAMES = ("a", "b", "c")


def made(*thresholds: float, weights: tuple[float, ...] = (1.0, 1.0, 1.0)) -> Conformal:
    return Conformal(
        0.95, dict(zip(NAMES, thresholds, strict=True)), dict(zip(NAMES, weights, strict=True))
    )


def test_a_class_is_kept_at_its_own_threshold() -> None:
    probabilities = {"a": 0.5, "b": 0.3, "c": 0.2}
    assert conformal_set(probabilities, made(0.6, 0.3, 0.21)) == ("a", "b")
    assert conformal_set(probabilities, made(0.6, 0.31, 0.1)) == ("a", "c")


def test_the_most_probable_class_is_always_kept() -> None:
    assert conformal_set({"a": 0.2, "b": 0.7, "c": 0.1}, made(1, 1, 1)) == ("b",)


def test_nothing_is_known_without_thresholds() -> None:
    assert conformal_set({"a": 0.2, "b": 0.8}, None) == ()


def test_classes_are_matched_by_name_not_by_place() -> None:
    probabilities = {"c": 0.2, "b": 0.3, "a": 0.5}
    assert conformal_set(probabilities, made(0.6, 0.3, 0.21)) == ("a", "b")


def test_weights_change_the_shares() -> None:
    even = {"a": 0.6, "b": 0.3, "c": 0.1}
    assert conformal_set(even, made(0.5, 0.5, 0.5)) == ("a",)
    assert conformal_set(even, made(0.5, 0.5, 0.5, weights=(1, 4, 1))) == ("a", "b")


def test_many_pictures_give_the_sets_of_each_alone() -> None:
    rows = np.random.default_rng(0).dirichlet((1, 1, 1), 50).astype(np.float32)
    conformal = made(0.4, 0.2, 0.3, weights=(1, 2, 0.5))
    together = in_sets(rows, NAMES, conformal)
    for row, kept in zip(rows, together, strict=True):
        alone = conformal_set(dict(zip(NAMES, row.tolist(), strict=True)), conformal)
        assert set(alone) == {name for name, one in zip(NAMES, kept, strict=True) if one}


def test_json_and_back() -> None:
    conformal = made(0.4, 0.2, 0.3, weights=(1, 2, 0.5))
    assert Conformal.from_json(conformal.to_json(), classes=NAMES) == conformal


@pytest.mark.parametrize(
    "change", [{"level": 1.0}, {"level": "x"}, {"thresholds": {"a": 0.5}}, {"weights": {"a": 0}}]
)
def test_wrong_values_are_refused(change: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Conformal.from_json(made(0.1, 0.1, 0.1).to_json() | change, classes=NAMES)
