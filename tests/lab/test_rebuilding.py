"""A model folder's network learns on from where its training ended."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tumorlens.card import Card, read_card, write_card
from tumorlens.errors import ConfigError, ModelError
from tumorlens.lab.export import export_model
from tumorlens.lab.networks import Classifier, build_network
from tumorlens.lab.rebuilding import BUNDLED, begin_from, model_folder, rebuild, settle_norms
from tumorlens.labels import CLASSES
from tumorlens.model import DEFAULT_FOLDER, load_model
from tumorlens.preparation import Preparation

NAME, SIZE = "custom_cnn", 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = build_network(NAME, classes=4, outlines=True)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(4, 1, SIZE, SIZE))
    card = Card("made", "0", CLASSES, Preparation(size=SIZE), 1.3, "", NAME)
    found = tmp_path_factory.mktemp("model")
    export_model(network.eval(), card, found)
    return found


@pytest.fixture
def pictures() -> torch.Tensor:
    rng = np.random.default_rng(1)
    return torch.from_numpy(rng.random((6, 1, SIZE, SIZE), np.float32) ** 2)


def _scores(network: Classifier, pictures: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return np.concatenate([one.flatten(1).numpy() for one in network(pictures)], axis=1)


def test_what_the_bundled_model_answers_its_network_answers(pictures: torch.Tensor) -> None:
    folder = model_folder(BUNDLED)
    assert folder == DEFAULT_FOLDER
    size = read_card(folder).preparation.size
    larger = torch.nn.functional.interpolate(pictures, [size, size])
    ours, theirs = rebuild(folder)(larger), load_model(folder).run(larger.numpy())
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.detach().numpy(), other, atol=5e-3)


def test_measured_norms_change_no_answer_and_hold_in_training(
    folder: Path, pictures: torch.Tensor
) -> None:
    network = rebuild(folder)
    before = _scores(network, pictures)
    network.train()
    naive = _scores(network, pictures)  # batch norms that know nothing of what goes through
    network = rebuild(folder)
    settle_norms(network, pictures)
    assert not network.training
    np.testing.assert_allclose(_scores(network, pictures), before, atol=2e-3)
    network.train()
    settled = _scores(network, pictures)  # dropout still tells them apart a little
    assert np.abs(settled - before).mean() < 0.2 * np.abs(naive - before).mean()
    network.eval()
    settle_norms(network, pictures)
    np.testing.assert_allclose(_scores(network, pictures), before, atol=5e-2)


def test_the_average_of_several_is_one_more_of_its_kind(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "average"))
    write_card(copy, dataclasses.replace(read_card(folder), network=f"average of {NAME}"))
    torch.testing.assert_close(rebuild(copy).linear.weight, rebuild(folder).linear.weight)


def test_classes_keep_their_rows_and_new_ones_begin_anew(folder: Path) -> None:
    old = rebuild(folder)
    turned = build_network(NAME, classes=4, outlines=True)
    begin_from(turned, folder, name=NAME, classes=CLASSES[::-1])
    torch.testing.assert_close(turned.linear.weight.flip(0), old.linear.weight)
    torch.testing.assert_close(turned.linear.bias.flip(0), old.linear.bias)
    other = build_network(NAME, classes=2, outlines=True)
    begin_from(other, folder, name=NAME, classes=("abscess", "no_tumor"))
    torch.testing.assert_close(other.linear.weight[1], old.linear.weight[CLASSES.index("no_tumor")])
    assert not (other.linear.weight[0] == old.linear.weight).all(dim=1).any()
    plain = build_network(NAME, classes=4)  # outlines nothing: its linear layer sees less
    begin_from(plain, folder, name=NAME, classes=CLASSES)
    for network in (turned, other, plain):
        for name, value in network.features.state_dict().items():
            torch.testing.assert_close(value, old.features.state_dict()[name])


def test_what_cannot_be_begun_from_is_refused(folder: Path, tmp_path: Path) -> None:
    other = build_network("tf_efficientnet_lite0", classes=4)
    with pytest.raises(ConfigError, match=r'network.name = "custom_cnn"'):
        begin_from(other, folder, name="tf_efficientnet_lite0", classes=CLASSES)
    assert model_folder("imagenet") is None
    assert model_folder(str(tmp_path)) is None
    card = read_card(folder)
    for network, match in (
        ("vote of a + b", "none of them"),
        ("tf_efficientnet_lite0", "a graph without"),
    ):
        copy = tmp_path / network
        copy.mkdir()
        (copy / "model.onnx").write_bytes((folder / "model.onnx").read_bytes())
        write_card(copy, dataclasses.replace(card, network=network))
        with pytest.raises(ConfigError, match=match):
            rebuild(copy)
    (tmp_path / "card.json").write_text((folder / "card.json").read_text())
    (tmp_path / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelError):
        rebuild(tmp_path)
