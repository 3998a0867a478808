"""No figure of the model for whole tumors differs from what was measured."""

import csv
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tumorlens.model import WHOLE_TUMOR_FOLDER
from tumorlens.volume_outlining.card import read_volume_card

from .scripts import ROOT, load_script

RUN = ROOT / "runs" / "whole_tumor"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    pytest.importorskip("monai")
    return load_script("benchmarks/whole_tumor.py")


def test_the_card_has_the_scores_that_were_measured() -> None:
    card = read_volume_card(WHOLE_TUMOR_FOLDER)
    measured = json.loads((RUN / "scores.json").read_text())
    assert measured.pop("model") == {
        "name": card.name,
        "version": card.version,
        "sha256": card.sha256,
    }
    assert dict(card.scores) == measured
    assert set(measured["per_dataset"]) == {"brats", "brats2013_slices", "lgg"}


def test_the_scores_follow_from_those_of_each_head() -> None:
    measuring = pytest.importorskip("tumorlens.lab.volumes.measuring")
    patients = {row["case"]: row["patient"] for row in rows(RUN / "split.csv")}
    scores = [
        measuring.CaseScore(
            row["case"],
            patients[row["case"]],
            {"WT": float(row["dice_WT"])},
            {"WT": float(row["hd95_mm_WT"])},
            row["dataset"],
        )
        for row in rows(RUN / "scores.csv")
    ]
    measured = json.loads((RUN / "scores.json").read_text())
    found = measuring.summary(scores) | {"per_dataset": measuring.per_dataset(scores)}
    for here, there in zip(parts(found), parts(measured), strict=True):
        assert here["cases"] == there["cases"]
        for what, figures in here["WT"].items():
            for name, value in figures.items():  # those of the heads are rounded
                assert value == pytest.approx(there["WT"][what][name], abs=2e-4), (what, name)


def test_fewer_than_five_patients_have_no_interval() -> None:
    measured = json.loads((RUN / "scores.json").read_text())["per_dataset"]
    ways = json.loads((RUN / "ways.json").read_text())
    for datasets in (measured, *ways.values()):
        for name, found in datasets.items():
            for figures in found["WT"].values():
                assert (figures["interval"] is None) == (name != "lgg")


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def parts(scores: dict[str, Any]) -> list[dict[str, Any]]:
    return [scores, *(one for _, one in sorted(scores["per_dataset"].items()))]


def test_the_card_hides_no_path_and_names_its_limits() -> None:
    card = read_volume_card(WHOLE_TUMOR_FOLDER)
    assert card.training["network"]["weights"] == "imagenet"
    assert card.limitations
    assert "CC BY-NC-SA" in card.licence
