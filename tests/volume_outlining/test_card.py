import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.made_cases import CARD, write_volume_model
from tumorlens.card import kind_of
from tumorlens.errors import ModelCorruptError, ModelError
from tumorlens.model import load_model
from tumorlens.volume_outlining import VolumeCard, load_volume_model


def test_a_card_comes_back_as_it_was(tmp_path: Path) -> None:
    model = load_volume_model(write_volume_model(tmp_path))
    assert model.card.patch == CARD.patch
    assert model.card.sequences == CARD.sequences
    assert kind_of(tmp_path) == "outline_volume"


@pytest.mark.parametrize(
    "change",
    [
        {"sequences": ["t1", "t9"]},
        {"sequences": ["t1", "t1"]},
        {"regions": []},
        {"patch": [16, 16]},
        {"spacing_mm": [1, 1, 0]},
        {"axes": "LPP"},
        {"overlap": 1.0},
        {"format_version": 2},
        {"surprise": 1},
        {"scores": [0.9]},
        {"scores": {"WT": 0.9}},
        {"scores": {"WT": {"dice": {"mean": 0.9}}}},
        {"scores": {"WT": {"dice": {"mean": 0.9}, "hd95_mm": {"mean": "few"}}}},
        {"scores": {"WT": {"dice": {"mean": None}, "hd95_mm": {"mean": 3}}}},
        {"patch": [16, 16, 32]},
    ],
    ids=str,
)
def test_a_spoilt_card_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    write_volume_model(tmp_path)
    path = tmp_path / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelCorruptError):
        load_volume_model(tmp_path)


def test_scores_of_some_regions_and_of_other_names_are_let_be(tmp_path: Path) -> None:
    means = {"dice": {"mean": 0.9}, "hd95_mm": {"mean": 3}}
    unknown = {"dice": {"mean": 0.9}, "hd95_mm": {"mean": None}}
    scores = {"TC": means, "ET": unknown, "cases": 5, "said_by_the_bundle": {"mean_dice": 0.9}}
    model = load_volume_model(write_volume_model(tmp_path, replace(CARD, scores=scores)))
    assert model.card.scores == scores


def test_another_graph_is_refused(tmp_path: Path) -> None:
    write_volume_model(tmp_path)
    graph = tmp_path / "model.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    with pytest.raises(ModelCorruptError, match="SHA-256"):
        load_volume_model(tmp_path)


def test_kinds_of_models_are_told_apart(tmp_path: Path, model_folder: Path) -> None:
    with pytest.raises(ModelError, match="outlines volumes"):
        load_model(write_volume_model(tmp_path))
    with pytest.raises(ModelCorruptError, match="classify"):
        load_volume_model(model_folder)
    with pytest.raises(ModelCorruptError):
        VolumeCard.from_json({})
