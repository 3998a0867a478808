"""A MONAI bundle, as downloaded -> a model folder.

Laid out as ``brats_mri_segmentation`` of MONAI's model zoo: ``configs/metadata.json``,
``configs/inference.json``, and ``models/model.pt`` (weights) or ``models/model.ts``. Nothing in a
bundle is run: its configs are read as data, expressions in what matters are refused, and weights
are loaded without unpickling objects.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tumorlens.card import CARD_FILE
from tumorlens.errors import ConfigError, ModelError
from tumorlens.lab.volumes.bundle_config import (
    INFERENCE,
    METADATA,
    check_postprocessing,
    preparation_of,
    read_json,
    regions_of,
    sequences_of,
    unusable,
    window_of,
)
from tumorlens.lab.volumes.bundle_network import load_network
from tumorlens.lab.volumes.exporting import export_volume_model
from tumorlens.volume_outlining import VolumeCard, VolumeModel
from tumorlens.volume_outlining.card import read_volume_card


def check_replaceable(output: Path) -> None:
    """Refuse to convert into the folder of a model of another kind.

    Raises:
        ConfigError: There is one.
    """
    if not (output / CARD_FILE).is_file():
        return
    try:
        read_volume_card(output)
    except ModelError as error:
        raise ConfigError(
            expected="a new folder, or one of a model that outlines volumes",
            found="another model",
            remedy="Give another --output.",
            source=str(output),
        ) from error


def import_bundle(
    bundle: Path, output: Path, *, patch: tuple[int, int, int] | None = None
) -> VolumeModel:
    """Convert a bundle.

    Args:
        bundle: Its folder.
        output: The model folder; made if absent. A model for volumes in it is replaced.
        patch: Of the exported graph; what the bundle slides over a head (``roi_size``) where
            None.

    Raises:
        ModelMissingError: A file of the bundle is absent.
        ModelCorruptError: It cannot be read, or speaks of a preparation, network, sequences or
            regions that are not known here.
        ConfigError: The patch does not fit, or the output folder holds a model of another kind.
    """
    check_replaceable(output)
    metadata, inference = (read_json(bundle, name) for name in (METADATA, INFERENCE))
    card = _card(metadata, inference, bundle, patch)
    network = load_network(inference, bundle)
    card = replace(card, network=type(network).__name__)
    _try(network, card, bundle)
    check_postprocessing(inference, bundle, regions=card.regions)
    return export_volume_model(network, card, output)


def _card(
    metadata: Mapping[str, Any],
    inference: Mapping[str, Any],
    bundle: Path,
    patch: tuple[int, int, int] | None,
) -> VolumeCard:
    """What the configs say; the network's name and the graph's hash come later."""
    formats = metadata.get("network_data_format", {})
    axes, spacing = preparation_of(inference, bundle)
    window, overlap = window_of(inference, bundle, patch=patch)
    return VolumeCard(
        name=bundle.resolve().name,
        version=str(metadata.get("version", "")),
        sequences=sequences_of(formats, bundle),
        regions=regions_of(formats, bundle),
        patch=_checked_patch(window),
        spacing_mm=spacing,
        axes=axes,
        overlap=overlap,
        flips=False,
        sequence_dropout=0.0,
        sha256="",
        network="",
        created=datetime.now(UTC).date().isoformat(),
        intended_use=str(metadata.get("intended_use", "")),
        limitations=(
            "Converted from a MONAI bundle; tumorlens measured nothing of it.",
            "Knows heads whose skull was taken off, with registered sequences and a background "
            "of 0.",
        ),
        licence="see the bundle's LICENSE",
        data={"source": str(metadata.get("data_source", ""))},
        training={"bundle": str(metadata.get("description", ""))},
        scores={"said_by_the_bundle": metadata.get("eval_metrics", {})},
    )


def _try(network: nn.Module, card: VolumeCard, bundle: Path) -> None:
    """One pass, before anything is written."""
    expected = (1, len(card.regions), *card.patch)
    try:
        with torch.inference_mode():
            found = network.eval()(torch.zeros(1, len(card.sequences), *card.patch))
        shape = tuple(found.shape)
    except (RuntimeError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise unusable(
            bundle,
            f"a network of {len(card.sequences)} sequences and patches of {card.patch}",
            f"one that fails on them ({str(error).splitlines()[0]}); another --patch may fit",
        ) from error
    if shape != expected:
        raise unusable(bundle, f"an output of {expected}, a map for each region", str(shape))


def _checked_patch(patch: tuple[int, int, int]) -> tuple[int, int, int]:
    if all(side == int(side) and side >= 16 and side % 8 == 0 for side in patch):
        first, second, third = patch
        return int(first), int(second), int(third)
    raise ConfigError(
        expected="three multiples of 8 from 16 on",
        found=" ".join(map(str, patch)),
        remedy="For example --patch 128 128 128.",
        source="--patch",
    )
