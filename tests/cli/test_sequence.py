"""``tumorlens sequence``: a finished model in, the same with a network over slices out."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from tests.conftest import head, write_tiny_model
from tests.lab.slice_sequence.made import split_heads, write_heads
from tumorlens.card import read_card
from tumorlens.cli import app
from tumorlens.errors import TrainingError
from tumorlens.lab.networks.slice_sequence import SliceSequenceNetwork
from tumorlens.lab.slice_sequence import exporting
from tumorlens.model import load_model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.scan import Volume


def sequence(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["sequence", *map(str, arguments)])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_heads(tmp_path_factory.mktemp("data"))
    split_heads(root / "split.csv")
    return root


def test_the_road_from_heads_to_a_volumes_answer(
    data: Path, model_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "joined"
    done = sequence(
        model_folder, "--data", data, "--split", data / "split.csv", "--output", output,
        "--epochs", 2, "--views", 1,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "trained on 6 heads" in done.stdout
    assert "slices of slices all:" in done.stdout
    assert "difference in auc" in done.stdout
    assert read_card(model_folder).sequence is None
    card = read_card(output)
    assert card.sequence is not None
    assert card.sequence.training["heads"] == {"training": 6, "validation": 6}
    assert card.sequence.measured["patients"] == 3
    assert json.loads((output / "card.json").read_text())["sequence"]["planes"] == ["axial"]
    volume = Volume(
        np.stack([head(blob=120.0 * (2 < k < 6)) for k in range(9)]),
        "volume",
        (5.0, 1.0, 1.0),
    )
    answer = predict(volume, model=load_model(output, threads=1))
    assert isinstance(answer, VolumePrediction)
    assert answer.joined_by == "sequence"


def test_heads_that_the_classifier_has_learnt_from_are_told(
    data: Path, model_folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(model_folder, run / "model")
    lines = (data / "split.csv").read_text()
    turned = {"training": "validation", "validation": "training"}
    own = re.sub("training|validation", lambda found: turned[found[0]], lines)
    (run / "split.csv").write_text(own)
    words = (run / "model", "--data", data, "--epochs", 1, "--views", 0, "--output")
    done = sequence(*words, tmp_path / "other", "--split", data / "split.csv")
    assert done.exit_code == 0, done.output
    assert "warning: 54 of 54 evaluated slices (100.0%) are in the model's own" in done.stderr
    measured = read_card(tmp_path / "other").sequence.measured  # type: ignore[union-attr]
    assert measured["seen"] == {"count": 54, "of": 54, "share": 1.0}
    done = sequence(*words, tmp_path / "own", "--split", run / "split.csv")
    assert done.exit_code == 0, done.output
    assert "warning" not in done.stderr
    assert "seen" not in read_card(tmp_path / "own").sequence.measured  # type: ignore[union-attr]


def test_an_older_network_is_replaced(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    hashes = set()
    for seed in range(2):
        torch.manual_seed(seed)
        card = exporting.export_sequence(SliceSequenceNetwork(8), folder, training={}, measured={})
        assert card.sequence is not None
        assert load_model(folder, threads=1).sequence is not None
        hashes.add(card.sequence.sha256)
    assert len(hashes) == 2
    assert {path.name for path in folder.iterdir()} == {
        "model.onnx", "card.json", "sequence.onnx",
    }  # fmt: skip


def test_a_graph_that_differs_from_pytorch_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_model(tmp_path / "model")
    other = exporting._graph(SliceSequenceNetwork(8).eval())
    monkeypatch.setattr(exporting, "_graph", lambda _: other)
    network = SliceSequenceNetwork(8)
    network.calibrate((2.0, 1.0), (1.0, 0.0))
    with pytest.raises(TrainingError, match="slices of 1 slices differ"):
        exporting.export_sequence(network, folder, training={}, measured={})
    assert read_card(folder).sequence is None
    assert not (folder / "sequence.onnx").exists()


def test_mistakes_are_plain_messages(
    data: Path, model_folder: Path, class_folders: Path, tmp_path: Path
) -> None:
    for arguments, said in (
        ((model_folder, "--data", class_folders, "--split", data / "split.csv"), "whole heads"),
        ((tmp_path, "--data", data, "--split", data / "split.csv"), "card.json"),
        ((model_folder, "--data", data, "--split", tmp_path / "none.csv"), "no such file"),
    ):
        done = sequence(*arguments)
        assert done.exit_code in (1, 2)
        assert said in done.stderr
        assert "Traceback" not in done.output
