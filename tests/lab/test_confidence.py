"""Fitted on the tiny model, written into its folder, and applied by the runtime."""

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import CHANNELS, SIZE, write_tiny_model
from tests.lab.gate.test_gate import _examples
from tests.made_heads import draw_head
from tumorlens.card import read_card
from tumorlens.gate import GATE_FILE
from tumorlens.lab.confidence import Confidence, fit_confidence, write_confidence
from tumorlens.model import load_model
from tumorlens.prediction import Prediction, predict
from tumorlens.scan import Scan


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("confidence"))


@pytest.fixture(scope="module")
def confidence(folder: Path) -> Confidence:
    model = load_model(folder, threads=1)
    pictures = np.full((12, SIZE, SIZE), 255, np.uint8)
    return fit_confidence(
        model,
        *_examples(40, "made", 1),
        *_examples(60, "made", 2),
        others={"white": pictures},
    )


def test_what_is_written_is_what_the_runtime_applies(folder: Path, confidence: Confidence) -> None:
    card = write_confidence(folder, confidence)
    assert card == read_card(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", GATE_FILE, "model.onnx"]
    model = load_model(folder, threads=1)
    assert model.gate is not None
    assert model.gate.numbers.center.shape == (CHANNELS,)
    heads = [draw_head("no_tumor", seed=seed).astype(np.float32) for seed in range(3000, 3008)]
    answers = [predict(Scan(head, ""), model=model) for head in heads]
    assert sum(answer.accepted for answer in answers) >= 6
    assert all(answer.conformal_set[0] == answer.label for answer in answers)
    white = predict(Scan(np.eye(64, dtype=np.float32) * -1 + 1, ""), model=model)
    assert isinstance(white, Prediction)
    assert not white.accepted


def test_figures_are_of_groups_left_out(confidence: Confidence) -> None:
    assert confidence.calibration["groups"] == 60
    errors = [
        confidence.calibration[name]
        for name in ("expected_error", "expected_error_by_temperature_alone")
    ]
    assert 0 <= errors[0] <= errors[1] <= 1
    assert bool(confidence.curve) == (errors[0] < errors[1])
    measured = confidence.conformal.measured
    assert set(measured["coverage"]) == {"glioma", "no_tumor"}
    assert min(measured["coverage"].values()) > 0.8
    assert confidence.gate.measured["refused"]["white"] == 1
