"""``tumorlens quantize``, and the int8 graph on the command line's other verbs."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.conftest import head, write_picture
from tumorlens.card import read_card
from tumorlens.cli import app
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.splitting import Split, write_split


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def split(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    examples = load_examples(class_folders)
    numbers = range(len(examples))
    held = tuple(number for number in numbers if number % 3 == 0)
    path = tmp_path_factory.mktemp("split") / "split.csv"
    write_split(path, examples, Split(tuple(n for n in numbers if n not in held), held))
    return path


@pytest.fixture(scope="module")
def quantized(
    outlining_folder: Path,
    class_folders: Path,
    split: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("models") / "int8"
    done = run(
        "quantize", outlining_folder, "--data", class_folders.parent, "--split", split,
        "--pictures", 16, "--output", folder, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["pictures"] == 16
    assert told["calibrated_on"] == 16
    assert told["sha256"] == read_card(folder).int8.sha256  # type: ignore[union-attr]
    assert read_card(outlining_folder).int8 is None
    return folder


def test_it_tells_what_is_lost(
    quantized: Path, class_folders: Path, split: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(quantized, folder)
    words = ("quantize", folder, "--data", class_folders.parent, "--split", split)
    done = run(*words, "--output", folder)  # the same as without
    assert done.exit_code == 0, done.output
    assert "lost: " in done.stdout
    assert "--precision int8" in done.stdout


def test_figures_of_training_pictures_are_refused(
    outlining_folder: Path, class_folders: Path, split: Path, tmp_path: Path
) -> None:
    model = tmp_path / "run" / "model"
    shutil.copytree(outlining_folder, model)
    examples = load_examples(class_folders)
    numbers = range(len(examples))
    held = tuple(number for number in numbers if number % 3 == 1)
    other = Split(tuple(n for n in numbers if n not in held), held)
    write_split(tmp_path / "run" / "split.csv", examples, other)
    words = ("quantize", model, "--data", class_folders.parent, "--pictures", 16, "--split")
    done = run(*words, split)
    assert done.exit_code == 1
    assert "16 of 16 in its own training part" in done.stderr
    assert read_card(model).int8 is None
    done = run(*words, tmp_path / "run" / "split.csv")
    assert done.exit_code == 0, done.output


def test_predict_and_segment_answer_with_it(quantized: Path, tmp_path: Path) -> None:
    scan = write_picture(tmp_path / "scan.png", head(blob=120.0))
    card = read_card(quantized)
    options = ("--model", quantized, "--precision", "int8")
    answered = run("predict", scan, "--format", "jsonl", "--output", tmp_path / "report", *options)
    assert answered.exit_code == 0, answered.output
    told = json.loads(answered.stdout.splitlines()[0])
    assert told["model"]["sha256"] == card.int8.sha256  # type: ignore[union-attr]
    outlined = run("segment", scan, "--output", tmp_path / "outlines", "--json", *options)
    assert outlined.exit_code == 0, outlined.output
    assert (tmp_path / "outlines" / "scan.mask.png").is_file()


def test_a_model_without_int8_is_refused_in_words(model_folder: Path, tmp_path: Path) -> None:
    scan = write_picture(tmp_path / "scan.png", head(blob=120.0))
    refused = run("predict", scan, "--model", model_folder, "--precision", "int8")
    assert refused.exit_code == 2
    assert "tumorlens quantize" in refused.stderr
