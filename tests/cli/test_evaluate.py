import json
from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner

from tumorlens.card import read_card, write_card
from tumorlens.cli import app


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["evaluate", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_tables_name_every_class_and_data_set(class_folders: Path, model_folder: Path) -> None:
    status, stdout, _ = run(str(class_folders), "--model", str(model_folder))
    assert status == 0
    for word in ("glioma", "meningioma", "pituitary", "no_tumor", "macro", "made", "specificity"):
        assert word in stdout


def test_json_and_files_agree(class_folders: Path, model_folder: Path, tmp_path: Path) -> None:
    status, stdout, _ = run(
        str(class_folders), "--model", str(model_folder), "--json", "--output", str(tmp_path)
    )
    assert status == 0
    assert json.loads(stdout) == json.loads((tmp_path / "evaluation.json").read_text())
    assert {path.name for path in tmp_path.iterdir()} == {
        "evaluation.json",
        "confusion.png",
        "roc.png",
    }


def test_mistakes_are_plain_messages(class_folders: Path, tmp_path: Path) -> None:
    status, _, stderr = run(str(class_folders), "--model", str(tmp_path))
    assert status == 2
    assert "card.json" in stderr
    status, _, stderr = run(str(tmp_path / "absent"))
    assert status in (1, 2)
    assert "Traceback" not in stderr


def test_a_warning_where_the_model_was_trained_on_the_data(
    class_folders: Path, model_folder: Path, tmp_path: Path
) -> None:
    card = read_card(model_folder)
    (tmp_path / "model.onnx").write_bytes((model_folder / "model.onnx").read_bytes())
    write_card(tmp_path, replace(card, data={"made": {}}))
    status, _, stderr = run(str(class_folders), "--model", str(tmp_path))
    assert status == 0
    assert "trained on pictures of made" in stderr
