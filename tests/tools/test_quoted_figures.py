"""Tables in the docs are those that the benchmarks on a split measured."""

import json

import pytest

from tumorlens.model import load_model

from .scripts import load_script

QUOTED = ("few_scans", "slice_sequence", "volume_slices", "whole_tumor")


@pytest.mark.parametrize("name", QUOTED)
def test_the_page_is_what_the_benchmark_writes(name: str) -> None:
    pytest.importorskip("monai")
    quotation = load_script(f"benchmarks/{name}.py").QUOTATION
    page = quotation.docs.read_text(encoding="utf-8")
    kept = quotation.figures.read_text(encoding="utf-8")
    assert page == quotation.filled(page, json.loads(kept))
    assert page != quotation.filled(page, json.loads(kept.replace("0.9", "0.1")))


@pytest.mark.parametrize("name", ["slice_sequence", "volume_slices"])
def test_they_are_of_the_bundled_model(name: str) -> None:
    pytest.importorskip("monai")
    figures = load_script(f"benchmarks/{name}.py").QUOTATION.figures
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["model"]["sha256"] == load_model().card.sha256
