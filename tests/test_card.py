import json
from dataclasses import replace
from pathlib import Path

import pytest

from tumorlens.card import CARD_FILE, FORMAT_VERSION, Card, read_card, write_card
from tumorlens.conformal import Conformal
from tumorlens.errors import ModelCorruptError, ModelMissingError
from tumorlens.gate import CHECKS, GateCard
from tumorlens.labels import CLASSES
from tumorlens.model import DEFAULT_FOLDER
from tumorlens.notice import NOTICE
from tumorlens.preparation import Preparation

CARD = Card(
    name="größer",
    version="1.2.3",
    classes=CLASSES,
    preparation=Preparation(size=96, percentiles=(1.0, 99.0), margin=0.1),
    temperature=1.25,
    sha256="ab" * 32,
    network="tiny",
    limitations=("one", "two"),
    data={"cheng": {"patients": [1, 2]}},
    scores={"accuracy": 0.9},
)


def _write(folder: Path, **changes: object) -> None:
    values = {**CARD.to_json(), **changes}
    (folder / CARD_FILE).write_text(json.dumps(values), encoding="utf-8")


def test_written_card_reads_back_the_same(tmp_path: Path) -> None:
    write_card(tmp_path, CARD)
    assert read_card(tmp_path) == CARD
    assert [path.name for path in tmp_path.iterdir()] == [CARD_FILE]


def test_card_says_it_is_no_medical_device() -> None:
    assert CARD.to_json()["notice"] == NOTICE


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, None, "1"])
def test_other_format_version_is_refused(tmp_path: Path, version: object) -> None:
    _write(tmp_path, format_version=version)
    with pytest.raises(ModelCorruptError, match="format"):
        read_card(tmp_path)


def test_missing_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError) as caught:
        read_card(tmp_path / "nowhere")
    assert caught.value.source == str(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("inside", "remedy"),
    [("model/card.json", "/model."), ("configs/metadata.json", "import-bundle")],
)
def test_a_folder_with_a_model_of_another_kind_says_what_to_do(
    tmp_path: Path, inside: str, remedy: str
) -> None:
    (tmp_path / inside).parent.mkdir()
    (tmp_path / inside).write_text("{}")
    with pytest.raises(ModelMissingError, match=remedy):
        read_card(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"card"', "null", "\x00\x01"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / CARD_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ModelCorruptError):
        read_card(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / CARD_FILE).write_bytes(b"\xff\xfe{}")
    with pytest.raises(ModelCorruptError):
        read_card(tmp_path)


@pytest.mark.parametrize("field", ["name", "classes", "preparation", "temperature", "sha256"])
def test_absent_field_is_refused(tmp_path: Path, field: str) -> None:
    values = CARD.to_json()
    del values[field]
    (tmp_path / CARD_FILE).write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ModelCorruptError):
        read_card(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "blue"},
        {"temperature": "warm"},
        {"preparation": {"percentiles": [1, 99], "flavour": 1}},
        {"preparation": []},
        {"classes": 4},
        {"conformal": {"level": 0.95}},
        {"conformal": {"level": 2, "thresholds": {}, "weights": {}}},
        {"conformal": [1]},
        {"gate": {"sha256": "ab", "limits": {"distance": 1.0}}},
        {"gate": 7},
        {"curve": [[0.5, 0.4], [0.4, 0.5]]},
        {"curve": 3},
    ],
)
def test_wrong_field_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    _write(tmp_path, **changes)
    with pytest.raises(ModelCorruptError):
        read_card(tmp_path)


def test_card_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_card(tmp_path, CARD)
    with pytest.raises(TypeError):
        write_card(tmp_path, replace(CARD, scores={"accuracy": object()}))
    assert read_card(tmp_path) == CARD


def test_confidence_reads_back_the_same(tmp_path: Path) -> None:
    card = replace(
        CARD,
        curve=((0.0, 0.0), (0.7, 0.6), (1.0, 1.0)),
        calibration={"expected_error": 0.01},
        conformal=Conformal(
            0.95,
            dict.fromkeys(CLASSES, 0.2),
            dict.fromkeys(CLASSES, 1.0),
            {"coverage": dict.fromkeys(CLASSES, 0.96), "mean_size": 1.1},
        ),
        gate=GateCard("cd" * 32, dict.fromkeys(CHECKS, 2.0), {"refused": {"all": 0.98}}),
    )
    write_card(tmp_path, card)
    assert read_card(tmp_path) == card


def test_an_older_card_promises_nothing(tmp_path: Path) -> None:
    values = CARD.to_json()
    for name in ("calibration", "conformal", "gate"):
        del values[name]
    (tmp_path / CARD_FILE).write_text(json.dumps(values), encoding="utf-8")
    card = read_card(tmp_path)
    assert (card.calibration, card.conformal, card.gate) == ({}, None, None)


def test_the_digest_changes_with_whatever_decides_an_answer() -> None:
    stripped = replace(CARD, preparation=replace(CARD.preparation, skull_strip="radial"))
    others = [stripped, replace(CARD, temperature=2.0), replace(CARD)]
    assert len({CARD.digest, *(card.digest for card in others)}) == 3


def test_a_source_that_was_left_out_is_not_learnt_from() -> None:
    data = {
        "a": {"training": {"pictures": 3}},
        "b": {"training": {"pictures": 0}},
        "older": {"source": "through another model"},
    }
    card = replace(read_card(DEFAULT_FOLDER), data=data)
    assert card.learnt_from == ("a", "older")
