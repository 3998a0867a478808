import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import CHANNELS, SIZE, STRIDE, tiny_card, write_tiny_model
from tumorlens.card import CARD_FILE, write_card
from tumorlens.errors import ModelCorruptError, ModelMissingError
from tumorlens.labels import CLASSES
from tumorlens.model import DEFAULT_FOLDER, GRAPH_FILE, WHOLE_TUMOR_FOLDER, Model, load_model


@pytest.mark.parametrize("count", [1, 3])
def test_outputs_have_the_promised_shapes(model: Model, count: int) -> None:
    outputs = model.run(np.zeros((count, 1, SIZE, SIZE), np.float32))
    side = SIZE // STRIDE
    assert outputs.logits.shape == (count, len(CLASSES))
    assert outputs.embedding.shape == (count, CHANNELS)
    assert outputs.features.shape == (count, CHANNELS, side, side)
    assert outputs.outline is None
    assert {array.dtype for array in outputs[:3]} == {np.dtype(np.float32)}


def test_class_weights_are_the_graphs_own_linear_layer(model: Model) -> None:
    pictures = np.random.default_rng(1).random((5, 1, SIZE, SIZE), np.float32)
    outputs = model.run(pictures)
    rest = outputs.logits - outputs.embedding @ model.class_weights.T
    np.testing.assert_allclose(rest, np.broadcast_to(rest[0], rest.shape), atol=1e-5)


def test_path_may_be_text(model_folder: Path) -> None:
    assert load_model(str(model_folder), threads=1).card == tiny_card(
        (model_folder / GRAPH_FILE).read_bytes()
    )


def test_changed_graph_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    graph = bytearray((folder / GRAPH_FILE).read_bytes())
    graph[len(graph) // 2] ^= 1
    (folder / GRAPH_FILE).write_bytes(graph)
    with pytest.raises(ModelCorruptError, match="SHA-256") as caught:
        load_model(folder)
    assert caught.value.found == hashlib.sha256(graph).hexdigest()


@pytest.mark.parametrize("graph", [b"", b"no graph at all"])
def test_what_is_no_graph_is_refused_even_with_the_right_hash(tmp_path: Path, graph: bytes) -> None:
    (tmp_path / GRAPH_FILE).write_bytes(graph)
    write_card(tmp_path, tiny_card(graph))
    with pytest.raises(ModelCorruptError, match="ONNX"):
        load_model(tmp_path)


def test_card_of_other_classes_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    card = tiny_card((folder / GRAPH_FILE).read_bytes())
    write_card(folder, replace(card, classes=("one", "two", "three")))
    with pytest.raises(ModelCorruptError):
        load_model(folder)


@pytest.mark.parametrize("name", [GRAPH_FILE, CARD_FILE])
def test_incomplete_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_tiny_model(tmp_path)
    (folder / name).unlink()
    with pytest.raises(ModelMissingError):
        load_model(folder)


def test_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError):
        load_model(tmp_path / "nowhere")


def test_tta_is_the_mean_over_the_picture_and_its_mirror_image(outlining: Model) -> None:
    pictures = np.random.default_rng(2).random((3, 1, SIZE, SIZE), np.float32)
    plain = outlining.run(pictures)
    mirrored = outlining.run(np.ascontiguousarray(pictures[..., ::-1]))
    assert np.abs(plain.logits - mirrored.logits).max() > 1e-3
    both = outlining.with_tta()
    outputs = both.run(pictures)
    np.testing.assert_allclose(outputs.logits, (plain.logits + mirrored.logits) / 2, atol=1e-5)
    np.testing.assert_array_equal(outputs.embedding, plain.embedding)
    assert outputs.outline is not None
    assert plain.outline is not None
    np.testing.assert_allclose(outputs.outline, plain.outline, atol=1e-3)  # pixel by pixel
    flipped = both.run(np.ascontiguousarray(pictures[..., ::-1]))
    np.testing.assert_allclose(flipped.logits, outputs.logits, atol=1e-5)
    np.testing.assert_allclose(flipped.features[..., ::-1], outputs.features, atol=1e-5)


def test_with_tta_the_weighted_features_still_are_the_logits(model: Model) -> None:
    pictures = np.random.default_rng(3).random((2, 1, SIZE, SIZE), np.float32)
    outputs = model.with_tta().run(pictures)
    maps = np.einsum("kc,nchw->nkhw", model.class_weights, outputs.features)
    plain = model.run(pictures)
    bias = plain.logits - plain.embedding @ model.class_weights.T
    np.testing.assert_allclose(maps.mean(axis=(2, 3)) + bias, outputs.logits, atol=1e-4)


def test_only_the_bundled_model_has_a_companion(model: Model, tmp_path: Path) -> None:
    bundled = [load_model(folder, gated=False) for folder in (None, DEFAULT_FOLDER)]
    assert {one.companion for one in bundled} == {WHOLE_TUMOR_FOLDER}
    assert (WHOLE_TUMOR_FOLDER / GRAPH_FILE).is_file()
    assert model.companion is None
    shutil.copytree(DEFAULT_FOLDER, tmp_path / "copy")
    assert load_model(tmp_path / "copy").companion is None
    assert bundled[0].with_skull_strip("radial").with_tta().companion == WHOLE_TUMOR_FOLDER
