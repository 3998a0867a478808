import pytest

from tumorlens.labels import CLASSES, NO_TUMOR, tumor_probability


def test_the_classes_are_the_four_in_their_order() -> None:
    assert CLASSES == ("glioma", "meningioma", "pituitary", "no_tumor")


def test_the_tumor_probability_is_what_is_not_no_tumor() -> None:
    assert tumor_probability({"glioma": 0.5, NO_TUMOR: 0.25, "pituitary": 0.25}) == 0.75
    assert tumor_probability({"glioma": 0.4, "meningioma": 0.6}) == pytest.approx(1)
