"""A MONAI bundle, as downloaded -> a model folder.

Laid out as ``brats_mri_segmentation`` of MONAI's model zoo: ``configs/metadata.json``,
``configs/inference.json``, and ``models/model.pt`` (weights) or ``models/model.ts``. Nothing in a
bundle is run: its configs are read as data, expressions in what matters are refused, and weights
are loaded without unpickling objects.
"""

import json
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from monai.networks import nets
from torch import Tensor, nn

from tumorlens.card import CARD_FILE
from tumorlens.errors import ConfigError, ModelCorruptError, ModelError, ModelMissingError
from tumorlens.lab.volumes.cases import AXES
from tumorlens.lab.volumes.exporting import export_volume_model
from tumorlens.reading.sequence import guess_sequence
from tumorlens.volume_outlining import THRESHOLD, VolumeCard, VolumeModel
from tumorlens.volume_outlining.card import read_volume_card
from tumorlens.volume_outlining.regions import CORE, ENHANCING, REGIONS, WHOLE

METADATA, INFERENCE = "configs/metadata.json", "configs/inference.json"
WEIGHTS, SCRIPT = "models/model.pt", "models/model.ts"

NETWORKS = ("SegResNet", "SegResNetDS", "UNet", "DynUNet", "BasicUNet", "AttentionUnet")
"""Networks of ``monai.networks.nets`` that a bundle may name."""

_HARMLESS = {
    *("LoadImaged", "EnsureChannelFirstd", "EnsureTyped", "ToTensord", "CropForegroundd"),
    *("NormalizeIntensityd", "Orientationd", "Spacingd"),
}
"""Steps of preparation that the runtime does too, or that change nothing here."""

_AFTERWARDS = {
    *("Activationsd", "AsDiscreted", "Invertd", "SaveImaged", "EnsureTyped", "ToTensord"),
}
"""Steps after the network, likewise."""

_OVERLAP = 0.25  # MONAI's own, where a bundle says nothing
_WAYS = ("RL", "AP", "SI")

_REGION_WORDS = {"core": CORE, "whole": WHOLE, "enhancing": ENHANCING}
_WRAPPED = ("model", "state_dict", "network")


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
    metadata, inference = (_read_json(bundle, name) for name in (METADATA, INFERENCE))
    formats = metadata.get("network_data_format", {})
    sequences = _sequences(formats, bundle)
    regions = _regions(formats, bundle)
    axes, spacing = _preparation(inference, bundle)
    _check_postprocessing(inference, bundle)
    network = _network(inference, bundle)
    try:
        network.load_state_dict(_weights(bundle))
    except RuntimeError as error:
        said = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise _unusable(bundle, "weights that fit the network_def", said) from error
    inferer = _settings(inference.get("inferer", {}), bundle, "inferer")
    card = VolumeCard(
        name=bundle.resolve().name,
        version=str(metadata.get("version", "")),
        sequences=sequences,
        regions=regions,
        patch=_checked_patch(patch or _three(inferer.get("roi_size"), bundle, "inferer.roi_size")),
        spacing_mm=spacing,
        axes=axes,
        overlap=_part(inferer.get("overlap", _OVERLAP), bundle, "inferer.overlap"),
        flips=False,
        sequence_dropout=0.0,
        sha256="",
        network=type(network).__name__,
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
    _try(network, card, bundle)
    return export_volume_model(network, card, output)


def _try(network: nn.Module, card: VolumeCard, bundle: Path) -> None:
    """One pass, before anything is written."""
    expected = (1, len(card.regions), *card.patch)
    try:
        with torch.inference_mode():
            found = network.eval()(torch.zeros(1, len(card.sequences), *card.patch))
        shape = tuple(found.shape)
    except (RuntimeError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise _unusable(
            bundle,
            f"a network of {len(card.sequences)} sequences and patches of {card.patch}",
            f"one that fails on them ({str(error).splitlines()[0]}); another --patch may fit",
        ) from error
    if shape != expected:
        raise _unusable(bundle, f"an output of {expected}, a map for each region", str(shape))


def _read_json(bundle: Path, name: str) -> dict[str, Any]:
    path = bundle / name
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelMissingError(
            expected=f"a MONAI bundle with {METADATA}, {INFERENCE} and {WEIGHTS} or {SCRIPT}",
            found=f"no readable {name}",
            remedy="Give the folder that `python -m monai.bundle download` made.",
            source=str(bundle),
        ) from error
    except ValueError as error:
        raise _unusable(path, "a JSON file", str(error)) from error
    if not isinstance(values, dict):
        raise _unusable(path, "a JSON object", f"a {type(values).__name__}")
    return values


def _sequences(formats: Mapping[str, Any], bundle: Path) -> tuple[str, ...]:
    named = _channels(formats, "inputs", "image", bundle)
    known = [guess_sequence(name) for name in named]
    if None in known or len(set(known)) < len(known):
        raise _unusable(bundle, "channels named after MR sequences, each once", ", ".join(named))
    return tuple(str(name) for name in known)


def _regions(formats: Mapping[str, Any], bundle: Path) -> tuple[str, ...]:
    named = _channels(formats, "outputs", "pred", bundle)
    known = [
        name.upper()
        if name.upper() in REGIONS
        else next((r for word, r in _REGION_WORDS.items() if word in name.lower()), None)
        for name in named
    ]
    if None in known or len(set(known)) < len(known):
        raise _unusable(
            bundle, f"outputs named {', '.join(REGIONS.values())}, each once", ", ".join(named)
        )
    return tuple(str(name) for name in known)


def _channels(formats: Mapping[str, Any], side: str, key: str, bundle: Path) -> list[str]:
    try:
        found = formats[side][key]["channel_def"]
        return [str(found[number]) for number in sorted(found, key=int)]
    except (KeyError, TypeError, ValueError) as error:
        where = f"network_data_format.{side}.{key}.channel_def"
        raise _unusable(bundle / METADATA, where, "none") from error


def _preparation(
    inference: Mapping[str, Any], bundle: Path
) -> tuple[str, tuple[float, float, float]]:
    """Axes and spacing of what the network looks at; BraTS' own where nothing is said."""
    steps = _steps(inference, "preprocessing", bundle)
    unknown = sorted(set(steps) - _HARMLESS)
    scaled = steps.get("NormalizeIntensityd", {})
    as_here = all(scaled.get(key) is True for key in ("nonzero", "channel_wise"))
    fixed = any(scaled.get(key) is not None for key in ("subtrahend", "divisor"))
    if unknown or fixed or not as_here:
        raise _unusable(
            bundle / INFERENCE,
            "a preprocessing that normalises each sequence over what is not 0 "
            "(NormalizeIntensityd, nonzero, channel_wise, without subtrahend and divisor)",
            f"other steps: {', '.join(unknown)}" if unknown else "none such",
        )
    axes = str(steps.get("Orientationd", {}).get("axcodes", AXES))
    if len(axes) != 3 or not all(letter in pair for letter, pair in zip(axes, _WAYS, strict=True)):
        raise _unusable(bundle / INFERENCE, f"axcodes such as {AXES}", axes)
    pixdim = steps.get("Spacingd", {}).get("pixdim", (1.0, 1.0, 1.0))
    first, second, third = _three(pixdim, bundle, "pixdim")
    return axes, (float(first), float(second), float(third))


def _check_postprocessing(inference: Mapping[str, Any], bundle: Path) -> None:
    """The runtime takes the sigmoid of each output and draws where it is 0.5 and more."""
    steps = _steps(inference, "postprocessing", bundle)
    odd = [f"{name}" for name in steps if name not in _AFTERWARDS]
    odd += [
        f"{key} of {name}"
        for name, step in steps.items()
        for key in ("softmax", "argmax", "other", "to_onehot")
        if step.get(key)
    ]
    if (threshold := steps.get("AsDiscreted", {}).get("threshold", THRESHOLD)) != THRESHOLD:
        odd.append(f"a threshold of {threshold}")
    if odd:
        raise _unusable(
            bundle / INFERENCE,
            f"a postprocessing by sigmoid and a threshold of {THRESHOLD}",
            ", ".join(odd),
        )


def _steps(inference: Mapping[str, Any], part: str, bundle: Path) -> dict[str, dict[str, Any]]:
    """The transforms of a part, by the names of their classes."""
    given = _settings(inference.get(part, {}), bundle, part).get("transforms", [])
    if not isinstance(given, list):
        raise _unusable(bundle / INFERENCE, f"a list as {part}.transforms", repr(given))
    named = [_settings(step, bundle, f"a step of {part}.transforms") for step in given]
    return {str(step.get("_target_", "")).rpartition(".")[2]: step for step in named}


def _network(inference: Mapping[str, Any], bundle: Path) -> nn.Module:
    found = inference.get("network_def", inference.get("network"))
    definition = dict(found) if isinstance(found, dict) else {}
    name = str(definition.pop("_target_", "")).rpartition(".")[2]
    if name not in NETWORKS or "$" in json.dumps(definition) or "@" in json.dumps(definition):
        raise _unusable(
            bundle / INFERENCE,
            f"a network_def of one of {', '.join(NETWORKS)} with plain values",
            name or "none",
        )
    kept = {key: value for key, value in definition.items() if not key.startswith("_")}
    kept.setdefault("spatial_dims", 3)
    try:
        built: nn.Module = getattr(nets, name)(**kept)
    except (TypeError, ValueError) as error:
        raise _unusable(bundle / INFERENCE, f"settings of {name}", str(error)) from error
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
        raise _unusable(
            bundle, f"readable weights in {WEIGHTS} or {SCRIPT}", str(error).splitlines()[0]
        ) from error
    raise ModelMissingError(
        expected=f"weights in {WEIGHTS} or {SCRIPT}",
        found="neither",
        remedy="Download the whole bundle, large files too.",
        source=str(bundle),
    )


def _settings(value: Any, bundle: Path, what: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _unusable(bundle / INFERENCE, f"a JSON object as {what}", repr(value))


def _three(values: Any, bundle: Path, what: str) -> tuple[Any, Any, Any]:
    are_three = isinstance(values, list | tuple) and len(values) == 3
    if are_three and all(_is_number(one) and one > 0 for one in values):
        return values[0], values[1], values[2]
    raise _unusable(bundle / INFERENCE, f"three numbers as {what}", repr(values))


def _part(value: Any, bundle: Path, what: str) -> float:
    if _is_number(value) and 0 <= value < 1:
        return float(value)
    raise _unusable(bundle / INFERENCE, f"a number from 0 to below 1 as {what}", repr(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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


def _unusable(path: Path, expected: str, found: str) -> ModelCorruptError:
    return ModelCorruptError(
        expected=expected,
        found=found,
        remedy="Bundles like brats_mri_segmentation of MONAI's model zoo can be converted.",
        source=str(path),
    )
