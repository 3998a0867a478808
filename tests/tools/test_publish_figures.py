"""No figure in the README, MODEL_CARD.md or the card differs from the run's evaluation."""

import importlib.util
import json
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


def test_the_model_card_is_what_the_tool_writes(tool: ModuleType) -> None:
    assert tool.MODEL_CARD.read_text() == tool.model_card(tool.published())


def test_the_command_says_whether_the_checks_were_run(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for checks, ends in (({}, "--part validation"), ({"checks": {}}, "--checks")):
        file = tmp_path / "evaluation.json"
        file.write_text(json.dumps(checks))
        monkeypatch.setattr(tool, "EVALUATION", file)
        assert tool.published()["command"].endswith(ends)


def test_intervals_are_shown_where_they_are_known(tool: ModuleType) -> None:
    evaluation = tool.published()
    for scores in (evaluation["scores"], *evaluation["per_dataset"].values()):
        scores["intervals"] = {"accuracy": [0.111, 0.222]}
    assert "(0.111\N{EN DASH}0.222)" in tool.table(evaluation)


def test_a_changed_figure_would_be_seen(tool: ModuleType) -> None:
    evaluation = tool.published()
    evaluation["scores"]["accuracy"] = 0.123
    readme = tool.README.read_text()
    assert "0.123" in tool.filled(readme, evaluation)
    assert readme != tool.filled(readme, evaluation)
    assert "0.123" in tool.model_card(evaluation)
