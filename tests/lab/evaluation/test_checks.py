"""The standing checks from end to end, on made-up heads with made-up models."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.lab.evaluation.made_set import PATIENTS, made_split, write_data
from tumorlens.card import read_card
from tumorlens.errors import DataError
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.evaluation.checks import CHECKS
from tumorlens.lab.evaluation.measuring import Measurement, check_request, measure
from tumorlens.lab.evaluation.parts import read_parts
from tumorlens.model import GraphOutputs, Model

_MIDDLE = np.pad(np.ones((8, 8)), 4)  # where it looks, in pieces of four by four pixels


class BrightSpots:
    """A session that says meningioma where a picture is very bright somewhere in its middle."""

    def get_inputs(self) -> list[Any]:
        return [type("Input", (), {"name": "pictures"})]

    def get_outputs(self) -> list[Any]:
        names = ("logits", "embedding", "features", "outline")
        return [type("Output", (), {"name": name}) for name in names]

    def run(self, _: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        pictures = inputs["pictures"][:, 0]
        pieces = pictures.reshape(len(pictures), 16, 4, 16, 4).mean(axis=(2, 4))
        bright = (pieces[:, 4:12, 4:12].max(axis=(1, 2)) > 0.8).astype(np.float32)
        logits = np.zeros((len(pictures), 4), np.float32)
        logits[:, 1], logits[:, 3] = 6 * bright, 6 * (1 - bright)
        seen = np.maximum(pieces - 0.6, 0) * _MIDDLE
        features = np.repeat(seen[:, np.newaxis], 8, axis=1)
        fine = pictures.reshape(len(pictures), 32, 2, 32, 2).mean(axis=(2, 4))
        middle = _MIDDLE.repeat(2, axis=0).repeat(2, axis=1)  # not the skull
        outline = (40 * (fine * middle - 0.85)).astype(np.float32)[:, np.newaxis]
        return [logits, features.mean(axis=(2, 3)), features.astype(np.float32), outline]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, class_folders: Path) -> Path:
    return write_data(tmp_path_factory.mktemp("checks") / "data", class_folders)


@pytest.fixture(scope="module")
def seeing(model_folder: Path) -> Model:
    return Model(read_card(model_folder), np.ones((4, 8), np.float32), BrightSpots())


@pytest.fixture(scope="module")
def measured(data: Path, seeing: Model, tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    split = made_split(tmp_path_factory.mktemp("split") / "split.csv")
    parts = read_parts(data, split=split, part="validation")
    assert len(parts.evaluated) == 16
    assert len(parts.training) == 32
    return measure(seeing, parts, data=data, grouped=True, checks=True)


def test_every_check_is_measured(measured: Measurement) -> None:
    checks = measured.to_json()["checks"]
    assert set(checks) == set(CHECKS)
    assert all(checks.values())


def test_a_model_that_sees_the_tumor_passes(measured: Measurement) -> None:
    checks = measured.sections["checks"]
    rows = {(row["source"], row["sequence"]): row for row in checks["same_heads"]}
    assert set(rows) == {("slices", "flair"), ("slices", "t1c"), ("slices", "all")}
    row = rows["slices", "all"]
    assert (row["heads"], row["with_tumor"], row["without_tumor"]) == (PATIENTS, 24, 24)
    assert row["auc"] > 0.9
    assert not row["seen_in_training"]
    painted = checks["painted_over"]["rows"][-1]
    assert painted["dataset"] == "all"
    assert painted["count"] > 15
    assert painted["changed"] > 0.9
    assert painted["changed_elsewhere"] < 0.1
    pointed = {row["dataset"]: row for row in checks["localisation"]}
    assert pointed["slices"]["pointing"] > 0.8
    assert pointed["slices"]["pointing"] > 3 * pointed["slices"]["chance"]
    dice = {(row["dataset"], row["label"]): row["dice"] for row in checks["outlines"]["dice"]}
    assert dice["slices", "glioma"] > 0.8
    assert checks["outlines"]["false"][-1]["count"] == 4


def test_nothing_is_given_away_by_the_outline(measured: Measurement) -> None:
    rows = measured.sections["checks"]["surroundings"]
    assert {row["shown"] for row in rows} == {
        "outside", "silhouette", "silhouette, logistic regression",
    }  # fmt: skip
    for row in rows:
        if row["dataset"] == "all" and "regression" not in row["shown"]:
            assert row["accuracy"] == row["chance"] == 0.25


def test_healthy_slices_are_counted(measured: Measurement) -> None:
    healthy = measured.sections["checks"]["healthy"]
    assert healthy["slices"] == healthy["volumes"][0]["slices"] == 6
    assert healthy["right"] == 1.0


def test_a_model_that_sees_nothing_fails(data: Path, seeing: Model, tmp_path: Path) -> None:
    class Blind(BrightSpots):
        def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            outputs = GraphOutputs(*super().run(names, inputs))
            return [0 * outputs.logits + np.array([1, 0, 0, 0]), *outputs[1:]]

    parts = read_parts(data, split=made_split(tmp_path / "split.csv"), part="validation")
    blind = replace(seeing, session=Blind())
    checks = measure(blind, parts, data=data, grouped=True, checks=True).sections["checks"]
    assert checks["same_heads"][0]["auc"] == 0.5
    assert checks["painted_over"]["rows"][-1]["changed"] == 0.0
    assert checks["healthy"]["right"] == 0.0


def test_what_the_data_do_not_hold_is_left_out(class_folders: Path, seeing: Model) -> None:
    parts = read_parts(class_folders, split=None, part="validation")
    checks = measure(seeing, parts, data=class_folders, checks=True).sections["checks"]
    absent = {name for name, found in checks.items() if found is None}
    assert absent == {"same_heads", "painted_over", "healthy", "localisation", "outlines"}


@pytest.mark.parametrize(("trained", "left"), [(4, 2), (PATIENTS, 0)])
def test_heads_that_were_trained_on_are_not_asked(
    data: Path, seeing: Model, tmp_path: Path, trained: int, left: int
) -> None:
    split = made_split(tmp_path / "split.csv")
    slices = load_examples(data, only=["slices"])
    patients = sorted({example.patient for example in slices})[:trained]
    by_group, by_patient, *by_pictures = patients
    group = next(example.group for example in slices if example.patient == by_group)
    text = split.read_text().replace(",glioma_tumor1,", f",{group},")  # of another set
    first = next(example for example in slices if example.patient == by_patient)
    named = [first, *(example for example in slices if example.patient in by_pictures)]
    for example in named:
        text += f"{example.picture},{example.label},renamed {example.patient},training\n"
    split.write_text(text)
    parts = read_parts(data, split=split, part="validation")
    checks = measure(seeing, parts, data=data, grouped=True, checks=True).sections["checks"]
    if not left:
        assert checks["same_heads"] is None
        assert checks["painted_over"] is None
        return
    assert {row["heads"] for row in checks["same_heads"]} == {left}


def test_models_that_cannot_be_asked_are_refused_first(seeing: Model) -> None:
    only_tumors = replace(seeing, card=replace(seeing.card, classes=("glioma", "meningioma")))
    with pytest.raises(DataError, match="no_tumor"):
        check_request(only_tumors, checks=True, against=None)
    with pytest.raises(DataError, match="two models of the classes"):
        check_request(seeing, checks=False, against=only_tumors)
    check_request(seeing, checks=True, against=seeing)
