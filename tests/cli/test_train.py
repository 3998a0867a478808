import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tumorlens.cli import app

SMALL = """
name = "made"
[preparation]
size = 32
[training]
epochs = 1
batch_size = 8
[data]
folds = 3
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "made.toml"
    path.write_text(SMALL)
    return path


def test_a_config_and_a_folder_become_a_model(
    config: Path, class_folders: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    done = CliRunner().invoke(
        app,
        [
            *("train", str(config), "--data", str(class_folders), "--run", str(run)),
            *("--set", "training.learning_rate=0.002"),
        ],
    )
    assert done.exit_code == 0, done.output
    assert f"{run / 'model'}: accuracy" in done.stdout
    recorded = json.loads((run / "run.json").read_text())["config"]["training"]
    assert recorded["learning_rate"] == 0.002
    assert json.loads((run / "run.json").read_text())["config"]["data"]["groups"] == ""
    trained = (run / "split.csv").read_text().count(",training\n")
    assert len((run / "fingerprints.csv").read_text().splitlines()) == trained + 1
    scored = CliRunner().invoke(
        app,
        [
            *("evaluate", str(class_folders), "--model", str(run / "model"), "--json"),
            *("--split", str(run / "split.csv")),
        ],
    )
    assert scored.exit_code == 0, scored.output
    expected = json.loads((run / "evaluation.json").read_text())["scores"]
    assert json.loads(scored.stdout)["scores"] == expected


def test_pictures_in_no_class_are_told(config: Path, class_folders: Path, tmp_path: Path) -> None:
    root = tmp_path / "made"
    shutil.copytree(class_folders, root)
    shutil.copy(next(class_folders.rglob("*.png")), root / "beside.png")
    (root / "1.dcm").write_bytes(bytes(128) + b"DICM")
    (root / "classes.csv").write_text("image,class\nbeside.png,glioma\n")
    done = CliRunner().invoke(
        app,
        [
            *("train", str(config), "--data", str(root), "--run", str(tmp_path / "run")),
            *("--set", "data.split=absent.csv"),  # ends it once the pictures are read
        ],
    )
    assert done.exit_code == 1
    assert "absent.csv" in done.stderr
    said = done.stderr.replace("\n", "")
    assert f"in no class of a data set: 1 ({root / 'beside.png'})" in said
    assert f"list DICOM slices): 1 ({root / '1.dcm'})" in said
    assert f"columns are named path and label: 1 ({root / 'classes.csv'})" in said


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--set", "training.epoch=3"], 2, "training.epochs"),
        (["--weights", "absent.pth"], 2, "network.weights"),
        (["--data", "absent"], 1, "no such folder"),
    ],
)
def test_mistakes_are_plain_messages(
    config: Path, class_folders: Path, arguments: list[str], status: int, said: str
) -> None:
    run = config.parent / "run"
    command = ["train", str(config), "--data", str(class_folders), "--run", str(run)]
    done = CliRunner().invoke(app, command + arguments)
    assert done.exit_code == status
    assert said in done.stderr
    assert "Traceback" not in done.output
