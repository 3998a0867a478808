import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tumorlens.card import read_card
from tumorlens.cli import app
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.leaks import LEAKY, REPAIRED

SMALL = """
name = "made"
[preparation]
size = 32
[training]
epochs = 1
batch_size = 8
"""


@pytest.fixture
def arguments(class_folders: Path, tmp_path: Path) -> list[str]:
    """Training on a split whose training part holds a copy of a validation picture."""
    root = Path(shutil.copytree(class_folders, tmp_path / "made"))
    folder = root / "Training" / "glioma_tumor"
    shutil.copy(folder / "0.png", folder / "copy.png")
    rows = [
        (e.picture, e.label, e.picture, "validation" if e.path.stem in "0369" else "training")
        for e in load_examples(root)
    ]
    with (tmp_path / "official.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows([("picture", "label", "group", "part"), *rows])
    (tmp_path / "made.toml").write_text(SMALL)
    return [
        *("train", str(tmp_path / "made.toml"), "--data", str(root)),
        *("--run", str(tmp_path / "run"), "--set"),
        f"data.split={json.dumps((tmp_path / 'official.csv').as_posix())}",
    ]


def test_a_leak_is_refused_and_the_repaired_split_trains(
    arguments: list[str], tmp_path: Path
) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "made/Training/glioma_tumor/0.png with made/Training/glioma_tumor/copy.png" in (
        done.stderr
    )
    repaired = tmp_path / "run" / REPAIRED
    assert f'data.split="{repaired.as_posix()}"' in done.stderr
    again = [*arguments[:-1], f"data.split={json.dumps(repaired.as_posix())}"]
    done = CliRunner().invoke(app, again)
    assert done.exit_code == 0, done.output
    assert LEAKY not in done.stdout
    assert "split" not in read_card(tmp_path / "run" / "model").scores


def test_an_allowed_leak_is_named_beside_the_numbers(arguments: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*arguments, "--allow-leaks"])
    assert done.exit_code == 0, done.output
    assert done.stdout.count(f"({LEAKY})") == 2
    assert read_card(tmp_path / "run" / "model").scores["split"] == LEAKY
