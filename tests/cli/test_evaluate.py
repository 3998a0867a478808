import html
import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.lab.evaluation.made_set import write_patient
from tumorlens.card import read_card, write_card
from tumorlens.cli import app
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.evaluation.answers import answer_pictures
from tumorlens.lab.evaluation.wording import figure
from tumorlens.lab.pictures import load_pictures
from tumorlens.model import load_model


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
        "answers.csv",
        "report.html",
        "confusion.png",
        "roc.png",
    }


def test_the_report_is_one_page_that_needs_nothing_else(
    class_folders: Path, model_folder: Path, tmp_path: Path
) -> None:
    status, _, _ = run(str(class_folders), "--model", str(model_folder), "--output", str(tmp_path))
    assert status == 0
    page = (tmp_path / "report.html").read_text()
    record = json.loads((tmp_path / "evaluation.json").read_text())
    assert not re.search(r"(src|href)=.(?!data:)", page)
    assert "<script" not in page
    assert page.count("data:image/png;base64,") >= 4
    assert page.count("data:image/jpeg;base64,") == 2 * len(record["mistakes"]) > 0
    assert figure(record["scores"]["accuracy"], record["scores"]["intervals"]["accuracy"]) in page
    assert "Not measured: give --checks" in page


def test_two_models_are_compared(class_folders: Path, model_folder: Path, tmp_path: Path) -> None:
    status, stdout, _ = run(
        str(class_folders), "--model", str(model_folder), "--against", str(model_folder),
        "--json",
    )  # fmt: skip
    assert status == 0
    comparison = json.loads(stdout)["comparison"]
    assert comparison["count"] == 48
    assert comparison["mcnemar_p"] == 1.0
    assert comparison["differences"]["accuracy"]["difference"] == 0.0


def test_tta_is_told_in_the_command_and_compared_with_the_plain_model(
    class_folders: Path, model_folder: Path
) -> None:
    status, stdout, _ = run(
        str(class_folders), "--model", str(model_folder), "--against", str(model_folder), "--tta",
        "--json",
    )  # fmt: skip
    assert status == 0
    record = json.loads(stdout)
    assert record["command"].endswith("--tta")
    assert (record["tta"], record["comparison"]["against"]["tta"]) == (True, False)
    model = load_model(model_folder)
    examples = load_examples(class_folders)
    pixels = load_pictures(examples, model.card.preparation).pixels
    answers = answer_pictures(model.with_tta(), pixels)
    right = [
        model.card.classes[answer] == example.label
        for answer, example in zip(answers.argmax(axis=1), examples, strict=True)
    ]
    assert record["scores"]["accuracy"] == pytest.approx(sum(right) / len(right), abs=1e-6)


def test_the_command_in_the_report_gives_the_same_again(
    class_folders: Path, model_folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "another model"
    shutil.copytree(model_folder, other)
    out = tmp_path / "out"
    status, _, _ = run(
        str(class_folders), "--model", str(other), "--against", str(model_folder), "--tta",
        "--skull-strip", "radial", "--checks", "--output", str(out),
    )  # fmt: skip
    assert status == 0
    record = json.loads((out / "evaluation.json").read_text())
    program, verb, place, *words = shlex.split(record["command"])
    assert (program, verb, place) == ("tumorlens", "evaluate", class_folders.name)
    assert record["command"] in html.unescape((out / "report.html").read_text())
    status, stdout, _ = run(str(class_folders), *words, "--json")
    assert status == 0
    again = json.loads(stdout)
    assert again.keys() == record.keys() >= {"comparison", "checks"}
    assert again == record


def test_the_checks_are_named_in_the_command_and_the_tables(
    class_folders: Path, model_folder: Path, tmp_path: Path
) -> None:
    status, stdout, _ = run(str(class_folders), "--model", str(model_folder), "--checks")
    assert status == 0
    assert "Without the brain" in stdout
    out = tmp_path / "out"
    run(str(class_folders), "--model", str(model_folder), "--checks", "--output", str(out))
    record = json.loads((out / "evaluation.json").read_text())
    assert record["command"].endswith("--checks")
    assert record["checks"]["surroundings"]
    assert "The data held nothing to measure: Slices with" in (out / "report.html").read_text()


def test_a_mask_of_another_size_is_refused_before_anything_is_answered(
    model_folder: Path, tmp_path: Path
) -> None:
    write_patient(tmp_path / "slices" / "pat0001", 1)
    Image.new("L", (32, 32), 4).save(tmp_path / "slices" / "pat0001" / "seg_001.png")
    out = tmp_path / "out"
    status, _, stderr = run(
        str(tmp_path / "slices"), "--model", str(model_folder), "--output", str(out)
    )
    assert status == 1
    assert "slices/pat0001/flair_001.jpg" in stderr
    assert "32 x 32" in stderr
    assert not out.exists()


@pytest.mark.parametrize("part", ["nonsense", "training", "validation"])
def test_a_part_without_a_split_is_refused(part: str, class_folders: Path) -> None:
    status, stdout, stderr = run(str(class_folders), "--part", part)
    assert (status, stdout) == (2, "")
    assert "--part goes with --split" in stderr


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


def test_pictures_in_no_class_are_told(
    class_folders: Path, model_folder: Path, tmp_path: Path
) -> None:
    root = tmp_path / "made"
    shutil.copytree(class_folders, root)
    shutil.copy(next(class_folders.rglob("*.png")), root / "beside.png")
    for data, told in ((root, True), (class_folders, False)):
        status, stdout, stderr = run(str(data), "--model", str(model_folder), "--json")
        assert status == 0
        assert json.loads(stdout)["scores"]["count"] == 48
        assert (f"in no class of a data set: 1 ({root / 'beside.png'})" in stderr) == told


def test_a_warning_where_there_is_one_class_only(
    class_folders: Path, model_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "healthy" / "no"
    folder.mkdir(parents=True)
    for source in (class_folders / "Training" / "no_tumor").iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    status, stdout, stderr = run(str(folder.parent), "--model", str(model_folder))
    assert status == 0
    assert "all pictures are no_tumor" in stderr
    assert "specificity" in stdout
