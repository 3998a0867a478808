"""Measured figures stand in the documents between marks, where scripts can put them."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def quoting() -> ModuleType:
    path = ROOT / "benchmarks" / "quoting.py"
    spec = importlib.util.spec_from_file_location("quoting", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_what_is_between_the_marks_is_replaced(quoting: ModuleType, tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("a\n<!-- load: begin -->\nold\n<!-- load: end -->\nz\n")
    for _ in range(2):
        quoting.quote("\nnew\n\n", document, name="load")
        assert document.read_text() == "a\n<!-- load: begin -->\nnew\n<!-- load: end -->\nz\n"


def test_a_document_without_marks_is_left_alone(quoting: ModuleType, tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("<!-- load: begin -->\n")
    with pytest.raises(SystemExit, match="has no"):
        quoting.quote("new", document, name="load")
    assert document.read_text() == "<!-- load: begin -->\n"


@pytest.mark.parametrize("script", ["bulk_cost", "serving_load", "serving_footprint", "ui_memory"])
def test_every_measurement_has_its_place(script: str) -> None:
    text = (ROOT / "benchmarks" / f"{script}.py").read_text()
    found = re.search(r'ROOT / "docs" / "([\w.-]+)", name="(\w+)"', text)
    assert found is not None
    document = (ROOT / "docs" / found[1]).read_text()
    assert f"<!-- {found[2]}: begin -->" in document
    assert f"<!-- {found[2]}: end -->" in document
