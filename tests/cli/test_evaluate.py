import html
import json
import os
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
from tumorlens.lab.splitting import LEAKY, Split, write_split
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


@pytest.fixture
def two_runs(class_folders: Path, model_folder: Path, tmp_path: Path) -> list[Path]:
    """Two run folders, of which each validates on a third that the other was trained on."""
    examples = load_examples(class_folders)
    runs = [tmp_path / name for name in ("one", "other")]
    for number, folder in enumerate(runs):
        shutil.copytree(model_folder, folder / "model")
        held = tuple(index for index in range(48) if index % 3 == number)
        rest = tuple(index for index in range(48) if index % 3 != number)
        write_split(folder / "split.csv", examples, Split(rest, held))
    return runs


def test_pictures_that_the_models_own_run_learnt_from_are_told(
    class_folders: Path, two_runs: list[Path], tmp_path: Path
) -> None:
    one, other = (str(folder) for folder in two_runs)
    words = [str(class_folders), "--model", f"{other}/model", "--json", "--split"]
    out = tmp_path / "out"
    status, stdout, stderr = run(*words, f"{one}/split.csv", "--output", str(out))
    assert status == 0
    assert "warning: 16 of 16 evaluated pictures (100.0%) are in the model's own" in stderr
    assert stderr.count("warning") == 1
    record = json.loads(stdout)
    assert record == json.loads((out / "evaluation.json").read_text())
    assert (record["split"], record["seen"]) == (LEAKY, {"count": 16, "of": 16, "share": 1.0})
    headings = re.findall(r"<h3>(.*?)</h3>", (out / "report.html").read_text())
    assert headings
    assert all(LEAKY in heading for heading in headings)
    status, stdout, stderr = run(*words, f"{other}/split.csv")
    assert (status, json.loads(stdout)["split"], stderr.strip()) == (0, None, "")
    assert "seen" not in json.loads(stdout)


def test_pictures_that_the_other_model_learnt_from_are_told(
    class_folders: Path, two_runs: list[Path]
) -> None:
    one, other = (str(folder) for folder in two_runs)
    status, stdout, stderr = run(
        str(class_folders), "--model", f"{one}/model", "--split", f"{one}/split.csv",
        "--against", f"{other}/model", "--json",
    )  # fmt: skip
    assert status == 0
    assert "(100.0%) are in the other model's own training part" in stderr
    record = json.loads(stdout)
    assert record["split"] is None
    against = record["comparison"]["against"]
    assert (against["split"], against["seen"]["count"]) == (LEAKY, 16)


def test_without_a_split_the_models_own_tells_how_many_were_seen(
    class_folders: Path, two_runs: list[Path], tmp_path: Path
) -> None:
    renamed = shutil.copytree(class_folders, tmp_path / "renamed")
    model = str(two_runs[0] / "model")
    status, stdout, stderr = run(str(class_folders), "--model", model, "--json")
    assert status == 0
    assert json.loads(stdout)["seen"]["count"] >= 32
    assert "are in the model's own training part" in stderr
    status, _, stderr = run(str(renamed), "--model", model, "--json")  # it kept no fingerprints
    assert (status, stderr.strip()) == (0, "")


def test_a_known_data_set_is_recognised_in_any_folder(
    class_folders: Path, model_folder: Path, tmp_path: Path
) -> None:
    model, data = tmp_path / "model", tmp_path / "archive"
    shutil.copytree(model_folder, model)
    write_card(model, replace(read_card(model), data={"sartaj": {}}))
    for number, picture in enumerate(sorted(class_folders.rglob("*.png"))):
        half = "Training" if number % 2 else "Testing"
        target = data / half / picture.parent.name / f"image ({number}).png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, target)
    for place in (data, data.parent):
        status, _, stderr = run(str(place), "--model", str(model))
        assert status == 0
        assert "warning: the model was trained on pictures of sartaj" in stderr


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


def test_files_named_in_another_encoding_stand_in_the_report(
    class_folders: Path, model_folder: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(class_folders, tmp_path / "made")
    try:
        for picture in list(data.rglob("*.png")):
            picture.rename(picture.parent / os.fsdecode(b"caf\xe9 " + os.fsencode(picture.name)))
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    out = tmp_path / "out"
    status, _, stderr = run(str(data), "--model", str(model_folder), "--output", str(out))
    assert status == 0, stderr
    assert "caf\\udce9 " in (out / "report.html").read_text()
