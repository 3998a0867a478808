"""Pooled folds, on made-up runs: nothing but the files that a run leaves behind."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.conftest import write_tiny_model
from tests.lab.evaluation.made_set import write_split
from tumorlens.cli import app
from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation.answer_table import ANSWERS_FILE, read_answers, write_answers
from tumorlens.lab.evaluation.metrics import score
from tumorlens.lab.evaluation.pooling import pool_runs
from tumorlens.labels import CLASSES

PATIENTS, SLICES = 8, 3


def made_examples(fold: int) -> list[Example]:
    """Slices of eight patients, two of each class; those of two data sets."""
    return [
        Example(
            path=Path("x"),
            picture=f"{dataset}/{patient}/{number}.png",
            label=CLASSES[index % len(CLASSES)],
            group=patient,
            patient=patient if index % 2 else None,
            dataset=dataset,
            channel=1 if dataset == "b" else None,
            plane="axial",
        )
        for index in range(PATIENTS)
        for dataset in ["ab"[index // 4]]
        for patient in [f"fold{fold}-patient{index}"]
        for number in range(SLICES)
    ]


def made_run(folder: Path, fold: int, *, right: float) -> Path:
    """A run folder whose answers are right that often."""
    (folder / "model").mkdir(parents=True)
    write_tiny_model(folder / "model")
    examples = made_examples(fold)
    pictures = {example.picture: (example.group, "validation") for example in examples}
    write_split(folder / "split.csv", pictures | {"a/seen/0.png": ("seen", "training")})
    random = np.random.default_rng(fold)
    chances = random.dirichlet(np.ones(len(CLASSES)), len(examples))
    for row, example in zip(chances, examples, strict=True):
        if random.random() < right:
            best, truth = int(row.argmax()), CLASSES.index(example.label)
            row[[best, truth]] = row[[truth, best]]
    write_answers(folder / ANSWERS_FILE, examples, chances.astype(np.float32), CLASSES)
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [made_run(tmp_path / f"fold{n}", n, right=0.5 + 0.1 * n) for n in range(3)]


def test_answers_read_back_the_same(tmp_path: Path) -> None:
    examples = made_examples(0)
    chances = np.random.default_rng(0).dirichlet(np.ones(4), len(examples)).astype(np.float32)
    write_answers(tmp_path / ANSWERS_FILE, examples, chances, CLASSES)
    found, again, classes = read_answers(tmp_path / ANSWERS_FILE)
    assert classes == CLASSES
    np.testing.assert_array_equal(again, chances)
    for one, other in zip(found, examples, strict=True):
        for name in ("picture", "label", "group", "patient", "dataset", "channel", "plane"):
            assert getattr(one, name) == getattr(other, name)


def test_the_pool_is_scored_as_one_and_each_run_alone(runs: list[Path]) -> None:
    pooled = pool_runs(runs)
    parts = [read_answers(run / ANSWERS_FILE) for run in runs]
    every = [example for examples, _, _ in parts for example in examples]
    expected = score(
        np.concatenate([chances for _, chances, _ in parts]),
        np.array([CLASSES.index(example.label) for example in every]),
        CLASSES,
        groups=[example.group for example in every],
    )
    record = json.loads(json.dumps(pooled.to_json(command="the command")))
    assert record["scores"] == json.loads(json.dumps(expected.to_json()))
    assert record["scores"]["count"] == 3 * PATIENTS * SLICES
    assert record["scores"]["groups"] == 3 * PATIENTS
    low, high = record["scores"]["intervals"]["accuracy"]
    assert low < record["scores"]["accuracy"] < high
    assert set(record["per_dataset"]) == {"a", "b"}
    assert list(record["pooled"]) == ["fold0", "fold1", "fold2"]
    counts = [one["count"] * one["accuracy"] for one in record["pooled"].values()]
    assert sum(counts) == pytest.approx(record["scores"]["count"] * record["scores"]["accuracy"])


def test_the_command_prints_and_writes_the_pool(runs: list[Path], tmp_path: Path) -> None:
    words = ["evaluate", "--pool", *map(str, runs), "--output", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    for word in ("Each run on its own fold", "fold1", "glioma", "macro"):
        assert word in done.stdout
    record = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert record["command"].startswith("tumorlens evaluate --pool ")
    assert (tmp_path / "out" / ANSWERS_FILE).is_file()
    for other in (["--checks"], ["--skull-strip", "radial"], ["--part", "training"], ["--tta"]):
        done = CliRunner().invoke(app, ["evaluate", "--pool", *map(str, runs), *other])
        assert done.exit_code == 2
    done = CliRunner().invoke(app, ["evaluate", *map(str, runs)])
    assert done.exit_code == 2


def test_answers_of_another_model_are_refused(runs: list[Path]) -> None:
    other = {"name": "default", "version": "0.3.0", "sha256": "0" * 64}
    (runs[1] / "evaluation.json").write_text(json.dumps({"model": other}))
    with pytest.raises(DataError, match="default"):
        pool_runs(runs)


def record_beside(run: Path, skull_strip: str | None, **more: object) -> None:
    card = json.loads((run / "model" / "card.json").read_text())
    model = {name: card[name] for name in ("name", "version", "sha256")}
    text = json.dumps({"model": model, "skull_strip": skull_strip, **more})
    (run / "evaluation.json").write_text(text)


def test_answers_with_and_without_skulls_are_not_pooled(runs: list[Path]) -> None:
    record_beside(runs[1], "radial")
    with pytest.raises(DataError, match="fold1: --skull-strip radial"):
        pool_runs(runs)
    for run in (runs[0], runs[2]):
        record_beside(run, "radial")
    assert pool_runs(runs).to_json()["skull_strip"] == "radial"


def test_answers_with_and_without_tta_are_not_pooled(runs: list[Path]) -> None:
    record_beside(runs[0], None)  # as written before there was the field: without
    record_beside(runs[1], None, tta=True)
    with pytest.raises(DataError, match=r"fold0: --skull-strip none; fold1: .* none --tta; fold2"):
        pool_runs(runs)
    for run in runs:
        record_beside(run, None, tta=True)
    pooled = pool_runs(runs)
    assert pooled.to_json()["tta"] is True
    assert all(one.tta for one in pooled.runs.values())
    for run in runs:
        record_beside(run, None, tta=False)
    assert pool_runs(runs).to_json()["tta"] is False


def test_a_leaky_fold_marks_the_pool(runs: list[Path]) -> None:
    assert pool_runs(runs).to_json()["split"] is None
    record_beside(runs[1], None, split="leaky split")
    pooled = pool_runs(runs)
    assert pooled.to_json()["split"] == "leaky split"
    assert [one.split for one in pooled.runs.values()] == [None, "leaky split", None]
    done = CliRunner().invoke(app, ["evaluate", "--pool", *map(str, runs)], env={"COLUMNS": "200"})
    assert "Each run on its own fold (leaky split)" in done.stdout


def test_a_run_without_a_record_answered_as_its_card_says(runs: list[Path]) -> None:
    assert pool_runs(runs).to_json()["skull_strip"] is None
    for run in runs:
        path = run / "model" / "card.json"
        card = json.loads(path.read_text())
        card["preparation"]["skull_strip"] = "radial"
        path.write_text(json.dumps(card))
    assert pool_runs(runs).to_json()["skull_strip"] == "radial"
    record_beside(runs[0], None)
    with pytest.raises(DataError, match="fold0: --skull-strip none"):
        pool_runs(runs)


@pytest.mark.parametrize(
    "text",
    [
        *('{"model": ', "[]", "3", "null", '{"model": null}', '{"model": "x"}'),
        *('{"model": {"name": "x", "version": "1"}}', '{"model": {"sha256": "0"}}'),
        *('{"skull_strip": []}', '{"split": 1}', '{"tta": "yes"}', '{"tta": null}'),
    ],
)
def test_a_damaged_record_is_a_plain_error(runs: list[Path], text: str) -> None:
    (runs[0] / "evaluation.json").write_text(text)
    with pytest.raises(DataError, match="JSON file of an evaluation"):
        pool_runs(runs)


def test_folds_that_share_a_patient_are_refused(runs: list[Path], tmp_path: Path) -> None:
    again = made_run(tmp_path / "again", 1, right=1.0)
    with pytest.raises(DataError, match="share no patient"):
        pool_runs([*runs, again])


def made_again(folder: Path, run: Path, **other: str | None) -> Path:
    """The same answers by another run, with other words about the first patient's pictures."""
    made_run(folder, 1, right=1.0)
    examples, chances, classes = read_answers(run / ANSWERS_FILE)
    own = [
        replace(example, **{name: text and f"{text}{number}" for name, text in other.items()})
        for number, example in enumerate(examples[:SLICES])
    ]
    write_answers(folder / ANSWERS_FILE, own, chances[:SLICES], classes)
    split = {example.picture: (example.group, "validation") for example in own}
    write_split(folder / "split.csv", split)
    return folder


@pytest.mark.parametrize("patient", ["new", None])
def test_folds_that_share_a_picture_under_other_names_are_refused(
    runs: list[Path], tmp_path: Path, patient: str | None
) -> None:
    again = made_again(tmp_path / "again", runs[1], group="new", patient=patient)
    first = "3 in both fold1 and again, first the picture a/fold1-patient0/0.png"
    with pytest.raises(DataError, match=first):
        pool_runs([*runs, again])


def test_folds_that_share_a_patient_in_other_groups_are_refused(
    runs: list[Path], tmp_path: Path
) -> None:
    examples, chances, classes = read_answers(runs[1] / ANSWERS_FILE)
    known = [replace(one, patient=one.patient or one.group) for one in examples]
    write_answers(runs[1] / ANSWERS_FILE, known, chances, classes)
    again = made_again(tmp_path / "again", runs[1], group="new", picture="a/new/")
    with pytest.raises(DataError, match=r"1 in both .*, first the patient fold1-patient0 of a"):
        pool_runs([*runs, again])
    apart = made_again(tmp_path / "b", runs[1], group="new", picture="a/new/", patient="new")
    assert pool_runs([*runs, apart]).whole.scores.count == (3 * PATIENTS + 1) * SLICES


def test_answers_about_other_pictures_are_refused(runs: list[Path]) -> None:
    pictures = {example.picture: (example.group, "training") for example in made_examples(2)}
    first = next(iter(pictures))
    write_split(runs[2] / "split.csv", pictures | {first: ("g", "validation")})
    with pytest.raises(DataError, match="own validation part"):
        pool_runs(runs)


def test_runs_that_cannot_be_pooled_say_what_to_do(runs: list[Path]) -> None:
    with pytest.raises(DataError, match="at least two"):
        pool_runs(runs[:1])
    with pytest.raises(DataError, match=r"every run folder once; found .*fold0 2 times"):
        pool_runs([runs[0], runs[0].parent / "." / "fold0"])
    examples, chances, _ = read_answers(runs[0] / ANSWERS_FILE)
    write_answers(runs[0] / ANSWERS_FILE, examples, chances[:, ::-1], CLASSES[::-1])
    with pytest.raises(DataError, match="same order"):
        pool_runs(runs)
    (runs[1] / ANSWERS_FILE).unlink()
    with pytest.raises(DataError, match="--output RUN"):
        pool_runs(runs)


HEAD = "picture,channel,label,group,patient,dataset,plane,sequence,p_a\n"


@pytest.mark.parametrize(
    "text",
    ["", "picture,label\n1,2\n", HEAD, HEAD + "x,,b,g,,d,,,1\n", HEAD + "x,,a,g,,d,,,much\n"],
)
def test_what_is_no_table_of_answers_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / ANSWERS_FILE).write_text(text)
    with pytest.raises(DataError, match="one line a picture"):
        read_answers(tmp_path / ANSWERS_FILE)


def test_a_damaged_table_of_answers_is_a_plain_error(tmp_path: Path) -> None:
    examples = made_examples(0)
    chances = np.random.default_rng(0).dirichlet(np.ones(4), len(examples)).astype(np.float32)
    write_answers(tmp_path / ANSWERS_FILE, examples, chances, CLASSES)
    whole = (tmp_path / ANSWERS_FILE).read_bytes()
    packed = gzip.compress(whole)
    spoilt = bytearray(packed)
    spoilt[len(packed) // 2] ^= 0xFF
    damaged = [packed[: len(packed) // 2], bytes(spoilt), whole, b"\x1f\x8b", b"\x89PNG\xff"]
    for number, data in enumerate(damaged):
        path = tmp_path / f"{number}.csv.gz"
        path.write_bytes(data)
        with pytest.raises(DataError, match="cannot be read"):
            read_answers(path)
    for data in (b"\x89PNG\xff\xfe", whole + b"\xff\xfe\n", whole.decode().encode("utf-16")):
        (tmp_path / ANSWERS_FILE).write_bytes(data)
        with pytest.raises(DataError, match="cannot be read"):
            read_answers(tmp_path / ANSWERS_FILE)
    (tmp_path / "whole.csv.gz").write_bytes(packed)
    assert len(read_answers(tmp_path / "whole.csv.gz")[0]) == len(examples)
