"""``tumorlens ensemble``: runs in, one model folder out."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner, Result

from tumorlens.card import Card, read_card
from tumorlens.cli import app
from tumorlens.lab import joining
from tumorlens.lab.config import parse_config
from tumorlens.lab.finished import finished_network
from tumorlens.lab.run import run_training
from tumorlens.labels import CLASSES
from tumorlens.model import load_model
from tumorlens.prediction import predict

FILLED = parse_config(
    {
        "name": "filled",
        "preparation": {"size": 32},
        "network": {"name": "custom_cnn"},
        "training": {"epochs": 2, "batch_size": 8, "cycles": 2, "smote": True},
        "data": {"folds": 3},
    }
)
PICTURES = np.random.default_rng(0).random((2, 1, 32, 32), np.float32)


@pytest.fixture(scope="module")
def runs(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two short runs on the same split, one on another, and one of larger pictures."""
    folder = tmp_path_factory.mktemp("runs")
    made = []
    for name, seed, fold, size in (
        ("a", 1, 0, 32),
        ("b", 2, 0, 32),
        ("c", 2, 1, 32),
        ("d", 2, 0, 48),
    ):
        split = {"split": str(folder / "a" / "split.csv")} if name in "bd" else {}
        values = {
            "name": name,
            "preparation": {"size": size},
            "network": {"name": "custom_cnn"},
            "training": {"epochs": 2, "batch_size": 8, "seed": seed, "cycles": 2},
            "data": {"folds": 3, "validation_fold": fold, **split},
        }
        run_training(parse_config(values), class_folders, folder / name)
        made.append(folder / name)
    return made


def ensemble(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["ensemble", *map(str, arguments)])


def test_a_vote_needs_no_data(runs: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "both"
    done = ensemble(*runs[:2], "--output", output, "--share", 3, "--share", 1)
    assert done.exit_code == 0, done.output
    assert "a 0.1.0 (custom_cnn, share 0.750)" in done.stdout
    members = [load_model(run / "model") for run in runs[:2]]
    first, second = (m.run(PICTURES).logits / m.card.temperature for m in members)
    found = load_model(output).run(PICTURES).logits
    np.testing.assert_allclose(found, 0.75 * first + 0.25 * second, atol=1e-4)
    card = read_card(output)
    assert card.gate is None
    assert card.conformal is None
    assert "no input gate" in card.limitations[0]
    assert "no input gate" in done.stderr


def check_confidence(card: Card) -> None:
    assert card.gate is not None
    assert card.conformal is not None
    assert set(card.conformal.measured["coverage"]) == set(card.classes)
    assert card.calibration["pictures"] == 16
    assert not any("no input gate" in line for line in card.limitations)


def test_with_data_the_whole_has_a_gate_and_sets_as_its_members_have(
    runs: list[Path], class_folders: Path, tmp_path: Path
) -> None:
    output, others = tmp_path / "both", tmp_path / "others"
    (others / "white").mkdir(parents=True)
    for index in range(4):
        white = np.eye(40, dtype=np.uint8)[:, : 30 + index] * 255
        Image.fromarray(white).save(others / "white" / f"{index}.png")
    chosen = ("--method", "average", "--data", class_folders, "--others", others)
    done = ensemble(*runs[:2], "--output", output, *chosen)
    assert done.exit_code == 0, done.output
    assert "warning" not in done.stderr
    card = read_card(output)
    check_confidence(card)
    assert set(card.gate.measured["refused"]) == {"all", "white"}
    model = load_model(output)
    heads = [predict(path, model=model) for path in sorted(class_folders.rglob("*.png"))[:12]]
    assert sum(head.accepted for head in heads) >= 9
    assert all(head.conformal_set for head in heads)
    refused = predict(others / "white" / "0.png", model=model)
    assert not refused.accepted


def answers_in(folder: Path) -> np.ndarray:
    """The probabilities in ``answers.csv``, (pictures, classes)."""
    with (folder / "answers.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    return np.array([[float(row[f"p_{name}"]) for name in CLASSES] for row in rows])


@pytest.mark.parametrize("method", ["vote", "fitted", "stacking"])
def test_what_is_fitted_is_fitted_on_validation_pictures(
    runs: list[Path], class_folders: Path, tmp_path: Path, method: str
) -> None:
    output = tmp_path / "both"
    chosen = ("--method", method, "--data", class_folders, "--scores", tmp_path / "scores")
    done = ensemble(*runs[:2], "--output", output, *chosen)
    assert done.exit_code == 0, done.output
    card = read_card(output)
    assert card.temperature != 1
    assert card.training["method"] == method
    check_confidence(card)
    scored = CliRunner().invoke(
        app,
        [
            *("evaluate", str(class_folders), "--model", str(output)),
            *("--split", str(runs[0] / "split.csv"), "--json"),
            *("--output", str(tmp_path / "asked")),
        ],
    )
    assert scored.exit_code == 0, scored.output
    recorded = json.loads((tmp_path / "scores" / "evaluation.json").read_text())
    assert recorded["scores"] == card.scores["all"]
    assert recorded["model"] == json.loads(scored.stdout)["model"]
    assert recorded["command"].startswith("tumorlens ensemble")
    fair, asked = answers_in(tmp_path / "scores"), answers_in(tmp_path / "asked")
    assert fair.shape == asked.shape == (16, 4)
    if method == "vote":  # nothing was learnt that could flatter it
        np.testing.assert_allclose(fair, asked, atol=1e-4)


def test_scores_are_of_answers_by_mixings_that_did_not_learn_from_the_picture(
    runs: list[Path], class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def knowing(fit: object, logits: object, targets: np.ndarray, groups: list[str]) -> np.ndarray:
        assert len(groups) == len(targets) == 16
        return 9 * np.eye(4, dtype=np.float32)[targets]

    monkeypatch.setattr(joining, "mix_unseen", knowing)
    chosen = ("--method", "stacking", "--data", class_folders)
    done = ensemble(*runs[:2], "--output", tmp_path / "both", *chosen)
    assert done.exit_code == 0, done.output
    assert read_card(tmp_path / "both").scores["all"]["accuracy"] == 1


def test_the_average_is_the_mean_of_the_weights(runs: list[Path], tmp_path: Path) -> None:
    done = ensemble(*runs[:2], "--output", tmp_path / "mean", "--method", "average")
    assert done.exit_code == 0, done.output
    weights = [
        load_file(run / "checkpoints" / "best.safetensors")["weight/linear.weight"]
        for run in runs[:2]
    ]
    found = load_model(tmp_path / "mean").class_weights
    np.testing.assert_allclose(found, torch.stack(weights).mean(0).numpy(), atol=1e-6)


@pytest.fixture(scope="module")
def filled(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose linear layer was trained once more, on embeddings filled up by SMOTE."""
    run = tmp_path_factory.mktemp("smote") / "run"
    run_training(FILLED, class_folders, run)
    return run


def test_a_run_with_smote_is_joined_as_its_model_answers(filled: Path, tmp_path: Path) -> None:
    done = ensemble(filled, filled, "--output", tmp_path / "mean", "--method", "average")
    assert done.exit_code == 0, done.output
    own = load_model(filled / "model")
    joined = load_model(tmp_path / "mean").run(PICTURES).logits
    np.testing.assert_allclose(joined, own.run(PICTURES).logits, atol=1e-4)
    best = load_file(filled / "checkpoints" / "best.safetensors")["weight/linear.weight"]
    assert np.abs(best.numpy() - own.class_weights).max() > 0.01


def test_a_teacher_with_smote_teaches_what_its_model_answers(filled: Path) -> None:
    teacher = finished_network(filled, CLASSES, FILLED.preparation.build())
    with torch.inference_mode():
        said = teacher(torch.from_numpy(PICTURES)).logits.numpy()
    own = load_model(filled / "model").run(PICTURES).logits
    np.testing.assert_allclose(said, own, atol=1e-4)


def test_snapshots_of_a_run_with_smote_are_refused(filled: Path, tmp_path: Path) -> None:
    done = ensemble(filled, "--output", tmp_path / "x", "--snapshots")
    assert done.exit_code == 2
    assert "runs without training.smote" in done.stderr
    assert not (tmp_path / "x").exists()


def test_a_run_with_smote_from_before_its_weights_were_kept_is_finished_again(
    filled: Path, class_folders: Path, tmp_path: Path
) -> None:
    older = shutil.copytree(filled, tmp_path / "older")
    kept = older / "checkpoints" / "finished.safetensors"
    before = kept.read_bytes()
    kept.unlink()
    chosen = ("--output", tmp_path / "mean", "--method", "average")
    done = ensemble(older, older, *chosen)
    assert done.exit_code == 2
    assert "checkpoints/finished.safetensors" in done.stderr
    assert "Give the command that began the run again" in done.stderr
    run_training(FILLED, class_folders, older)
    assert kept.read_bytes() == before
    assert ensemble(older, older, *chosen).exit_code == 0


@pytest.mark.parametrize(("method", "earlier"), [("vote", False), ("average", True)])
def test_a_model_that_was_stopped_while_it_was_fitted_is_not_there(
    runs: list[Path],
    class_folders: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    method: str,
    earlier: bool,
) -> None:
    output = tmp_path / "both"
    if earlier:
        shutil.copytree(runs[0] / "model", output)

    def found() -> dict[str, bytes]:
        files = [path for path in output.rglob("*") if path.is_file()]
        seen = [path for path in files if ".tumorlens-partial" not in path.parts]
        return {str(path.relative_to(output)): path.read_bytes() for path in seen}

    before = found()

    def stop(*_: object, **__: object) -> None:
        assert found() == before  # what a kill at this moment leaves
        assert output.exists() is earlier
        raise KeyboardInterrupt

    chosen = ("--output", output, "--method", method, "--data", class_folders)
    with monkeypatch.context() as patched:
        for step in ("fit_confidence", "score_answers"):
            patched.setattr(joining, step, stop)
            assert ensemble(*runs[:2], *chosen).exit_code == 130
            assert [path.name for path in tmp_path.iterdir()] == ["both"] * earlier
            assert found() == before
    done = ensemble(*runs[:2], *chosen, "--scores", output / "scores")
    assert done.exit_code == 0, done.output
    assert read_card(output).name == "both"
    assert (output / "scores" / "evaluation.json").is_file()
    check_confidence(read_card(output))


def test_the_folder_one_stands_in_takes_a_model(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = ensemble(*runs[:2], "--output", ".")
    assert done.exit_code == 0, done.output
    assert read_card(tmp_path / "here").name == "here"


def test_the_snapshots_of_one_run_are_joined(runs: list[Path], tmp_path: Path) -> None:
    done = ensemble(runs[0], "--output", tmp_path / "snapshots", "--snapshots")
    assert done.exit_code == 0, done.output
    assert "2 members" in done.stdout
    assert "a snapshot_2" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--method", "fitted"], 2, "without --data"),
        (["--method", "boosting"], 2, "one of vote"),
        (["--share", "1"], 2, "2 shares"),
        (["--others", "x"], 2, "--others alone"),
        (["--scores", "x"], 2, "--scores alone"),
        (["--share", "1", "--share", "2", "--method", "average"], 2, "--share beside average"),
        (["--share", "1", "--method", "stacking", "--data", "x"], 2, "--share beside stacking"),
        (["--share", "1", "--method", "fitted", "--data", "x"], 2, "--share beside fitted"),
    ],
)
def test_mistakes_are_plain_messages(
    runs: list[Path], tmp_path: Path, arguments: list[str], status: int, said: str
) -> None:
    done = ensemble(*runs[:2], "--output", tmp_path / "x", *arguments)
    assert done.exit_code == status
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_members_that_trained_on_the_validation_pictures_are_refused(
    runs: list[Path], class_folders: Path, tmp_path: Path
) -> None:
    arguments = ("--method", "fitted", "--data", class_folders)
    done = ensemble(runs[0], runs[2], "--output", tmp_path / "x", *arguments)
    assert done.exit_code == 1
    assert "data.split" in done.stderr


@pytest.mark.parametrize("method", ["vote", "fitted", "stacking"])
def test_members_of_two_sizes_are_joined(
    runs: list[Path], class_folders: Path, tmp_path: Path, method: str
) -> None:
    output = tmp_path / "sizes"
    chosen = ("--method", method, "--data", class_folders)
    done = ensemble(runs[0], runs[3], "--output", output, *chosen)
    assert done.exit_code == 0, done.output
    card = read_card(output)
    assert card.preparation.size == 48
    assert [member["size"] for member in card.training["members"]] == [32, 48]
    answered = CliRunner().invoke(
        app, ["predict", str(class_folders), "--model", str(output), "--format", "jsonl"]
    )
    assert answered.exit_code == 0, answered.output


def test_weights_of_two_sizes_are_not_averaged(runs: list[Path], tmp_path: Path) -> None:
    done = ensemble(runs[0], runs[3], "--output", tmp_path / "x", "--method", "average")
    assert done.exit_code == 2
    assert "preparation" in done.stderr


def test_the_whole_takes_no_members_place(runs: list[Path]) -> None:
    before = (runs[1] / "model" / "model.onnx").read_bytes()
    done = ensemble(*runs[:2], "--output", runs[1] / "model")
    assert done.exit_code == 2, done.output
    assert "the model folder of a member" in " ".join(done.stderr.split())
    assert (runs[1] / "model" / "model.onnx").read_bytes() == before
