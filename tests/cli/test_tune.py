"""``tumorlens tune``: trials on made-up heads."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tumorlens.cli import app
from tumorlens.lab import tuning
from tumorlens.lab.config import Config, read_config
from tumorlens.lab.history import EpochRecord
from tumorlens.lab.networks import build_network
from tumorlens.lab.space import SPACE
from tumorlens.lab.training import Trained

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
    for picture in ("history.png", "importance.png", "made_trial_0/curves.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.rglob("*.safetensors"))
    again = run_tune(config, class_folders, tmp_path, "--trials", "4")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "made_trial_3").is_dir()
    assert not (tmp_path / "made_trial_4").exists()
    other = run_tune(config, class_folders, tmp_path, "--set", "training.epochs=2")
    assert other.exit_code == 2
    assert "was begun with" in other.stderr
    before = (tmp_path / "made_trial_0" / "history.csv").read_bytes()
    named = ("--trials", "1", "--set", "name=other", "--set", "training.batch_size=8")
    another = run_tune(config, class_folders, tmp_path, *named)  # as the error says
    assert another.exit_code == 0, another.output
    assert read_config(tmp_path / "best.toml").name == "other_tuned"
    assert (tmp_path / "other_trial_0" / "history.csv").is_file()
    assert (tmp_path / "made_trial_0" / "history.csv").read_bytes() == before


def test_a_study_goes_on_with_its_own_data_alone(
    config: Path, class_folders: Path, tmp_path: Path
) -> None:
    data, output = tmp_path / "made", tmp_path / "study"
    shutil.copytree(class_folders, data)
    arguments = ("--only", "dropout")
    begun = run_tune(config, data, output, "--trials", "1", *arguments)
    assert begun.exit_code == 0, begun.output
    moved = run_tune(config, class_folders, output, "--trials", "2", *arguments)
    assert moved.exit_code == 0, moved.output  # the same pictures elsewhere
    next(data.rglob("*.png")).unlink()
    other = run_tune(config, data, output, "--trials", "3", *arguments)
    assert other.exit_code == 1
    assert "that this study was begun with; found others" in other.stderr
    assert not (output / "made_trial_2").exists()


def test_a_study_whose_trials_all_diverge_ends_and_says_so(
    config: Path, class_folders: Path, tmp_path: Path
) -> None:
    settings = ("learning_rate=1e30", "warmup_epochs=0", "batch_size=8")
    wild = [word for setting in settings for word in ("--set", f"training.{setting}")]
    done = run_tune(config, class_folders, tmp_path, "--trials", "2", "--only", "dropout", *wild)
    assert done.exit_code == 1
    assert "trial 1: failed, NaN or infinity in epoch 1" in done.output
    assert "expected a trial that runs to its end; found 2 that" in done.stderr
    assert "Traceback" not in done.output


def test_only_what_is_named_is_tuned_and_poor_trials_are_dropped(
    config: Path, class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([0.6, 0.5, 9.0, 0.4])  # of each trial: the third is poor
    seen: list[int] = []

    def quick(chosen: Config, *_: object, on_epoch: Callable[[EpochRecord], None]) -> Trained:
        """Training that is over at once, with a loss that we know."""
        loss = next(losses)
        seen.append(0)
        history = []
        for epoch in range(1, 4):
            record = EpochRecord(epoch, 0.1, 1.0, 0.5, loss / epoch, 0.5, 0.5, 0.0)
            history.append(record)
            seen[-1] = epoch
            on_epoch(record)
        return Trained(build_network("custom_cnn", classes=4), tuple(history))

    monkeypatch.setattr(tuning, "train", quick)
    monkeypatch.setattr(tuning, "STARTUP_TRIALS", 1)
    arguments = ("--trials", "4", "--only", "dropout", "--set", "training.epochs=3")
    done = run_tune(config, class_folders, tmp_path, *arguments)
    assert done.exit_code == 0, done.output
    assert "trial 2: dropped" in done.output
    assert seen == [3, 3, tuning.WARMUP_EPOCHS + 1, 3]
    with (tmp_path / "trials.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [row["state"] for row in rows] == ["complete", "complete", "pruned", "complete"]
    assert set(rows[0]) == {"trial", "state", "validation_loss", "epochs", "dropout"}
    best = read_config(tmp_path / "best.toml")
    assert best.network.dropout == pytest.approx(float(rows[3]["dropout"]))
    assert best.training.learning_rate == read_config(config).training.learning_rate


@pytest.mark.parametrize("storage", ["given", "default", "address"])
def test_a_database_that_cannot_be_used_is_told(
    config: Path, class_folders: Path, tmp_path: Path, storage: str
) -> None:
    broken = tmp_path / ("study.db" if storage == "default" else "given.db")
    broken.write_bytes(b"of something else" * 100)
    address = {"given": f"sqlite:///{broken}", "default": "", "address": "given.db"}[storage]
    done = run_tune(config, class_folders, tmp_path, "--trials", "1", "--storage", address)
    assert done.exit_code == 2, done.output
    assert "tumorlens: " in done.stderr
    assert "database" in done.stderr
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_a_database_that_is_lost_in_a_trial_is_told(
    config: Path, class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quick(*_: object, on_epoch: Callable[[EpochRecord], None]) -> Trained:
        (tmp_path / "study.db").write_bytes(b"overwritten" * 10_000)
        on_epoch(EpochRecord(1, 0.1, 1.0, 0.5, 0.5, 0.5, 0.5, 0.0))
        raise AssertionError("the loss was kept")

    monkeypatch.setattr(tuning, "train", quick)
    done = run_tune(config, class_folders, tmp_path, "--trials", "1")
    assert done.exit_code == 2, done.output
    assert "expected a database that can hold the study" in done.stderr


def test_a_misspelt_share_is_refused_and_the_study_begins_once_it_is_corrected(
    config: Path, class_folders: Path, tmp_path: Path
) -> None:
    arguments = ("--trials", "1", "--only", "dropout", "--set")
    wrong = run_tune(config, class_folders, tmp_path, *arguments, "data.share={mad=0.9}")
    assert wrong.exit_code == 2
    assert "data.share: expected names of data sets, here made; found mad" in wrong.stderr
    right = run_tune(config, class_folders, tmp_path, *arguments, "data.share={made=0.9}")
    assert right.exit_code == 0, right.output
    again = run_tune(config, class_folders, tmp_path, *arguments, "data.share={made=0.8}")
    assert again.exit_code == 2
    assert "was begun with" in again.stderr


def test_an_unknown_name_is_refused(config: Path, class_folders: Path, tmp_path: Path) -> None:
    done = run_tune(config, class_folders, tmp_path, "--only", "droput")
    assert done.exit_code == 2
    assert "Did you mean dropout?" in done.stderr


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("training.loss=crossentropy", "Did you mean cross_entropy?"),
        ("network.weights=gone.pth", "no file"),
        ("network.frozen_stages=9", "at most 4"),
    ],
)
def test_a_study_is_not_held_to_settings_that_cannot_be_trained(
    config: Path, class_folders: Path, tmp_path: Path, setting: str, meant: str
) -> None:
    arguments = ("--trials", "1", "--only", "dropout")
    wrong = run_tune(config, class_folders, tmp_path, *arguments, "--set", setting)
    assert wrong.exit_code == 2
    assert meant in " ".join(wrong.stderr.split())
    right = run_tune(config, class_folders, tmp_path, *arguments)
    assert right.exit_code == 0, right.output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("name", ["best.toml", "trials.csv"])
def test_a_full_disk_leaves_what_an_earlier_search_found(
    config: Path, class_folders: Path, tmp_path: Path, name: str
) -> None:
    arguments = ("--only", "dropout", "--trials")
    assert run_tune(config, class_folders, tmp_path, *arguments, "1").exit_code == 0
    before = (tmp_path / name).read_bytes()
    (tmp_path / f"{name}.partial").symlink_to("/dev/full")
    full = run_tune(config, class_folders, tmp_path, *arguments, "2")
    assert full.exit_code == 2, full.output
    assert "No space left" in full.stderr
    assert (tmp_path / name).read_bytes() == before
