from dataclasses import replace

import pytest

from tumorlens.model import Model
from tumorlens.prediction import Prediction, predict
from tumorlens.scan import Scan
from tumorlens.ui.verdict import read_verdict


@pytest.fixture
def answer(scan: Scan, model: Model) -> Prediction:
    found = predict(scan, model=model)
    assert isinstance(found, Prediction)
    return found


def test_an_answer_in_words(answer: Prediction) -> None:
    verdict = read_verdict(answer)
    best = answer.probabilities[answer.label]
    assert verdict.headline == f"{answer.label.replace('_', ' ')} · {best * 100:.1f} %"
    assert (verdict.refusal, verdict.classes, verdict.advice) == ("", (), "")


def test_several_classes_come_with_advice(answer: Prediction) -> None:
    verdict = read_verdict(replace(answer, conformal_set=("glioma", "no_tumor")))
    assert verdict.classes == ("glioma", "no tumor")
    assert verdict.advice == "refer to a radiologist"


def test_a_refusal_says_why_and_nothing_else(answer: Prediction) -> None:
    strange = replace(answer, accepted=False, reason="a \x1bknee", conformal_set=("glioma", "x"))
    verdict = read_verdict(strange)
    assert verdict.refusal == "a \\x1bknee"
    assert (verdict.classes, verdict.advice) == ((), "")


@pytest.mark.parametrize("accepted", [True, False])
def test_how_it_was_answered_is_told(answer: Prediction, accepted: bool) -> None:
    assert read_verdict(answer).how == ""
    told = read_verdict(replace(answer, skull_strip="radial", accepted=accepted))
    assert told.how.endswith("taken off by radial.")
    told = read_verdict(replace(answer, tta=True, accepted=accepted))
    assert "mirror image" in told.how
