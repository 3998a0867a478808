import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import write_tiny_model
from tests.made_sequences import made_sequence, sequence_graph, write_sequence
from tumorlens.card import Card, read_card, write_card
from tumorlens.errors import ModelCorruptError, ModelMissingError
from tumorlens.model import load_model
from tumorlens.slice_sequence import SEQUENCE_FILE, SequenceCard, interleaving, log_odds


@pytest.mark.parametrize(
    ("count", "spacing_mm", "step"),
    [
        (24, 5.0, 1),
        (24, 6.5, 1),
        (155, 1.0, 5),
        (60, 2.5, 2),
        (3, 0.5, 3),
        (24, None, 1),
        (130, None, 5),
        (1, 1.0, 1),
    ],
)
def test_fine_slices_are_dealt_into_subsets(
    count: int, spacing_mm: float | None, step: int
) -> None:
    assert interleaving(count, spacing_mm, wanted_mm=5.0) == step


def test_each_subset_is_judged_by_itself(tmp_path: Path) -> None:
    sequence = made_sequence(tmp_path)
    tumor = np.array([0.1, 0.9, 0.2, 0.8, 0.3, 0.7], np.float32)
    found = sequence.judge(np.ones((6, 8), np.float32), tumor, spacing_mm=2.5)
    odds = log_odds(tumor)
    assert found.step == 2
    for start in range(2):
        part = odds[start::2]
        expected = 1 / (1 + np.exp(-(part + part.mean())))
        np.testing.assert_allclose(found.slices[start::2], expected, rtol=1e-5)
    head = (odds[::2].max() + odds[1::2].max()) / 2
    assert found.head == pytest.approx(1 / (1 + np.exp(-head)), rel=1e-5)


def test_certain_probabilities_have_finite_log_odds() -> None:
    odds = log_odds(np.array([0.0, 0.5, 1.0], np.float32))
    assert np.isfinite(odds).all()
    assert odds[0] == pytest.approx(-odds[2])
    assert odds[1] == pytest.approx(0)


def test_the_card_keeps_what_it_says_of_the_network() -> None:
    card = SequenceCard("ab", 5.0, ("axial",), {"epochs": 3}, {"patients": 2})
    assert SequenceCard.from_json(json.loads(json.dumps(card.to_json()))) == card
    with pytest.raises(ValueError, match="above 0"):
        SequenceCard.from_json(card.to_json() | {"spacing_mm": 0})


def with_sequence(folder: Path, graph: bytes | None = None) -> Card:
    write_tiny_model(folder)
    card = replace(read_card(folder), sequence=write_sequence(folder, graph))
    write_card(folder, card)
    return card


def test_a_model_folder_is_loaded_with_its_network(tmp_path: Path) -> None:
    card = with_sequence(tmp_path)
    model = load_model(tmp_path, threads=1)
    assert model.card == card
    assert model.sequence is not None
    assert model.sequence.card == card.sequence


def test_an_older_card_has_none(model_folder: Path, tmp_path: Path) -> None:
    values = json.loads((model_folder / "card.json").read_text())
    del values["sequence"]
    assert Card.from_json(values).sequence is None
    assert load_model(model_folder, threads=1).sequence is None


def test_a_broken_network_is_refused(tmp_path: Path) -> None:
    with_sequence(tmp_path)
    (tmp_path / SEQUENCE_FILE).write_bytes(b"other")
    with pytest.raises(ModelCorruptError, match="SHA-256"):
        load_model(tmp_path)
    (tmp_path / SEQUENCE_FILE).unlink()
    with pytest.raises(ModelMissingError, match=r"sequence\.onnx"):
        load_model(tmp_path)
    with_sequence(tmp_path, b"no graph")
    with pytest.raises(ModelCorruptError, match="an ONNX graph"):
        load_model(tmp_path)
    with_sequence(tmp_path, sequence_graph(output="other"))
    with pytest.raises(ModelCorruptError, match="inputs and outputs"):
        load_model(tmp_path)


def test_a_mistake_in_the_card_is_told(tmp_path: Path) -> None:
    values = with_sequence(tmp_path).to_json()
    del values["sequence"]["sha256"]
    with pytest.raises(ModelCorruptError):
        Card.from_json(values)
