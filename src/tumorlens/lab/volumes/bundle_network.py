"""The network of a MONAI bundle, with its weights."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.networks import nets
from torch import Tensor, nn

from tumorlens.errors import ModelMissingError
from tumorlens.lab.volumes.bundle_config import INFERENCE, SCRIPT, WEIGHTS, unusable

NETWORKS = ("SegResNet", "SegResNetDS", "UNet", "DynUNet", "BasicUNet", "AttentionUnet")
"""Networks of ``monai.networks.nets`` that a bundle may name."""

_WRAPPED = ("model", "state_dict", "network")


def load_network(inference: Mapping[str, Any], bundle: Path) -> nn.Module:
    """Build the network that a bundle names, and load its weights without unpickling objects.

    Args:
        inference: Of its ``configs/inference.json``.
        bundle: Its folder.

    Raises:
        ModelMissingError: There are no weights.
        ModelCorruptError: The network is none of `NETWORKS`, its settings are no plain values, or
            the weights cannot be read or do not fit.
    """
    network = _network(inference, bundle)
    weights = _weights(bundle)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        said = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise unusable(bundle, "weights that fit the network_def", said) from error
    return network


def _network(inference: Mapping[str, Any], bundle: Path) -> nn.Module:
    found = inference.get("network_def", inference.get("network"))
    definition = dict(found) if isinstance(found, dict) else {}
    name = str(definition.pop("_target_", "")).rpartition(".")[2]
    if name not in NETWORKS or "$" in json.dumps(definition) or "@" in json.dumps(definition):
        raise unusable(
            bundle / INFERENCE,
            f"a network_def of one of {', '.join(NETWORKS)} with plain values",
            name or "none",
        )
    kept = {key: value for key, value in definition.items() if not key.startswith("_")}
    kept.setdefault("spatial_dims", 3)
    try:
        built: nn.Module = getattr(nets, name)(**kept)
    except (TypeError, ValueError) as error:
        raise unusable(bundle / INFERENCE, f"settings of {name}", str(error)) from error
    return built


def _weights(bundle: Path) -> dict[str, Tensor]:
    try:
        if (bundle / WEIGHTS).is_file():
            found = torch.load(bundle / WEIGHTS, map_location="cpu", weights_only=True)
            for key in _WRAPPED:
                if isinstance(found.get(key), dict):
                    found = found[key]
            return dict(found)
        if (bundle / SCRIPT).is_file():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # bundles still come so
                script = torch.jit.load(  # type: ignore[no-untyped-call]
                    bundle / SCRIPT, map_location="cpu"
                )
            return dict(script.state_dict())
    except Exception as error:  # PyTorch raises many types on damaged files
        raise unusable(
            bundle, f"readable weights in {WEIGHTS} or {SCRIPT}", str(error).splitlines()[0]
        ) from error
    raise ModelMissingError(
        expected=f"weights in {WEIGHTS} or {SCRIPT}",
        found="neither",
        remedy="Download the whole bundle, large files too.",
        source=str(bundle),
    )
