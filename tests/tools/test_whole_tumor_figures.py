"""No figure of the model for whole tumors differs from what was measured."""

import json
from types import ModuleType

import pytest

from tumorlens.volume_outlining.card import read_volume_card
from tumorlens.volume_outlining.model import WHOLE_TUMOR_FOLDER

from .scripts import ROOT, load_script

RUN = ROOT / "runs" / "whole_tumor"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    pytest.importorskip("monai")
    return load_script("benchmarks/whole_tumor.py")


def test_the_page_is_what_the_benchmark_writes(benchmark: ModuleType) -> None:
    quotation = benchmark.QUOTATION
    page = quotation.docs.read_text(encoding="utf-8")
    found = json.loads(quotation.figures.read_text())
    assert page == quotation.filled(page, found)
    found["slice by slice, FLAIR"]["lgg"]["WT"]["dice"]["mean"] = 0.123
    assert page != quotation.filled(page, found)


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


def test_the_card_hides_no_path_and_names_its_limits() -> None:
    card = read_volume_card(WHOLE_TUMOR_FOLDER)
    assert card.training["network"]["weights"] == "imagenet"
    assert card.limitations
    assert "CC BY-NC-SA" in card.licence
