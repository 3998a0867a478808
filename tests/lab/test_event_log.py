"""The history for TensorBoard: what history.csv says, each epoch once, also of a continued run."""

import csv
import struct
import sys
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event
from typer.testing import CliRunner, Result

from tumorlens.cli import app
from tumorlens.lab.event_log import EventLog
from tumorlens.lab.history import EpochRecord

SMALL = """
name = "made"
[preparation]
size = 32
[network]
name = "custom_cnn"
[training]
epochs = 3
batch_size = 8
[data]
folds = 3
"""


def read_events(folder: Path) -> list[tuple[int, str, float]]:
    """(step, name, value) of each scalar in the event files: records of TensorFlow's format."""
    found = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        start = 0
        while start < len(data):
            (length,) = struct.unpack_from("<Q", data, start)
            event = Event.FromString(data[start + 12 : start + 12 + length])
            found += [(event.step, one.tag, one.simple_value) for one in event.summary.value]
            start += length + 16
    return found


def run_train(config: Path, data: Path, run: Path, *more: str) -> Result:
    arguments = ["train", str(config), "--data", str(data), "--run", str(run), *more]
    return CliRunner().invoke(app, arguments)


def test_a_continued_run_has_each_epoch_once_and_the_figures_of_its_history(
    class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, run = tmp_path / "made.toml", tmp_path / "run"
    config.write_text(SMALL)
    write = EventLog.write

    def killed(self: EventLog, history: list[EpochRecord]) -> None:
        """The second epoch is in the checkpoint, and its event was lost."""
        if len(history) == 2:
            raise KeyboardInterrupt
        write(self, history)

    monkeypatch.setattr(EventLog, "write", killed)
    assert run_train(config, class_folders, run, "--tensorboard").exit_code != 0
    assert {step for step, *_ in read_events(run / "tensorboard")} == {1}
    monkeypatch.setattr(EventLog, "write", write)
    done = run_train(config, class_folders, run, "--tensorboard")
    assert done.exit_code == 0, done.output
    with (run / "history.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in rows[0] if name not in ("epoch", "device")]
    expected = {(int(row["epoch"]), name): float(row[name]) for row in rows for name in names}
    events = read_events(run / "tensorboard")
    assert len(events) == len(expected) == 3 * len(names)
    assert {(step, name): value for step, name, value in events} == pytest.approx(expected)


def test_an_earlier_log_stays_until_there_is_something_to_write(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").mkdir()
    log = EventLog(tmp_path)
    assert (tmp_path / "tensorboard").is_dir()  # no record yet: the run may be refused
    log.close()
    assert not list((tmp_path / "tensorboard").iterdir())


def test_the_extra_is_named_where_it_is_absent(
    class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "made.toml"
    config.write_text(SMALL)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    done = run_train(config, class_folders, tmp_path / "run", "--tensorboard")
    assert done.exit_code != 0
    assert "tumorlens[tensorboard]" in done.stderr
    assert not (tmp_path / "run").exists()
