"""The model that ships: whole, and right about real scans of validation patients."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tumorlens import load_model, predict
from tumorlens.lab.config import read_config
from tumorlens.labels import CLASSES
from tumorlens.model import Model

ROOT = Path(__file__).parents[1]
RUN = ROOT / "runs" / "default"
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def test_the_card_is_complete(model: Model) -> None:
    card = model.card
    assert card.classes == CLASSES
    assert card.preparation == read_config(ROOT / "configs" / "default.toml").answering
    for text in (card.intended_use, card.licence, card.notice, card.created):
        assert text
    assert len(card.limitations) >= 3
    for entry in card.data.values():
        assert entry["source"]
        assert entry["licence"]
        assert entry["training"]["pictures"] > 0
        assert entry["validation"]["pictures"] > 0
    counts = {
        part: sum(entry[part]["pictures"] for entry in card.data.values())
        for part in ("training", "validation")
    }
    assert counts["training"] > 2 * counts["validation"]


def test_the_run_it_came_from_is_kept(model: Model) -> None:
    evaluation = json.loads((RUN / "evaluation.json").read_text())
    assert evaluation["model"]["sha256"] == model.card.sha256
    for name in ("run.json", "history.csv", "curves.png", "split.csv"):
        assert (RUN / name).is_file()


def test_no_group_was_on_both_sides() -> None:
    with (RUN / "split.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    sides = {
        part: {row["group"] for row in rows if row["part"] == part}
        for part in ("training", "validation")
    }
    assert len(sides["validation"]) > 100
    assert not sides["training"] & sides["validation"]


@pytest.mark.skipif(
    not (DATA / "cheng").is_dir(), reason="the real scans of ../shared/data are absent"
)
def test_it_names_the_tumors_of_validation_patients(model: Model) -> None:
    with (RUN / "split.csv").open(newline="") as lines:
        rows = [
            row
            for row in csv.DictReader(lines)
            if row["part"] == "validation" and row["picture"].startswith(("cheng/", "br35h/"))
        ]
    chosen = rows[:: max(1, len(rows) // 60)]
    right = [predict(DATA / row["picture"], model=model).label == row["label"] for row in chosen]
    assert np.mean(right) >= 0.8
