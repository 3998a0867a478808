import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.evaluation.made_set import made_split, write_data
from tumorlens.card import read_card
from tumorlens.lab.evaluation.measuring import measure
from tumorlens.lab.evaluation.model_card import known_failures, render_model_card
from tumorlens.lab.evaluation.parts import read_parts
from tumorlens.lab.evaluation.wording import figure
from tumorlens.model import load_model


@pytest.fixture(scope="module")
def record(
    tmp_path_factory: pytest.TempPathFactory, class_folders: Path, model_folder: Path
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("card")
    data = write_data(folder / "data", class_folders)
    parts = read_parts(data, split=made_split(folder / "split.csv"), part="validation")
    model = load_model(model_folder, threads=1)
    measured = measure(model, parts, data=data, grouped=True, checks=True)
    return dict(json.loads(json.dumps(measured.to_json(command="the command"))))


def test_it_says_what_the_files_say(record: dict[str, Any], model_folder: Path) -> None:
    text = render_model_card(read_card(model_folder).to_json(), record)
    for words in ("Intended use", "Known failures", "CLAIM 2024", "the command", "Only a test"):
        assert words in text
    assert figure(record["scores"]["accuracy"]) in text
    assert "Not measured: Slices" not in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    tables = text.split("\n\n")
    assert len(lines) > 60
    for table in tables:  # every line of a table has as many cells as its head
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1


def test_without_checks_it_says_so(record: dict[str, Any], model_folder: Path) -> None:
    bare = {key: value for key, value in record.items() if key != "checks"}
    assert "Not measured: Slices with" in render_model_card(read_card(model_folder).to_json(), bare)


def test_confidence_is_told_where_the_card_knows_it(
    record: dict[str, Any], model_folder: Path
) -> None:
    card = read_card(model_folder).to_json()
    assert "## Confidence" not in render_model_card(card | {"gate": None}, record)
    card |= {"gate": {"sha256": "x", "limits": {}, "measured": {"refused": {"brain_ct": 0.97}}}}
    text = render_model_card(card, record)
    assert "| refused / brain_ct | 0.970 |" in text
    leaky = render_model_card(card | {"scores": {"split": "leaky split"}}, record)
    assert "> The split of these figures: leaky split." in leaky


def test_failures_are_read_off_the_figures(record: dict[str, Any]) -> None:
    passing = json.loads(json.dumps(record))
    for one in passing["scores"]["per_class"].values():
        one["recall"] = 0.95
    passing["reliability"]["error"] = 0.01
    passing["checks"]["same_heads"] = [
        {"source": "x", "sequence": "t1", "auc": 0.95, "specificity_at_90": 0.85}
    ]
    passing["checks"]["painted_over"] = {
        "rows": [{"dataset": "x", "changed": 0.9, "changed_elsewhere": 0.01}]
    }
    passing["checks"]["surroundings"] = [{"shown": "outside", "dataset": "x", "auc": 0.55}]
    passing["checks"]["healthy"] = {"right": 0.99}
    assert list(known_failures(passing)) == []
    passing["checks"]["same_heads"][0]["specificity_at_90"] = 0.5
    passing["checks"]["painted_over"]["rows"][0]["changed"] = 0.2
    passing["checks"]["surroundings"][0]["auc"] = 0.9
    passing["checks"]["healthy"]["right"] = 0.8
    passing["reliability"]["error"] = 0.3
    found = " ".join(known_failures(passing))
    for words in ("0.500", "painted over", "without the brain", "healthy volumes", "0.300"):
        assert words in found


def test_figures_in_words() -> None:
    assert figure(None) == "-"
    assert figure(0.91234) == "0.912"
    assert figure(0.9, [0.8, 1.0]) == "0.900 (0.800\N{EN DASH}1.000)"
    assert figure(-0.00001, [-0.1, 0.1]) == "0.000 (-0.100 to 0.100)"


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ({}, ()),
        ({"method": "vote", "members": []}, ()),
        ({"network": {"weights": "imagenet"}, "training": {}}, ("First weights: imagenet",)),
        (
            {"network": {"weights": "none"}, "training": {"teachers": ["runs/a", "runs/b"]}},
            ("First weights: none", "the answers of: runs/a, runs/b"),
        ),
    ],
)
def test_it_says_what_the_model_learnt_from(
    training: dict[str, Any], told: tuple[str, ...], record: dict[str, Any], model_folder: Path
) -> None:
    card = read_card(model_folder).to_json() | {"training": training}
    text = render_model_card(card, record)
    assert all(words in text for words in told)
    assert ("First weights" in text, "the answers of" in text) == (len(told) > 0, len(told) > 1)
