from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tumorlens import serving
from tumorlens.cli import app
from tumorlens.model import Model, load_model


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the server was asked to do, in place of doing it."""
    told: dict[str, Any] = {}

    def serve(made: Any, **options: Any) -> None:
        told.update(options, app=made)

    for name in ("PORT", "AIP_HTTP_PORT", "TUMORLENS_PORT", "TUMORLENS_HOST", "TUMORLENS_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(serving, "serve", serve)
    monkeypatch.setattr(serving, "share_memory", lambda: None)
    return told


def _run(*words: object, **environment: str) -> Result:
    return CliRunner().invoke(app, ["serve", *map(str, words)], env=environment)


def test_options(asked: dict[str, Any], model_folder: Path) -> None:
    done = _run("--host", "0.0.0.0", "--port", 1234, "--model", model_folder)
    assert done.exit_code == 0, done.output
    assert (asked["host"], asked["port"]) == ("0.0.0.0", 1234)
    assert asked["app"].title == "tumorlens"


def test_only_this_machine_is_served_unless_told_otherwise(
    asked: dict[str, Any], model_folder: Path
) -> None:
    assert _run("--model", model_folder).exit_code == 0
    assert (asked["host"], asked["port"]) == ("127.0.0.1", 8000)


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({"PORT": "5000", "AIP_HTTP_PORT": "6000", "TUMORLENS_PORT": "7000"}, 5000),
        ({"AIP_HTTP_PORT": "6000", "TUMORLENS_PORT": "7000"}, 6000),
        ({"TUMORLENS_PORT": "7000"}, 7000),
    ],
)
def test_platforms_name_the_port(
    asked: dict[str, Any], model_folder: Path, environment: dict[str, str], port: int
) -> None:
    done = _run(TUMORLENS_MODEL=str(model_folder), TUMORLENS_HOST="0.0.0.0", **environment)
    assert done.exit_code == 0, done.output
    assert (asked["host"], asked["port"]) == ("0.0.0.0", port)


def test_settings_come_from_the_environment(asked: dict[str, Any], model_folder: Path) -> None:
    _run("--model", model_folder, TUMORLENS_MAX_FILES="3", AIP_PREDICT_ROUTE="/x/predict")
    assert asked["settings"].max_files == 3
    assert "/x/predict" in asked["app"].openapi()["paths"]


def test_memory_is_shared_before_the_model_is_loaded(
    asked: dict[str, Any], model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def load(*words: Any, **options: Any) -> Model:
        steps.append("load")
        return load_model(*words, **options)

    monkeypatch.setattr(serving, "share_memory", lambda: steps.append("share"))
    monkeypatch.setattr("tumorlens.model.load_model", load)
    assert _run("--model", model_folder).exit_code == 0
    assert steps == ["share", "load"]
    assert asked


def test_wrong_usage_is_2(asked: dict[str, Any], model_folder: Path, tmp_path: Path) -> None:
    for done in (
        _run("--model", tmp_path / "nowhere"),
        _run("--port", 99999),
        _run("--model", model_folder, TUMORLENS_WORKERS="many"),
    ):
        assert done.exit_code == 2
        assert "Traceback" not in done.output
    assert not asked
