"""A whole run on made-up heads, through the command line, as a user would."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.card import read_card
from tumorlens.errors import ConfigError, DataError, TrainingError
from tumorlens.lab import run as run_module
from tumorlens.lab.config import Config, parse_config
from tumorlens.lab.evaluation import evaluate
from tumorlens.lab.evaluation.answer_table import read_answers
from tumorlens.lab.evaluation.parts import examples_of_part
from tumorlens.lab.gate import NOTE
from tumorlens.lab.pictures import Pictures
from tumorlens.lab.run import Watch, help_training, run_training
from tumorlens.lab.run_data import load_run_data
from tumorlens.lab.splitting import Split, write_split
from tumorlens.model import load_model
from tumorlens.prediction import predict


@pytest.fixture(scope="module")
def config() -> Config:
    return parse_config(
        {
            "name": "made",
            "preparation": {"size": 32},
            "network": {"name": "custom_cnn"},
            "training": {"epochs": 2, "batch_size": 8},
            "data": {"folds": 3},
            "card": {
                "licence": "CC0",
                "sources": {"made": {"source": "made here", "licence": "CC0"}},
            },
        }
    )


@pytest.fixture(scope="module")
def run(class_folders: Path, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    epochs: list[int] = []
    run_training(
        config,
        class_folders,
        folder,
        watch=Watch(on_epoch=lambda record: epochs.append(record.epoch)),
    )
    assert epochs == [1, 2]
    return folder


def test_the_run_folder_says_everything(run: Path) -> None:
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert names == {
        "run.json",
        "split.csv",
        "fingerprints.csv",
        "history.csv",
        "curves.png",
        "evaluation.json",
        "answers.csv",
        "confusion.png",
        "roc.png",
        "checkpoints/last.safetensors",
        "checkpoints/best.safetensors",
        "model/model.onnx",
        "model/card.json",
        "model/gate.npz",
    }
    record = json.loads((run / "run.json").read_text())
    assert record["config"]["training"]["epochs"] == 2
    assert len(record["data_sha256"]) == len(record["split_sha256"]) == 64


def test_the_card_says_what_it_was_trained_on(run: Path) -> None:
    card = read_card(run / "model")
    entry = card.data["made"]
    assert entry["source"] == "made here"
    assert entry["training"]["pictures"] + entry["validation"]["pictures"] == 48
    assert card.licence == "CC0"


def test_a_users_own_model_has_sets_and_a_gate_and_says_what_the_gate_saw(
    run: Path, class_folders: Path, config: Config, tmp_path: Path
) -> None:
    card = read_card(run / "model")
    assert card.conformal is not None
    assert set(card.conformal.measured["coverage"]) == set(card.classes)
    assert card.calibration["groups"] > 0
    assert card.gate is not None
    assert "not known" in card.gate.measured["note"]
    assert "refused" not in card.gate.measured
    for index in range(6):
        path = tmp_path / "others" / "white" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.eye(40, dtype=np.uint8)[:, : 30 + index] * 255).save(path)
    again = shutil.copytree(run, tmp_path / "again")
    run_training(config, class_folders, again, others=tmp_path / "others")
    gate = read_card(again / "model").gate
    assert gate is not None
    assert gate.measured["note"] == NOTE
    assert set(gate.measured["refused"]) == {"all", "white"}


def test_no_pictures_of_others_are_told_before_training(
    class_folders: Path, config: Config, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="each kind"):
        run_training(config, class_folders, tmp_path / "run", others=tmp_path)
    assert not (tmp_path / "run").exists()


def test_the_split_keeps_groups_apart(run: Path) -> None:
    with (run / "split.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    sides = {
        part: {r["group"] for r in rows if r["part"] == part} for part in ("training", "validation")
    }
    assert not sides["training"] & sides["validation"]
    assert sides["validation"]


def test_a_class_made_rare_is_rare_in_training_alone(
    class_folders: Path, config: Config, tmp_path: Path
) -> None:
    counts: list[tuple[int, int]] = []

    def stop(pictures: Pictures, split: Split) -> None:
        labels = [example.label for example in pictures.examples]
        parts = (split.training, split.validation)
        counts.append(tuple(sum(labels[i] == "glioma" for i in part) for part in parts))
        raise KeyboardInterrupt

    for keep in ({}, {"glioma": 0.25}):
        data = config.data.model_copy(update={"keep": keep})
        with pytest.raises(KeyboardInterrupt):
            run_training(
                config.model_copy(update={"data": data}),
                class_folders,
                tmp_path / "run",
                watch=Watch(on_split=stop),
            )
    assert counts == [(8, 4), (2, 4)]


def test_evaluating_the_part_again_gives_the_recorded_scores(
    run: Path, class_folders: Path
) -> None:
    examples = examples_of_part(class_folders, split=run / "split.csv", part="validation")
    again = evaluate(load_model(run / "model"), examples)
    recorded = json.loads((run / "evaluation.json").read_text())
    assert again.to_json()["scores"] == recorded["scores"]


def test_runtime_and_evaluation_give_the_same_answers(run: Path, class_folders: Path) -> None:
    examples = examples_of_part(class_folders, split=run / "split.csv", part="validation")
    model = load_model(run / "model")
    evaluation = evaluate(model, examples)
    for example, row in zip(examples, evaluation.probabilities, strict=True):
        found = predict(example.path, model=model)
        np.testing.assert_allclose(list(found.probabilities.values()), row, atol=1e-5)


@pytest.mark.parametrize(
    ("section", "values", "meant"),
    [
        ("network", {"name": "custom_cn"}, "custom_cnn"),
        ("training", {"loss": "crossentropy"}, "cross_entropy"),
    ],
)
def test_unknown_names_are_found_before_anything_is_loaded(
    config: Config, tmp_path: Path, section: str, values: dict[str, str], meant: str
) -> None:
    wrong = config.model_copy(update={section: getattr(config, section).model_copy(update=values)})
    with pytest.raises(ConfigError, match=meant):
        run_training(wrong, tmp_path / "no data", tmp_path / "run")


def test_a_misspelt_share_is_refused_before_the_run_begins(
    class_folders: Path, config: Config, tmp_path: Path
) -> None:
    shared = config.data.model_copy(update={"share": {"mad": 0.1}})
    wrong = config.model_copy(update={"data": shared})
    for train in (run_training, help_training):
        with pytest.raises(ConfigError, match=r"data\.share: .* here made; found mad\."):
            train(wrong, class_folders, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_card_carries_the_scores(run: Path) -> None:
    evaluation = json.loads((run / "evaluation.json").read_text())
    scores = read_card(run / "model").scores
    assert scores["all"] == evaluation["scores"]
    assert scores["command"] == evaluation["command"]


def test_a_finished_run_is_not_trained_again(
    run: Path, class_folders: Path, config: Config
) -> None:
    before = (run / "history.csv").read_bytes()
    run_training(config, class_folders, run)
    assert (run / "history.csv").read_bytes() == before


def test_a_run_stopped_after_training_leaves_no_model_that_looks_finished(
    run: Path,
    class_folders: Path,
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = tmp_path / "run"
    shutil.copytree(run, stopped, ignore=shutil.ignore_patterns("model"))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "write_card", stop)
    with pytest.raises(KeyboardInterrupt):
        run_training(config, class_folders, stopped)
    assert not (stopped / "model").exists()


def test_a_run_folder_of_other_settings_or_data_is_refused(
    run: Path, class_folders: Path, config: Config, tmp_path: Path
) -> None:
    other = config.model_copy(update={"version": "2"})
    with pytest.raises(TrainingError, match=r"other settings \(version = 2, was 0\.1\.0\)"):
        run_training(other, class_folders, run)
    longer = config.training.model_copy(update={"epochs": 3})
    with pytest.raises(TrainingError, match=r"\(training\.epochs = 3, was 2\)"):
        run_training(config.model_copy(update={"training": longer}), class_folders, run)
    changed = tmp_path / "made"
    for path in class_folders.rglob("*.png"):
        copy = changed / path.relative_to(class_folders)
        copy.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(copy)
    with pytest.raises(TrainingError, match="other data"):
        run_training(config, changed, run)


def test_a_run_folder_from_before_a_setting_existed_is_the_same_run(
    run: Path, class_folders: Path, config: Config, tmp_path: Path
) -> None:
    older = shutil.copytree(run, tmp_path / "older")
    record = json.loads((older / "run.json").read_text())
    del record["config"]["training"]["averaging"]
    (older / "run.json").write_text(json.dumps(record))
    before = (older / "history.csv").read_bytes()
    run_training(config, class_folders, older)
    assert (older / "history.csv").read_bytes() == before
    record["config"]["training"]["abolished"] = 1
    (older / "run.json").write_text(json.dumps(record))
    with pytest.raises(TrainingError, match="other settings"):
        run_training(config, class_folders, older)


@pytest.mark.parametrize("begun", ["checkpoints/best.safetensors", "model"])
def test_a_run_may_start_from_another(
    begun: str, run: Path, class_folders: Path, config: Config, tmp_path: Path
) -> None:
    network = config.network.model_copy(update={"weights": str(run / begun)})
    still = config.training.model_copy(update={"epochs": 1, "learning_rate": 1e-9})
    other_fold = config.data.model_copy(update={"validation_fold": 1})
    tuned = config.model_copy(update={"network": network, "training": still, "data": other_fold})
    with pytest.raises(DataError, match="never saw"):
        run_training(tuned, class_folders, tmp_path / "leaky")
    same = config.data.model_copy(update={"split": str(run / "split.csv")})
    tuned = tuned.model_copy(update={"data": same})
    run_training(tuned, class_folders, tmp_path / "tuned")
    first, second = load_model(run / "model"), load_model(tmp_path / "tuned" / "model")
    np.testing.assert_allclose(first.class_weights, second.class_weights, atol=1e-5)
    assert second.card.training["earlier_models"] == [
        first.card.identity.to_json() | {"licence": "CC0"}
    ]


def test_first_weights_that_do_not_fit_leave_no_run_behind(
    run: Path, class_folders: Path, config: Config, tmp_path: Path
) -> None:
    for weights, match in (
        (run, "Give RUN/model"),
        (run / "model" / "card.json", "Give the folder"),
        ("bundled", "a model of tf_efficientnet_lite2"),
        (tmp_path / "gone.pth", "no file"),
    ):
        network = config.network.model_copy(update={"weights": str(weights)})
        if weights != "bundled":
            network = network.model_copy(update={"name": "tf_efficientnet_lite0"})
        wrong = config.model_copy(update={"network": network})
        with pytest.raises(ConfigError, match=match):
            run_training(wrong, class_folders, tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_a_teacher_never_saw_what_is_held_out(
    run: Path, class_folders: Path, config: Config, tmp_path: Path
) -> None:
    taught = config.training.model_copy(update={"teachers": (str(run),)})
    other_fold = config.data.model_copy(update={"validation_fold": 1})
    settings = config.model_copy(update={"training": taught, "data": other_fold})
    with pytest.raises(DataError, match="never saw"):
        load_run_data(settings, class_folders, tmp_path)
    same = config.data.model_copy(update={"split": str(run / "split.csv")})
    _, split = load_run_data(settings.model_copy(update={"data": same}), class_folders, tmp_path)
    assert split.validation


def test_a_teacher_never_saw_the_source_that_is_left_out(
    run: Path, class_folders: Path, config: Config, tmp_path: Path
) -> None:
    for name in ("made", "theirs"):
        shutil.copytree(class_folders, tmp_path / "data" / name)
    for path in (tmp_path / "data" / "theirs").rglob("*.png"):
        with Image.open(path) as picture:
            turned = np.flipud(np.asarray(picture.convert("L")))
        Image.fromarray(np.roll(turned, 5, axis=1)).save(path)
    teacher = tmp_path / "teacher"
    (teacher / "model").mkdir(parents=True)
    taught = config.training.model_copy(update={"teachers": (str(teacher),)})
    left_out = config.data.model_copy(update={"leave_out": ("theirs",)})
    settings = config.model_copy(update={"training": taught, "data": left_out})
    pictures, split = load_run_data(settings, tmp_path / "data", tmp_path)
    theirs = [n for n, one in enumerate(pictures.examples) if one.dataset == "theirs"]
    write_split(teacher / "split.csv", pictures.examples, Split(tuple(theirs), split.validation))
    with pytest.raises(DataError, match="never saw"):
        load_run_data(settings, tmp_path / "data", tmp_path)


def test_a_source_left_out_is_tested_and_never_trained_on(
    config: Config, class_folders: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("ours", "theirs"):
        shutil.copytree(class_folders, data / name)
    for path in (data / "theirs").rglob("*.png"):  # other pictures: upside down and darker
        with Image.open(path) as picture:
            changed = np.flipud(np.asarray(picture.convert("L"), np.float32)) ** 0.9
        rolled = np.roll(changed, 5, axis=1)
        Image.fromarray(rolled.astype(np.uint8)).save(path)
    left_out = config.data.model_copy(update={"leave_out": ("theirs",)})
    run_training(config.model_copy(update={"data": left_out}), data, tmp_path / "run")
    with (tmp_path / "run" / "split.csv").open() as lines:
        assert {row["picture"].split("/")[0] for row in csv.DictReader(lines)} == {"ours"}
    tested = json.loads((tmp_path / "run" / "left_out" / "evaluation.json").read_text())
    assert list(tested["per_dataset"]) == ["theirs"]
    assert tested["scores"]["count"] == len(list((data / "theirs").rglob("*.png")))


def test_a_recorded_split_and_a_source_left_out_do_not_go_together() -> None:
    with pytest.raises(ConfigError, match="not both"):
        parse_config({"data": {"split": "split.csv", "leave_out": ["lgg"]}})


def test_the_finished_model_may_answer_pictures_of_another_size(
    run: Path, class_folders: Path, config: Config, tmp_path: Path
) -> None:
    smaller = config.model_copy(update={"card": config.card.model_copy(update={"size": 48})})
    again = tmp_path / "run"
    shutil.copytree(run, again)
    evaluation = run_training(smaller, class_folders, again)
    model = load_model(again / "model")
    assert model.card.preparation.size == 48
    assert load_model(run / "model").card.preparation.size == 32
    split = again / "split.csv"
    kept = examples_of_part(class_folders, split=split, part="validation")
    assert evaluation.scores.count == len(kept)


def test_files_named_in_another_encoding_are_trained_on_and_found_again(
    class_folders: Path, config: Config, tmp_path: Path
) -> None:
    data = shutil.copytree(class_folders, tmp_path / "made")
    folder = data / "Training" / "no_tumor"
    try:
        for number in range(12):
            (folder / f"{number}.png").rename(folder / os.fsdecode(b"caf\xe9 %d.png" % number))
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    brief = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 1})})
    run_training(brief, data, tmp_path / "run")
    kept = examples_of_part(data, split=tmp_path / "run" / "split.csv", part="validation")
    names = {example.picture for example in read_answers(tmp_path / "run" / "answers.csv")[0]}
    assert names == {example.picture for example in kept}
    assert any("\udce9" in name for name in names)


def test_what_a_run_builds_upon_is_missed_before_anything_is_loaded(
    config: Config, tmp_path: Path
) -> None:
    told: list[str] = []
    for section, values, match in (
        ("network", {"weights": str(tmp_path / "gone.pth")}, "no file"),
        ("training", {"teachers": (str(tmp_path),)}, "the folder of a finished run"),
    ):
        changed = getattr(config, section).model_copy(update=values)
        with pytest.raises(ConfigError, match=match):
            run_training(
                config.model_copy(update={section: changed}),
                tmp_path / "no data",
                tmp_path / "run",
                watch=Watch(on_unsure=told.append),
            )
    assert told == []


def test_a_teacher_that_does_not_fit_leaves_no_run_behind(
    run: Path, class_folders: Path, config: Config, tmp_path: Path
) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(run, cut, ignore=shutil.ignore_patterns("checkpoints"))
    taught = config.training.model_copy(update={"teachers": (str(cut),)})
    with pytest.raises(ConfigError, match="a finished run, with checkpoints"):
        run_training(
            config.model_copy(update={"training": taught}), class_folders, tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


def test_two_runs_into_one_folder_at_once_are_refused(
    class_folders: Path, config: Config, tmp_path: Path
) -> None:
    again: list[ConfigError] = []

    def start_another(*_: object) -> None:
        with pytest.raises(ConfigError, match="no other run is writing") as caught:
            run_training(config, class_folders, tmp_path / "run")
        again.append(caught.value)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training(config, class_folders, tmp_path / "run", watch=Watch(on_batch=start_another))
    assert len(again) == 1
