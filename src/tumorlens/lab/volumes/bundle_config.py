"""What a MONAI bundle says of its network's surroundings: channels, preparation, sliding window.

Its configs are read as data: expressions in what matters are refused.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tumorlens.errors import ModelCorruptError, ModelMissingError
from tumorlens.lab.volumes.cases import AXES
from tumorlens.reading.sequence import guess_sequence
from tumorlens.volume_outlining import THRESHOLD
from tumorlens.volume_outlining.regions import CORE, ENHANCING, LABELS, REGIONS, WHOLE

METADATA, INFERENCE = "configs/metadata.json", "configs/inference.json"
WEIGHTS, SCRIPT = "models/model.pt", "models/model.ts"

_HARMLESS = {
    *("LoadImaged", "EnsureChannelFirstd", "EnsureTyped", "ToTensord", "CropForegroundd"),
    *("NormalizeIntensityd", "Orientationd", "Spacingd"),
}
"""Steps of preparation that the runtime does too, or that change nothing here."""

_AFTERWARDS = {
    *("Activationsd", "AsDiscreted", "Invertd", "SaveImaged", "EnsureTyped", "ToTensord"),
}
"""Steps after the network, likewise."""

_JOINING = "Lambdad"  # of brats_mri_segmentation: the regions' maps to one map of labels
_JOINED = re.compile(r"torch\.where\(x\[\[(\d)\]\]>0,(\d),")
_ENHANCING_OF_2023 = 3

_OVERLAP = 0.25  # MONAI's own, where a bundle says nothing
_WAYS = ("RL", "AP", "SI")

_REGION_WORDS = {"core": CORE, "whole": WHOLE, "enhancing": ENHANCING}


def read_json(bundle: Path, name: str) -> dict[str, Any]:
    """One of a bundle's configs, as JSON values.

    Raises:
        ModelMissingError: There is no such file.
        ModelCorruptError: It holds no JSON object.
    """
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
        raise unusable(path, "a JSON file", str(error)) from error
    if not isinstance(values, dict):
        raise unusable(path, "a JSON object", f"a {type(values).__name__}")
    return values


def sequences_of(formats: Mapping[str, Any], bundle: Path) -> tuple[str, ...]:
    """The MR sequences of the network's input, by the names of its channels.

    Raises:
        ModelCorruptError: They are not known, or stand there twice.
    """
    named = _channels(formats, "inputs", "image", bundle)
    known = [guess_sequence(name) for name in named]
    if None in known or len(set(known)) < len(known):
        raise unusable(bundle, "channels named after MR sequences, each once", ", ".join(named))
    return tuple(str(name) for name in known)


def regions_of(formats: Mapping[str, Any], bundle: Path) -> tuple[str, ...]:
    """The regions of the network's output, likewise.

    Raises:
        ModelCorruptError: They are not known, or stand there twice.
    """
    named = _channels(formats, "outputs", "pred", bundle)
    known = [
        name.upper()
        if name.upper() in REGIONS
        else next((r for word, r in _REGION_WORDS.items() if word in name.lower()), None)
        for name in named
    ]
    if None in known or len(set(known)) < len(known):
        raise unusable(
            bundle, f"outputs named {', '.join(REGIONS.values())}, each once", ", ".join(named)
        )
    return tuple(str(name) for name in known)


def _channels(formats: Mapping[str, Any], side: str, key: str, bundle: Path) -> list[str]:
    try:
        found = formats[side][key]["channel_def"]
        return [str(found[number]) for number in sorted(found, key=int)]
    except (KeyError, TypeError, ValueError) as error:
        where = f"network_data_format.{side}.{key}.channel_def"
        raise unusable(bundle / METADATA, where, "none") from error


def preparation_of(
    inference: Mapping[str, Any], bundle: Path
) -> tuple[str, tuple[float, float, float]]:
    """Axes and spacing of what the network looks at; BraTS' own where nothing is said.

    Raises:
        ModelCorruptError: The bundle prepares heads otherwise than the runtime.
    """
    steps = _steps(inference, "preprocessing", bundle)
    unknown = sorted(set(steps) - _HARMLESS)
    scaled = steps.get("NormalizeIntensityd", {})
    as_here = all(scaled.get(key) is True for key in ("nonzero", "channel_wise"))
    fixed = any(scaled.get(key) is not None for key in ("subtrahend", "divisor"))
    if unknown or fixed or not as_here:
        raise unusable(
            bundle / INFERENCE,
            "a preprocessing that normalises each sequence over what is not 0 "
            "(NormalizeIntensityd, nonzero, channel_wise, without subtrahend and divisor)",
            f"other steps: {', '.join(unknown)}" if unknown else "none such",
        )
    axes = str(steps.get("Orientationd", {}).get("axcodes", AXES))
    if len(axes) != 3 or not all(letter in pair for letter, pair in zip(axes, _WAYS, strict=True)):
        raise unusable(bundle / INFERENCE, f"axcodes such as {AXES}", axes)
    pixdim = steps.get("Spacingd", {}).get("pixdim", (1.0, 1.0, 1.0))
    first, second, third = _three(pixdim, bundle, "pixdim")
    return axes, (float(first), float(second), float(third))


def window_of(
    inference: Mapping[str, Any], bundle: Path, *, patch: tuple[int, int, int] | None
) -> tuple[tuple[int, int, int], float]:
    """What the bundle slides over a head, unless ``patch`` is given, and how much it overlaps.

    Raises:
        ModelCorruptError: These are no three numbers, or no part of one.
    """
    inferer = _settings(inference.get("inferer", {}), bundle, "inferer")
    overlap = _part(inferer.get("overlap", _OVERLAP), bundle, "inferer.overlap")
    return patch or _three(inferer.get("roi_size"), bundle, "inferer.roi_size"), overlap


def check_postprocessing(
    inference: Mapping[str, Any], bundle: Path, *, regions: Sequence[str]
) -> None:
    """The runtime takes the sigmoid of each output and draws where it is 0.5 and more.

    Where regions lie upon one another, the inner one is drawn.

    Raises:
        ModelCorruptError: The bundle does something else.
    """
    steps = _steps(inference, "postprocessing", bundle)
    joining = steps.pop(_JOINING, {}).get("func")
    odd = [f"{name}" for name in steps if name not in _AFTERWARDS]
    if joining is not None and not _joins_as_here(str(joining), regions):
        odd.append(f"{_JOINING} {joining}")
    odd += [
        f"{key} of {name}"
        for name, step in steps.items()
        for key in ("softmax", "argmax", "other", "to_onehot")
        if step.get(key)
    ]
    if (threshold := steps.get("AsDiscreted", {}).get("threshold", THRESHOLD)) != THRESHOLD:
        odd.append(f"a threshold of {threshold}")
    if odd:
        raise unusable(
            bundle / INFERENCE,
            f"a postprocessing by sigmoid and a threshold of {THRESHOLD}",
            ", ".join(odd),
        )


def _joins_as_here(expression: str, regions: Sequence[str]) -> bool:
    """Whether a lambda, which is read and not run, joins regions to the labels of BraTS.

    Such as ``torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, ...))``, inner regions first.
    """
    bare = re.sub(r"\s", "", expression)
    steps = [(int(channel), int(label)) for channel, label in _JOINED.findall(bare)]
    if _JOINED.sub("", bare) != "$lambdax:0" + ")" * len(steps):
        return False
    inwards = [name for name in REGIONS if name in regions]
    wanted = [(list(regions).index(name), LABELS[name]) for name in reversed(inwards)]
    of_2023 = [
        (at, _ENHANCING_OF_2023 if label == LABELS[ENHANCING] else label) for at, label in wanted
    ]
    return steps in (wanted, of_2023)


def _steps(inference: Mapping[str, Any], part: str, bundle: Path) -> dict[str, dict[str, Any]]:
    """The transforms of a part, by the names of their classes."""
    given = _settings(inference.get(part, {}), bundle, part).get("transforms", [])
    if not isinstance(given, list):
        raise unusable(bundle / INFERENCE, f"a list as {part}.transforms", repr(given))
    named = [_settings(step, bundle, f"a step of {part}.transforms") for step in given]
    return {str(step.get("_target_", "")).rpartition(".")[2]: step for step in named}


def _settings(value: Any, bundle: Path, what: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise unusable(bundle / INFERENCE, f"a JSON object as {what}", repr(value))


def _three(values: Any, bundle: Path, what: str) -> tuple[Any, Any, Any]:
    are_three = isinstance(values, list | tuple) and len(values) == 3
    if are_three and all(_is_number(one) and one > 0 for one in values):
        return values[0], values[1], values[2]
    raise unusable(bundle / INFERENCE, f"three numbers as {what}", repr(values))


def _part(value: Any, bundle: Path, what: str) -> float:
    if _is_number(value) and 0 <= value < 1:
        return float(value)
    raise unusable(bundle / INFERENCE, f"a number from 0 to below 1 as {what}", repr(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def unusable(path: Path, expected: str, found: str) -> ModelCorruptError:
    """The error of a bundle that cannot be converted, for the caller to raise."""
    return ModelCorruptError(
        expected=expected,
        found=found,
        remedy="Bundles like brats_mri_segmentation of MONAI's model zoo can be converted.",
        source=str(path),
    )
