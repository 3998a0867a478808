"""Quantisation of the tiny model: what the folder gets, and what the runtime makes of it."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import SIZE
from tests.made_heads import draw_head
from tumorlens.card import read_card
from tumorlens.errors import ConfigError, DataError, ModelCorruptError, ModelMissingError
from tumorlens.lab.datasets import Example
from tumorlens.lab.pictures import ByteArray
from tumorlens.lab.quantization import quantize_model, spread
from tumorlens.labels import CLASSES
from tumorlens.model import GRAPHS, INT8, load_model
from tumorlens.prediction import predict_slices
from tumorlens.preparation import Preparation, prepare
from tumorlens.scan import Scan


def _example(number: int, label: str, dataset: str = "made") -> Example:
    name = f"{dataset}/{number}.png"
    return Example(Path(name), name, label, f"{dataset}:{number // 2}", None, dataset)


def _material(seed: int) -> tuple[list[Example], ByteArray]:
    examples, pictures = [], []
    for number in range(12):
        label = CLASSES[number % len(CLASSES)]
        scan = Scan(draw_head(label, seed=seed + number).astype(np.float32), "made")
        pixels = prepare(scan, Preparation(size=SIZE)).pixels
        examples.append(_example(number, label))
        pictures.append(np.rint(pixels * 255).astype(np.uint8))
    return examples, np.stack(pictures)


@pytest.fixture(scope="module")
def quantized(outlining_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantized") / "model"
    shutil.copytree(outlining_folder, folder)
    examples, pixels = _material(500)
    quantize_model(folder, _material(0)[1], examples, pixels)
    return folder


def test_the_card_says_what_was_measured(quantized: Path) -> None:
    found = read_card(quantized).int8
    assert found is not None
    assert found.measured["pictures"] == 12
    assert found.measured["calibrated_on"] == 12
    accuracy = found.measured["accuracy"]
    assert found.measured["points_lost"] == pytest.approx(
        100 * (accuracy["float32"] - accuracy["int8"]), abs=1e-3
    )
    examples, pixels = _material(500)
    for precision, told in accuracy.items():
        model = load_model(quantized, threads=1, precision=precision)
        logits = model.run(pixels[:, np.newaxis].astype(np.float32) / np.float32(255)).logits
        named = [CLASSES[number] for number in logits.argmax(1)]
        right = [name == example.label for name, example in zip(named, examples, strict=True)]
        assert told == pytest.approx(np.mean(right), abs=1e-4)


def test_int8_answers_nearly_alike_and_says_that_it_did(quantized: Path) -> None:
    scan = Scan(draw_head("glioma", seed=9).astype(np.float32), "scan")
    exact = load_model(quantized, threads=1)
    quick = load_model(quantized, threads=1, precision=INT8)
    assert quick.precision == INT8
    (one,), (other,) = (predict_slices([scan], model=model) for model in (exact, quick))
    assert other.probabilities == pytest.approx(one.probabilities, abs=0.05)
    assert other.probabilities != one.probabilities
    assert other.model.sha256 == quick.card.sha256 != exact.card.sha256
    np.testing.assert_array_equal(exact.class_weights, quick.class_weights)


def test_heatmaps_still_belong_to_the_class(quantized: Path) -> None:
    """The mean of a class's weighted feature maps is its logit, but for the constant."""
    quick = load_model(quantized, threads=1, precision=INT8)
    outputs = quick.run(_material(3)[1][:, np.newaxis].astype(np.float32) / np.float32(255))
    maps = np.einsum("kc,nchw->nkhw", quick.class_weights, outputs.features)
    rest = outputs.logits - maps.mean(axis=(2, 3))
    np.testing.assert_allclose(rest, np.broadcast_to(rest[0], rest.shape), atol=1e-4)


def test_a_folder_without_int8_says_how_to_get_it(model_folder: Path) -> None:
    with pytest.raises(ModelMissingError, match="tumorlens quantize"):
        load_model(model_folder, precision=INT8)


def test_an_unknown_precision_is_refused(model_folder: Path) -> None:
    with pytest.raises(ConfigError, match="float32, int8"):
        load_model(model_folder, precision="int4")


def test_a_damaged_int8_graph_is_refused(quantized: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(quantized, folder)
    graph = folder / GRAPHS[INT8]
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    load_model(folder)
    with pytest.raises(ModelCorruptError, match="SHA-256"):
        load_model(folder, precision=INT8)
    graph.unlink()
    with pytest.raises(ModelMissingError):
        load_model(folder, precision=INT8)


def test_nothing_to_calibrate_on_is_refused(model_folder: Path) -> None:
    examples, pixels = _material(0)
    with pytest.raises(DataError):
        quantize_model(model_folder, pixels[:0], examples, pixels)


def test_calibration_pictures_are_spread_over_sets_and_classes() -> None:
    examples = [_example(n, "glioma", "large") for n in range(100)]
    examples += [_example(n, "no_tumor", "large") for n in range(100, 103)]
    examples += [replace(one, dataset="small") for one in examples[:10]]
    chosen = spread(examples, 24)
    assert Counter((one.dataset, one.label) for one in chosen) == {
        ("large", "glioma"): 8,
        ("large", "no_tumor"): 3,
        ("small", "glioma"): 8,
    }
    assert len(set(chosen)) == len(chosen)
