"""The road of volumes from the command line: train, export, segment, import a bundle."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner

from tests.lab.volumes.made import made_download
from tests.lab.volumes.test_bundle import made_bundle
from tests.made_cases import (
    CARD,
    brats_cases,
    made_head,
    needs_brats,
    save_case,
    write_volume_model,
)
from tumorlens.cli import app

SMALL = """
task = "outline_volume"
name = "made"
[data]
folds = 2
spacing_mm = [3.0, 3.0, 3.0]
[network]
name = "unet"
filters = 4
[training]
epochs = 2
patch = [32, 32, 32]
"""


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(map(str, words)))
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "made.toml"
    path.write_text(SMALL)
    return path


@needs_brats
def test_the_whole_recipe_on_pieces_of_real_cases(config: Path, tmp_path: Path) -> None:
    """From files as downloaded to a label map on the grid of a case."""
    for case in brats_cases():
        _piece(case, tmp_path / "data" / case.name)
    folder = tmp_path / "run"
    words = ("train", config, "--data", tmp_path / "data", "--run", folder)
    code, told, _ = run(*words)
    assert code == 0
    assert "on 1 heads of the validation part" in told
    assert "WT: Dice" in told
    code, _, said = run(*words, "--set", "training.epochs=3")
    assert code == 1
    assert "other settings" in said
    names = {path.name for path in folder.iterdir()}
    assert {"run.json", "split.csv", "history.csv", "curves.png", "scores.csv", "model"} <= names
    card = json.loads((folder / "model" / "card.json").read_text())
    assert card["regions"] == ["WT", "TC", "ET"]
    assert (card["patch"], card["spacing_mm"]) == ([32, 32, 32], [3.0, 3.0, 3.0])
    with (folder / "scores.csv").open(newline="") as lines:
        heads = list(csv.DictReader(lines))
    assert card["scores"]["cases"] == len(heads) == 1
    for region in card["regions"]:
        for what in ("dice", "hd95_mm"):
            expected = float(heads[0][f"{what}_{region}"])
            assert card["scores"][region][what]["mean"] == pytest.approx(expected, abs=1e-4)
    words = ("evaluate", tmp_path / "data", "--model", folder / "model", "--json")
    code, told, _ = run(*words, "--split", folder / "split.csv", "--output", tmp_path / "scores")
    assert code == 0
    assert json.loads(told) == card["scores"]
    assert (tmp_path / "scores" / "scores.csv").read_bytes() == (folder / "scores.csv").read_bytes()
    one = brats_cases()[0].name
    output = tmp_path / "out"
    code, told, _ = run(
        "segment", tmp_path / "data" / one, "-m", folder / "model", "-o", output, "--json"
    )
    assert code == 0
    assert json.loads(told)[0]["model"]["sha256"] == card["sha256"]
    found = nibabel.load(output / f"{one}_seg.nii.gz")
    given = nibabel.load(tmp_path / "data" / one / f"{one}_flair.nii.gz")
    assert found.shape == given.shape
    np.testing.assert_allclose(found.affine, given.affine)


def test_a_run_begins_anew_without_the_case_that_could_not_be_used(
    config: Path, tmp_path: Path
) -> None:
    data = made_download(tmp_path / "data", 3)
    broken = next((data / "BraTS20_Training_003").glob("*flair*"))
    image = nibabel.load(broken)
    nibabel.save(nibabel.Nifti1Image(np.full(image.shape, np.nan), image.affine), broken)
    words = ("train", config, "--data", data, "--run", tmp_path / "run")
    code, _, said = run(*words, "--set", "training.epochs=1")
    assert code == 1
    assert "BraTS20_Training_003" in said
    shutil.rmtree(broken.parent)
    code, told, _ = run(*words, "--set", "training.epochs=1")
    assert code == 0
    assert "WT: Dice" in told


def _piece(case: Path, folder: Path) -> None:
    """96 mm around the tumor at 3 mm."""
    folder.mkdir(parents=True)
    seg = np.asarray(nibabel.load(case / f"{case.name}_seg.nii.gz").dataobj)
    start = np.clip(np.argwhere(seg > 0).mean(0).astype(int) - 48, 0, np.array(seg.shape) - 96)
    where = tuple(slice(int(place), int(place) + 96, 3) for place in start)
    for file in case.glob("*.nii.gz"):
        image = nibabel.load(file)
        voxels = np.asarray(image.dataobj)[where]
        affine = image.affine @ np.diag([3, 3, 3, 1])
        nibabel.save(nibabel.Nifti1Image(voxels, affine), folder / file.name)


def test_segment_prints_volumes_and_writes_a_page(tmp_path: Path) -> None:
    model = write_volume_model(tmp_path / "model")
    case = save_case(tmp_path / "case", made_head())
    code, told, said = run("segment", case, "--model", model, "--output", tmp_path / "out")
    assert code == 0
    assert "WT (ml)" in told
    assert "not a medical device" in said
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["case_planes.png", "case_seg.nii.gz", "index.html", "segments.json"]
    (case / "case_t1.nii.gz").unlink()
    code, _, said = run("segment", case, "--model", model, "--output", tmp_path / "out")
    assert code == 1
    assert "found no t1" in said


def test_predict_and_segment_leave_each_others_page_alone(
    tmp_path: Path, picture: Path, model_folder: Path
) -> None:
    model = write_volume_model(tmp_path / "model")
    case = save_case(tmp_path / "case", made_head())
    words = {
        "predict": ("predict", picture, "--model", model_folder),
        "segment": ("segment", case, "--model", model),
    }
    for first, second, found in (
        ("segment", "predict", "index.html without answers.json"),
        ("predict", "segment", "a report of answers in it"),
    ):
        out = tmp_path / first
        assert run(*words[first], "--output", out)[0] == 0
        before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
        code, _, said = run(*words[second], "--output", out)
        assert code == 2
        assert found in said
        assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
        assert run(*words[first], "--output", out)[0] == 0


@pytest.mark.parametrize("option", [("--dicom",), ("--precision", "int8")])
def test_options_of_other_models_are_wrong_usage(tmp_path: Path, option: tuple[str, ...]) -> None:
    model = write_volume_model(tmp_path / "model")
    code, _, said = run("segment", tmp_path, "-m", model, "-o", tmp_path / "out", *option)
    assert code == 2
    assert option[0] in said


def test_the_outline_of_a_case_is_not_written_over(tmp_path: Path, outlining_folder: Path) -> None:
    case = save_case(tmp_path / "case", made_head())
    before = (case / "case_seg.nii.gz").read_bytes()
    for model in (write_volume_model(tmp_path / "model"), outlining_folder):
        code, _, said = run("segment", case, "-m", model, "-o", case)
        assert code == 2
        assert "the folder of a case" in said
    assert (case / "case_seg.nii.gz").read_bytes() == before


def test_flips_are_for_volumes(tmp_path: Path, outlining_folder: Path) -> None:
    words = ("segment", tmp_path, "-m", outlining_folder, "-o", tmp_path / "out", "--flips")
    code, _, said = run(*words)
    assert code == 2
    assert "--flips" in said


def test_predict_says_what_a_model_for_volumes_is_for(tmp_path: Path, picture: Path) -> None:
    code, _, said = run("predict", picture, "--model", write_volume_model(tmp_path / "model"))
    assert code == 2
    assert "outlines volumes" in said


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--set", "training.epoch=3"], 2, "training.epochs"),
        (["--set", "network.name=unett"], 2, "Did you mean unet?"),
        (["--set", "task=outline_volumes"], 2, "Did you mean outline_volume?"),
        (["--weights", "imagenet"], 2, "--weights"),
        (["--skull-strip", "none", "--allow-leaks"], 2, "--skull-strip, --allow-leaks"),
        (["--data", "absent"], 1, "no such folder"),
        (["--set", "data.folds=9"], 1, "at least 9 patients"),
    ],
)
def test_mistakes_in_training_are_plain_messages(
    config: Path, tmp_path: Path, arguments: list[str], status: int, said: str
) -> None:
    data = made_download(tmp_path / "data")
    words = ["train", config, "--data", data, "--run", tmp_path / "run", *arguments]
    code, _, told = run(*words)
    assert code == status
    assert said in told
    assert "Traceback" not in told


def test_several_processes_are_refused_before_anything_is_written(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    data = made_download(tmp_path / "data")
    code, _, said = run("train", config, "--data", data, "--run", tmp_path / "run")
    assert code == 2
    assert "expected one process for a network on volumes; found 2" in said
    assert not (tmp_path / "run").exists()


def test_a_bundle_is_imported(tmp_path: Path) -> None:
    bundle = made_bundle(tmp_path / "bundle")
    code, told, _ = run("import-bundle", bundle, "--output", tmp_path / "model")
    assert code == 0
    assert "patch 32 x 32 x 32" in told
    code, _, said = run("import-bundle", tmp_path, "--output", tmp_path / "model")
    assert code == 2
    assert "metadata.json" in said


def test_evaluate_scores_labelled_cases(tmp_path: Path) -> None:
    data, model = made_download(tmp_path / "data"), write_volume_model(tmp_path / "model")
    code, told, _ = run("evaluate", data, "--model", model)
    assert code == 0
    assert "2 heads" in told
    assert "WT: Dice 0.99" in told or "WT: Dice 1.0" in told
    code, _, said = run("evaluate", data, "--model", model, "--split", tmp_path / "no.csv")
    assert code == 1
    assert "split.csv of a run on volumes" in said
    assert "warning" not in said
    for option in ("--checks", "--tta"):
        code, _, said = run("evaluate", data, "--model", model, option)
        assert (code, option in said) == (2, True)


@pytest.mark.parametrize(
    "known",
    [
        {"data": {"source": "made", "training": {"cases": 3, "datasets": ["data", "other"]}}},
        {"scores": {"per_dataset": {"data": {}, "other": {}}}},  # as cards were before
    ],
)
def test_a_warning_where_the_model_was_trained_on_the_heads(
    known: dict[str, object], tmp_path: Path
) -> None:
    data = made_download(tmp_path / "data", 1)
    model = write_volume_model(tmp_path / "model", replace(CARD, **known))
    code, told, said = run("evaluate", data, "--model", model, "--json")
    assert code == 0
    assert "warning: the model was trained on heads of data; without --split" in said
    assert json.loads(told)["cases"] == 1
    name = "BraTS20_Training_001"
    split = tmp_path / "split.csv"
    split.write_text(f"case,patient,part\n{name},{name},validation\n")
    code, _, said = run("evaluate", data, "--model", model, "--split", split)
    assert (code, "warning" in said) == (0, False)
    moved = data.rename(tmp_path / "elsewhere")
    code, _, said = run("evaluate", moved, "--model", model)
    assert (code, "warning" in said) == (0, False)


def test_heads_that_the_models_own_run_learnt_from_are_told(tmp_path: Path) -> None:
    data = made_download(tmp_path / "data", 1)
    model = write_volume_model(tmp_path / "run" / "model")
    name = "BraTS20_Training_001"
    for folder, part in ((tmp_path, "validation"), (tmp_path / "run", "training")):
        (folder / "split.csv").write_text(f"case,patient,part\n{name},{name},{part}\n")
    words = ("evaluate", data, "--model", model, "--json")
    for split in (("--split", tmp_path / "split.csv"), ()):
        code, told, said = run(*words, *split)
        assert code == 0
        assert "warning: 1 of 1 evaluated heads (100.0%) are in the model's own" in said
        assert json.loads(told)["seen"] == {"count": 1, "of": 1, "share": 1.0}
    own = ("--split", tmp_path / "run" / "split.csv", "--part", "training")
    code, told, said = run(*words, *own)
    assert (code, "warning" in said, "seen" in json.loads(told)) == (0, False, False)
