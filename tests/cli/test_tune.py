"""``tumorlens tune``: trials on made-up heads."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tumorlens.cli import app
from tumorlens.lab.config import read_config
from tumorlens.lab.space import SPACE

SMALL = """
name = "made"
[preparation]
size = 32
[training]
epochs = 1
[data]
folds = 3
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "made.toml"
    path.write_text(SMALL)
    return path


def run_tune(config: Path, data: Path, output: Path, *more: str) -> Result:
    arguments = ["tune", str(config), "--data", str(data), "--output", str(output), *more]
    return CliRunner().invoke(app, arguments)


def test_the_best_trial_becomes_a_config_and_the_study_goes_on(
    config: Path, class_folders: Path, tmp_path: Path
) -> None:
    done = run_tune(config, class_folders, tmp_path, "--trials", "3")
    assert done.exit_code == 0, done.output
    best = read_config(tmp_path / "best.toml")
    assert best.name == "made_tuned"
    with (tmp_path / "trials.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [row["state"] for row in rows] == ["complete"] * 3
    lowest = min(rows, key=lambda row: float(row["validation_loss"]))
    assert best.training.learning_rate == pytest.approx(float(lowest["learning_rate"]))
    assert best.network.dropout == pytest.approx(float(lowest["dropout"]))
    assert set(SPACE) <= set(rows[0])
    for picture in ("history.png", "importance.png", "trial_0/curves.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.rglob("*.safetensors"))
    again = run_tune(config, class_folders, tmp_path, "--trials", "4")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "trial_3").is_dir()
    assert not (tmp_path / "trial_4").exists()
    other = run_tune(config, class_folders, tmp_path, "--set", "training.epochs=2")
    assert other.exit_code == 2
    assert "was begun with" in other.stderr


def test_only_what_is_named_is_tuned_and_poor_trials_are_dropped(
    config: Path, class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tumorlens.lab import tuning

    monkeypatch.setattr(tuning, "_STARTUP_TRIALS", 1)
    monkeypatch.setattr(tuning, "_WARMUP_EPOCHS", 0)
    rates = iter([1e-3, 1e-9, 1e-9, 1e-9])

    def worse(trial, _):
        rate = next(rates)
        trial.suggest_float("learning_rate", rate, rate)
        return {"training": {"learning_rate": rate}}

    monkeypatch.setitem(tuning.SPACE, "learning_rate", worse)
    done = run_tune(
        config,
        class_folders,
        tmp_path,
        *("--trials", "2", "--only", "learning_rate", "--set", "training.epochs=3"),
    )
    assert "dropped" in done.output
    with (tmp_path / "trials.csv").open() as lines:
        states = [row["state"] for row in csv.DictReader(lines)]
    assert states == ["complete", "pruned"]


def test_an_unknown_name_is_refused(config: Path, class_folders: Path, tmp_path: Path) -> None:
    done = run_tune(config, class_folders, tmp_path, "--only", "droput")
    assert done.exit_code == 2
    assert "Did you mean dropout?" in done.stderr
