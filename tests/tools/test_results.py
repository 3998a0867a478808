"""docs/results.md is what the script writes, and a row says what its run measured."""

import json
import re
import shutil
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import write_tiny_model
from tumorlens.lab.datasets import Example, load_examples
from tumorlens.lab.evaluation import evaluate, write_evaluation
from tumorlens.lab.evaluation.wording import figure
from tumorlens.model import load_model

CONFIG = {
    "network": {"name": "tiny", "weights": "/somewhere/else/first.safetensors"},
    "data": {"split": "runs/default/split.csv"},
    "training": {"teachers": ["~/somewhere/teacher", "../../somewhere/teacher"]},
}


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    return import_module("write_results")


@pytest.fixture(scope="module")
def adder() -> ModuleType:
    return import_module("add_result")


@pytest.fixture(scope="module")
def examples(class_folders: Path) -> list[Example]:
    return load_examples(class_folders)


def make_run(folder: Path, examples: list[Example], *, flipped: bool = False) -> Path:
    """What a finished run leaves, of a tiny model, or of one with an outline and mirror images."""
    model = load_model(write_tiny_model(folder / "model", outlines=flipped), threads=1)
    measured = evaluate(model.with_tta() if flipped else model, examples)
    write_evaluation(folder, measured, command=f"tumorlens evaluate --model {folder}/model")
    (folder / "run.json").write_text(json.dumps({"config": CONFIG}))
    (folder / "history.csv").write_text("epoch,seconds,device\n1,90,an abacus\n2,30,an abacus\n")
    return folder


@pytest.fixture(scope="module")
def results(
    adder: ModuleType, examples: list[Example], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Two rows, the second against the first, and an ensemble that nothing was trained for."""
    runs, folder = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("results")
    first = make_run(runs / "first", examples)
    second = make_run(runs / "second", examples, flipped=True)
    rest: dict[str, Any] = {"times": 2, "results": folder}
    adder.add(first, "first", section="networks", says="The first", **rest)
    adder.add(second, "second", section="networks", says="The second", against="first", **rest)
    for name in ("run.json", "history.csv"):
        (second / name).unlink()
    adder.add(second, "both", section="ensembles", says="Both", against="first", **rest)
    return folder


def test_the_page_is_what_the_script_writes(writer: ModuleType) -> None:
    assert writer.PAGE.read_text() == writer.page()


def test_published_rows_are_small_and_name_no_place(writer: ModuleType, results: Path) -> None:
    for folder in (*writer.RESULTS.glob("*/"), *results.glob("*/")):
        assert sum(path.stat().st_size for path in folder.iterdir()) < 250_000, folder
        for path in folder.glob("*.json"):
            assert not re.search(r'"/|=/| /\w|"~|\.\./', path.read_text()), path
    config = json.loads((results / "first" / "run.json").read_text())["config"]
    assert config == {
        "network": {"name": "tiny", "weights": "first.safetensors"},
        "data": {"split": "runs/default/split.csv"},
        "training": {"teachers": ["teacher", "teacher"]},
    }


def cells(page: str, name: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith(f"| {name} |")
    ]


def test_a_row_says_what_its_run_measured(writer: ModuleType, results: Path) -> None:
    page = writer.page(results)
    scores, costs = cells(page, "first")
    evaluation = json.loads((results / "first" / "evaluation.json").read_text())
    ours = evaluation["scores"]
    assert scores[1] == "The first"
    assert scores[2] == figure(ours["accuracy"], ours["intervals"]["accuracy"])
    assert scores[3] == figure(ours["f1"], ours["intervals"]["f1"])
    binary = ours["intervals"]["binary"]
    lowest = min(ours["per_class"].items(), key=lambda pair: pair[1]["recall"])
    assert scores[4] == f"{figure(lowest[1]['recall'])} ({lowest[0]})"
    assert scores[5] == "-"  # none of its pictures is of Cheng's set
    assert scores[6:9] == [
        figure(ours["binary"][key], binary[key]) for key in ("auc", "sensitivity", "specificity")
    ]
    reliability = evaluation["reliability"]
    assert scores[9] == figure(reliability["error"], reliability["interval"])
    assert costs[1:5] == ["-"] * 4
    assert costs[6] == "2.0 min, an abacus"
    cpu = json.loads((results / "first" / "result.json").read_text())["cpu"]
    assert cpu["milliseconds"] > 0
    assert costs[7] == f"{cpu['milliseconds']:.1f} ({cpu['name']})"


def test_the_paired_difference_is_that_of_the_two_rows(writer: ModuleType, results: Path) -> None:
    _, costs = cells(writer.page(results), "second")
    accuracies = [
        json.loads((results / name / "evaluation.json").read_text())["scores"]["accuracy"]
        for name in ("second", "first")
    ]
    assert costs[1] == "first"
    assert costs[2].split()[0] == figure(accuracies[0] - accuracies[1])
    assert "(" in costs[2]


def test_folds_are_told_one_by_one_and_together(
    writer: ModuleType, adder: ModuleType, examples: list[Example], tmp_path: Path
) -> None:
    rest: dict[str, Any] = {"section": "folds", "times": 1, "results": tmp_path / "results"}
    parts = {"fold0": examples[::2], "fold1": examples[1::2]}
    for name, part in parts.items():
        adder.add(make_run(tmp_path / name, part), name, says=f"says {name}", **rest)
    page = writer.page(tmp_path / "results")
    together, _ = cells(page, writer.POOLED)
    whole = evaluate(load_model(tmp_path / "fold0" / "model", threads=1), examples)
    accuracy = whole.scores.to_json()["accuracy"]
    assert together[2:4] == [str(len(examples)), str(len(set(whole.groups)))]
    assert together[4].split()[0] == figure(accuracy)
    assert [cells(page, name)[0][2] for name in parts] == [str(len(p)) for p in parts.values()]
    adder.add(make_run(tmp_path / "fold2", examples[:1]), "fold2", says="twice", **rest)
    with pytest.raises(SystemExit, match="share groups"):
        writer.page(tmp_path / "results")


def test_a_row_may_be_of_a_source_left_out(
    writer: ModuleType, adder: ModuleType, examples: list[Example], tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", examples)
    left_out = make_run(run / "left_out", examples[::2])
    rest: dict[str, Any] = {"answered": left_out, "times": 1, "results": tmp_path / "results"}
    row = writer.read_row(adder.add(run, "out", section="sources", says="x", **rest))
    assert len(row.examples) == len(examples[::2])
    rest["answered"] = make_run(run / "another", examples[1::3])
    adder.add(run, "another", section="sources", says="y", **rest)
    page = writer.page(tmp_path / "results")
    assert "## A source left out" in page
    assert "validation pictures of" not in page.partition("## A source left out")[2]
    for name, answered in (("out", examples[::2]), ("another", examples[1::3])):
        scores, _ = cells(page, name)
        assert scores[2:4] == [str(len(answered)), str(len({one.group for one in answered}))]


def test_an_ensemble_has_no_training_time(writer: ModuleType, results: Path) -> None:
    _, costs = cells(writer.page(results), "both")
    assert costs[6] == "-"


def test_rows_of_other_pictures_are_not_compared(
    writer: ModuleType, adder: ModuleType, results: Path, examples: list[Example], tmp_path: Path
) -> None:
    fewer = make_run(tmp_path / "fewer", examples[1:])
    rest: dict[str, Any] = {"times": 1, "results": tmp_path / "results"}
    row = adder.add(fewer, "fewer", section="networks", says="x", against="first", **rest)
    with pytest.raises(SystemExit, match="same pictures"):
        writer.compare(writer.read_row(row), writer.read_row(results / "first"))
    shutil.copytree(results / "first", tmp_path / "results" / "first")
    about = json.loads((row / "result.json").read_text())
    (row / "result.json").write_text(json.dumps(about | {"against": ""}))
    with pytest.raises(SystemExit, match="of Networks did not answer the same pictures"):
        writer.page(tmp_path / "results")


def test_a_row_of_that_name_is_replaced_as_a_whole(
    adder: ModuleType, examples: list[Example], tmp_path: Path
) -> None:
    run, rest = make_run(tmp_path / "run", examples), {"section": "networks", "times": 1}
    row = adder.add(run, "x", says="x", results=tmp_path / "results", **rest)
    assert (row / "run.json").is_file()
    assert (row / "history.csv").is_file()
    (run / "run.json").unlink()
    again = adder.add(run, "x", says="y", results=tmp_path / "results", **rest)
    names = sorted(path.name for path in again.iterdir())
    assert names == ["answers.csv.gz", "evaluation.json", "result.json"]
    for name in ("", ".", "..", "../run"):
        with pytest.raises(SystemExit, match="cannot name a row"):
            adder.add(run, name, says="y", results=tmp_path / "results", **rest)
    assert (run / "model").is_dir()


def test_an_evaluation_of_another_model_is_refused(
    adder: ModuleType, examples: list[Example], tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", examples)
    write_tiny_model(run / "model", outlines=True)
    with pytest.raises(SystemExit, match="is not of"):
        adder.add(run, "x", section="networks", says="x", results=tmp_path / "results")


def test_answers_of_another_evaluation_are_refused(
    writer: ModuleType, results: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for path in (results / "first").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    evaluation = json.loads((folder / "evaluation.json").read_text())
    evaluation["scores"]["accuracy"] += 0.1
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    with pytest.raises(SystemExit, match="different evaluations"):
        writer.read_row(folder)


def test_parameters_are_the_graphs_learnt_numbers(adder: ModuleType, model_folder: Path) -> None:
    # A kernel of 8 x 1 x 16 x 16, 8 shifts, and a linear layer of 4 x 8 with 4 shifts.
    assert adder.count_parameters(model_folder / "model.onnx") == 2048 + 8 + 32 + 4
