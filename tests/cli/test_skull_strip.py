import csv
import io
import json
import re
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.made_cases import made_head, save_case, write_volume_model
from tests.preparation.made_skulls import skull
from tumorlens.card import read_card
from tumorlens.cli import app
from tumorlens.model import Model, load_model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.preparation import SKULL_STRIPPERS, strip_skull
from tumorlens.reading import read_scan
from tumorlens.reading.own_files import RECORD


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "200"})
    return result.exit_code, re.sub(r"\s+", " ", result.output)


@pytest.fixture
def slice_path(tmp_path: Path) -> Path:
    pixels = np.clip(skull()[0] / 2, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "slice.png")
    return tmp_path / "slice.png"


@pytest.fixture
def volume_path(tmp_path: Path) -> Path:
    voxels = np.stack([skull(seed=index)[0] for index in range(4)], axis=-1)
    image = nibabel.Nifti1Image(voxels.astype(np.int16), np.diag([1, 1, 5, 1]))
    nibabel.save(image, tmp_path / "volume.nii.gz")
    return tmp_path / "volume.nii.gz"


@pytest.mark.parametrize("verb", ["predict", "segment", "evaluate", "train"])
def test_every_verb_names_every_method(verb: str) -> None:
    _, said = run(verb, "--help")
    for name in (*SKULL_STRIPPERS, "'tumorlens[skullstrip]'", "[default: as the"):
        assert name in said


def test_predict_answers_what_is_left(
    slice_path: Path, volume_path: Path, model: Model, model_folder: Path
) -> None:
    for path in (slice_path, volume_path):
        words = ("predict", path, "-m", model_folder, "-f", "jsonl")
        plain, stripped = (json.loads(run(*words, *more)[1]) for more in ((), _RADIAL))
        assert plain["probabilities"] != stripped["probabilities"]
    scan = read_scan(slice_path)
    expected = predict(strip_skull(scan, "radial"), model=model)
    found = json.loads(run("predict", slice_path, "-m", model_folder, "-f", "jsonl", *_RADIAL)[1])
    assert found["probabilities"] == pytest.approx(dict(expected.probabilities))


_RADIAL = ("--skull-strip", "radial")


def test_every_answer_says_it(
    slice_path: Path, volume_path: Path, model_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for wanted, more in (("radial", _RADIAL), (None, ())):
        words = ("predict", slice_path, volume_path, "-m", model_folder, *more)
        lines = CliRunner().invoke(app, [*map(str, words), "-f", "jsonl"]).stdout.splitlines()
        assert [json.loads(line)["skull_strip"] for line in lines] == [wanted] * 2
        run(*words, "-f", "csv", "-o", out)
        records = json.loads((out / "answers.json").read_text())
        assert [record["skull_strip"] for record in records] == [wanted] * 2
        rows = csv.DictReader(io.StringIO((out / "answers.csv").read_text()))
        assert [row["skull_strip"] for row in rows] == [wanted or ""] * 2
        page = (out / "index.html").read_text()
        assert page.count("without the skull, taken off by radial") == (2 if wanted else 0)


def test_every_outline_says_it(
    slice_path: Path, volume_path: Path, outlining_folder: Path, tmp_path: Path
) -> None:
    words = ("segment", slice_path, volume_path, "-m", outlining_folder, "-o", tmp_path / "out")
    for wanted, more in (("radial", _RADIAL), (None, ())):
        run(*words, *more)
        records = json.loads((tmp_path / "out" / "segments.json").read_text())
        assert [record["skull_strip"] for record in records] == [wanted] * 2


def test_slices_of_a_stripped_volume_say_it_too(
    volume_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tumorlens.preparation.hd_bet.find_brain", lambda volume: volume.voxels > 100
    )
    for method in ("hd-bet", "radial", None):
        found = predict(volume_path, model=model.with_skull_strip(method))
        assert isinstance(found, VolumePrediction)
        assert {found.skull_strip, *(one.answer.skull_strip for one in found.slices)} == {method}


def test_a_method_for_volumes_strips_before_the_slices_are_cut(
    volume_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tumorlens.preparation.hd_bet.find_brain", lambda volume: volume.voxels > 100
    )
    volume = read_scan(volume_path)
    found = predict(volume, model=model.with_skull_strip("hd-bet"))
    dark = np.where(volume.voxels > 100, volume.voxels, volume.voxels.min())
    volume.voxels[:] = dark
    assert found.probabilities == predict(volume, model=model).probabilities


def test_the_outline_lies_on_the_scans_own_grid(
    slice_path: Path, outlining_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, _ = run("segment", slice_path, "-o", out, "-m", outlining_folder, *_RADIAL)
    assert code == 0
    assert np.asarray(Image.open(out / "slice.mask.png")).shape == skull()[0].shape


def test_a_model_for_whole_heads_sees_the_brain_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = np.zeros((36, 40, 44), bool)
    found[:, :, :20] = True
    monkeypatch.setattr("tumorlens.volume_outlining.head.find_brain", lambda _scan, _by: found)
    case, model = save_case(tmp_path / "case", made_head()), write_volume_model(tmp_path / "model")
    outlines = {}
    for method in ("radial", "none"):
        out = tmp_path / method
        code, said = run("segment", case, "-o", out, "-m", model, "--skull-strip", method)
        assert code == 0, said
        (record,) = json.loads((out / RECORD).read_text())
        assert record["skull_strip"] == (None if method == "none" else method)
        outlines[method] = np.asarray(nibabel.load(out / record["mask"]).dataobj)
    assert outlines["none"][20:].any()
    assert not outlines["radial"][20:].any()
    code, said = run("segment", case, "-o", out, "-m", model, "--skull-strip", "scalpel")
    assert code == 2
    assert "hd-bet, brainextractor, radial" in said


def test_slices_that_only_volumes_can_be_stripped_of_are_refused_alone(
    slice_path: Path, model_folder: Path
) -> None:
    code, said = run("predict", slice_path, "-m", model_folder, "--skull-strip", "hd-bet")
    assert code == 1
    assert "a single slice" in said


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_wrong_methods_are_wrong_usage(
    verb: str, slice_path: Path, class_folders: Path, model_folder: Path
) -> None:
    what = slice_path if verb == "predict" else class_folders
    code, said = run(verb, what, "--model", model_folder, "--skull-strip", "scalpel")
    assert code == 2
    assert "hd-bet, brainextractor, radial" in said


def test_evaluate_strips_slices_only(class_folders: Path, model_folder: Path) -> None:
    words = ("evaluate", class_folders, "--model", model_folder)
    code, said = run(*words, "--skull-strip", "hd-bet")
    assert code == 2
    assert "slice by slice" in said
    code, said = run(*words, "--skull-strip", "radial", "--json")
    assert code == 0
    assert "--skull-strip radial" in said
    assert '"skull_strip": "radial"' in said


def test_the_report_of_an_evaluation_says_it(
    class_folders: Path, model_folder: Path, tmp_path: Path
) -> None:
    words = ("evaluate", class_folders, "--model", model_folder, "--output", tmp_path)
    for wanted, more in (("radial", _RADIAL), (None, ())):
        assert run(*words, *more)[0] == 0
        record = json.loads((tmp_path / "evaluation.json").read_text())
        assert record["skull_strip"] == wanted
        page = (tmp_path / "report.html").read_text()
        assert ("<dt>Skulls taken off by</dt><dd>radial</dd>" in page) == bool(wanted)


def test_a_model_keeps_its_method_and_none_leaves_the_skull_on(
    slice_path: Path, model_folder: Path, model: Model, tmp_path: Path
) -> None:
    folder = tmp_path / "stripping"
    folder.mkdir()
    for file in model_folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    card = json.loads((folder / "card.json").read_text())
    assert "skull_strip" not in card["preparation"]
    card["preparation"]["skull_strip"] = "radial"
    (folder / "card.json").write_text(json.dumps(card))
    assert read_card(folder).to_json()["preparation"]["skull_strip"] == "radial"
    scan = read_scan(slice_path)
    kept = predict(scan, model=load_model(folder))
    assert kept.probabilities == predict(scan, model=model.with_skull_strip("radial")).probabilities
    words = ("predict", slice_path, "-m", folder, "-f", "jsonl", "--skull-strip", "none")
    plain = json.loads(run(*words)[1])
    assert plain["probabilities"] == pytest.approx(dict(predict(scan, model=model).probabilities))


def test_a_card_with_an_unknown_method_is_refused(
    slice_path: Path, model_folder: Path, tmp_path: Path
) -> None:
    for file in model_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = (tmp_path / "card.json").read_text()
    card = json.loads(text)
    card["preparation"]["skull_strip"] = "scalpel"
    (tmp_path / "card.json").write_text(json.dumps(card))
    code, said = run("predict", slice_path, "-m", tmp_path)
    assert code == 2
    assert "scalpel" in said
