"""Every network of the table: shapes, freezing, Grad-CAM and export."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchcam.methods

from tumorlens.card import Card
from tumorlens.errors import ConfigError
from tumorlens.explanation import explain, grad_cam
from tumorlens.lab.catalogue import CATALOGUE
from tumorlens.lab.export import TOLERANCE, export_model
from tumorlens.lab.networks import NETWORKS, Backbone, Classifier, build_network
from tumorlens.lab.rebuilding import rebuild, settle_norms
from tumorlens.labels import CLASSES
from tumorlens.model import Model
from tumorlens.prediction import predict
from tumorlens.preparation import Preparation, prepare
from tumorlens.scan import Scan


class LogitsOnly(torch.nn.Module):
    """torch-cam wants a network that returns one tensor."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.network(pictures).logits


TWINS = ("resnet50_v1_5", "efficientnet_b0")
"""Built as another one is, which is tested each time."""


def variants() -> list[object]:
    """Each network, with outlines too where it can; large ones with outlines and twins are slow."""
    found: list[object] = [
        pytest.param((name, False), marks=[pytest.mark.slow] if name in TWINS else [])
        for name in NETWORKS
    ]
    for name, about in CATALOGUE.items():
        slow = about.parameters > 10_000_000 or name in TWINS
        marks = [pytest.mark.slow] if slow else []
        if about.outlines:
            found.append(pytest.param((name, True), marks=marks))
    return found


@pytest.fixture(scope="module", params=variants(), ids=str)
def variant(request: pytest.FixtureRequest) -> tuple[str, bool]:
    return request.param


@pytest.fixture(scope="module")
def size(variant: tuple[str, bool]) -> int:
    """Enough for heatmaps of 2 x 2."""
    return 64 if CATALOGUE[variant[0]].smallest < 64 else 112


@pytest.fixture(scope="module")
def network(variant: tuple[str, bool], size: int) -> Classifier:
    """Each network with random weights and lived-in batch-norm statistics."""
    torch.manual_seed(0)
    name, outlines = variant
    built = build_network(name, classes=4, outlines=outlines)
    torch.nn.init.normal_(built.linear.weight, mean=0.05, std=0.1)  # some evidence for each
    for layer in built.features.modules():
        if isinstance(layer, torch.nn.Conv2d):  # InceptionV3's own are so large that maps explode
            torch.nn.init.kaiming_normal_(layer.weight)
    built.train()
    with torch.no_grad():
        for _ in range(3):
            built(torch.rand(4, 1, size, size))
    return built.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, variant: tuple[str, bool]) -> Path:
    return tmp_path_factory.mktemp("model")


@pytest.fixture(scope="module")
def exported(network: Classifier, variant: tuple[str, bool], size: int, folder: Path) -> Model:
    card = Card("test", "0", CLASSES, Preparation(size=size), 1.3, "", variant[0])
    return export_model(network, card, folder)


def test_outputs_have_the_documented_shapes(network: Classifier, size: int) -> None:
    with torch.inference_mode():
        logits, embedding, features, outline = network(torch.rand(2, 1, size, size))
    channels = network.linear.in_features
    assert logits.shape == (2, 4)
    assert embedding.shape == (2, channels)
    assert features.shape[:2] == (2, channels)
    torch.testing.assert_close(embedding, features.mean((2, 3)))
    assert outline is None or outline.shape == (2, 1, size // 2, size // 2)
    assert (outline is None) == (network.decoder is None)


@pytest.mark.parametrize("target", range(4))
def test_heatmap_equals_torchcam(
    network: Classifier, exported: Model, size: int, target: int
) -> None:
    rng = np.random.default_rng(target)
    scan = Scan(rng.random((size, size), np.float32) * 200 + 20, "made")
    prediction = predict(scan, model=exported)
    ours = grad_cam(prediction.evidence.class_maps[target])
    pictures = torch.from_numpy(prepare(scan, exported.card.preparation).pixels)[None, None]
    wrapped = LogitsOnly(network)
    with torchcam.methods.GradCAM(wrapped, target_layer="network.last") as cam:
        scores = wrapped(pictures.requires_grad_())
        theirs = cam(target, scores)[0][0].detach().numpy()
    assert ours.max() > 0
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_explanation_lies_on_the_scan(exported: Model) -> None:
    scan = Scan(np.random.default_rng(1).random((80, 50), np.float32), "made")
    prediction = predict(scan, model=exported)
    heatmap = explain(prediction, target="glioma").heatmap
    assert heatmap.shape == (80, 50)
    assert 0 <= heatmap.min() <= heatmap.max() <= 1


def test_the_graph_equals_pytorch_for_any_number_of_pictures(
    network: Classifier, exported: Model, size: int
) -> None:
    for count in (1, 5):
        pictures = np.random.default_rng(count).random((count, 1, size, size), np.float32)
        with torch.inference_mode():
            expected = network(torch.from_numpy(pictures))
        answered = exported.run(pictures)
        assert (answered.outline is None) == (network.decoder is None)
        for ours, theirs in zip(answered, expected, strict=True):
            if ours is None:
                continue
            np.testing.assert_allclose(ours, theirs.numpy(), atol=TOLERANCE)


def test_the_graph_carries_the_linear_weights(network: Classifier, exported: Model) -> None:
    np.testing.assert_array_equal(exported.class_weights, network.linear.weight.detach().numpy())


def test_the_network_comes_back_from_its_graph(
    network: Classifier, exported: Model, folder: Path, size: int
) -> None:
    pictures = torch.rand(3, 1, size, size)
    with torch.inference_mode():
        expected = network(pictures).logits
        again = rebuild(folder)
        torch.testing.assert_close(again(pictures).logits, expected, atol=2e-3, rtol=1e-3)
        settle_norms(again, pictures)
        torch.testing.assert_close(again(pictures).logits, expected, atol=5e-3, rtol=5e-3)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_catalogue_tells_the_truth(name: str) -> None:
    network, about = build_network(name, classes=4).eval(), CATALOGUE[name]
    backbone = NETWORKS[name]("none")
    assert sum(weight.numel() for weight in network.parameters()) == about.parameters
    assert len(backbone.stages) == about.stages
    assert bool(backbone.levels) == about.outlines
    with torch.inference_mode():
        assert network(torch.rand(1, 1, about.smallest, about.smallest)).features.numel()
        side = network(torch.rand(1, 1, 224, 224)).features.shape[-1]
    assert side in {224 // about.stride, 224 // about.stride - 2}  # without padding: fewer


def test_the_catalogue_lists_every_network_in_order() -> None:
    assert list(CATALOGUE) == list(NETWORKS)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_frozen_stages_do_not_change_in_training(name: str) -> None:
    network = build_network(name, classes=4, frozen_stages=2).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    optimizer = torch.optim.SGD([w for w in network.parameters() if w.requires_grad], lr=0.1)
    side = max(64, CATALOGUE[name].smallest)
    network(torch.rand(4, 1, side, side)).logits[:, 0].sum().backward()
    optimizer.step()
    after = network.state_dict()
    changed = {key.split(".")[1] for key in before if not torch.equal(before[key], after[key])}
    assert "0" not in changed
    assert "1" not in changed
    assert "2" in changed


@pytest.mark.parametrize("name", list(NETWORKS))
def test_too_many_frozen_stages_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="at most"):
        build_network(name, classes=4, frozen_stages=99)


@pytest.mark.parametrize("name", ["custom_cnn", "tf_efficientnet_lite0"])
def test_stages_thaw_again(name: str) -> None:
    network = build_network(name, classes=4, frozen_stages=3).train()
    network.freeze(1)
    learning = [all(w.requires_grad for w in stage.parameters()) for stage in network.stages]
    assert learning == [False] + [True] * (len(network.stages) - 1)
    assert [stage.training for stage in network.stages] == learning


def test_the_custom_network_has_no_imagenet_weights() -> None:
    with pytest.raises(ConfigError, match="no other weights"):
        build_network("custom_cnn", classes=4, weights="imagenet")


def test_a_network_without_levels_cannot_outline(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_levels(_: str) -> Backbone:
        return Backbone(torch.nn.Conv2d(1, 4, 3), 4, (), 0.5, 0.5)

    monkeypatch.setitem(NETWORKS, "plain", without_levels)
    with pytest.raises(ConfigError, match="outline"):
        build_network("plain", classes=4, outlines=True)
