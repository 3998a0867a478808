"""No figure in the README or the card differs from the run's evaluation."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tumorlens.card import read_card

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("publish", ROOT / "tools/publish_figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_is_what_the_tool_writes(tool: ModuleType) -> None:
    evaluation = tool.published()
    readme = tool.README.read_text()
    assert tool.BEGIN in readme
    assert readme == tool.filled(readme, evaluation)


def test_the_card_is_what_the_tool_writes(tool: ModuleType) -> None:
    evaluation = tool.published()
    assert dict(read_card(tool.MODEL).scores) == tool.card_scores(evaluation)


def test_a_changed_figure_would_be_seen(tool: ModuleType) -> None:
    evaluation = tool.published()
    evaluation["scores"]["accuracy"] = 0.123
    readme = tool.README.read_text()
    assert "0.123" in tool.filled(readme, evaluation)
    assert readme != tool.filled(readme, evaluation)
