"""What a run folder says of its run, so that only the very same run goes on in it."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.errors import ConfigError, TrainingError
from tumorlens.lab.config import Config, parse_config
from tumorlens.lab.pictures import Pictures
from tumorlens.lab.splitting import TRAINING, VALIDATION, Split
from tumorlens.reporting.folder import write_bytes

RUN_FILE, MODEL = "run.json", "model"
"""Within a run folder."""


def record_run(run: Path, config: Config, pictures: Pictures, split: Split) -> None:
    """Write ``run.json``: settings, versions, hashes of the data and of its split.

    Args:
        run: The run folder.
        config: The run's settings.
        pictures: All of them, with their final groups.
        split: Which of them train and which validate.

    Raises:
        TrainingError: The folder records a run of other settings, other data or another split,
            or its record is damaged.
        ConfigError: The folder cannot be written.
    """
    without_outlines, with_outlines = _hashes(pictures)
    record = {
        "config": config.model_dump(mode="json"),
        "data_sha256": with_outlines,
        "split_sha256": _split_hash(pictures, split),
        "versions": {
            name: version(name) for name in ("tumorlens", "torch", "timm", "numpy", "pillow")
        }
        | {"python": platform.python_version()},
    }
    path = run / RUN_FILE
    if path.exists():
        _check_same_run(path, record, without_outlines)
    write_bytes(path, (json.dumps(record, indent=2) + "\n").encode())


def recorded_config(run: Path) -> Config:
    """The settings that a run folder was begun with.

    Raises:
        ConfigError: There are none, or none that are known today.
    """
    path = run / RUN_FILE
    try:
        recorded = read_record(path)["config"]
    except TrainingError as error:
        raise ConfigError(
            expected="the folder of a finished run",
            found=f"no settings in {path}",
            remedy="Give a folder that `tumorlens train --run` wrote.",
            source=str(run),
        ) from error
    return parse_config(recorded, source=str(path))


def read_record(path: Path) -> dict[str, Any]:
    """What a ``run.json`` says; its ``config`` is an object.

    Raises:
        TrainingError: It cannot be read, or is no record of a run.
    """
    try:
        found = json.loads(path.read_bytes())
        is_record = isinstance(found["config"], dict)
    except (OSError, ValueError, KeyError, TypeError):
        is_record = False
    if not is_record:
        raise TrainingError(
            expected="the record of a run, as `tumorlens train` wrote it",
            found="a file that is cut off, or something else",
            remedy="Restore it from a copy, or delete the run folder to train it anew.",
            source=str(path),
        )
    return dict(found)


def hash_pictures(pictures: Pictures) -> str:
    """SHA-256 over the prepared pixels, names, labels, groups and outlines, in hexadecimal."""
    return _hashes(pictures)[1]


def _hashes(pictures: Pictures) -> tuple[str, str]:
    """The hash without the outlines, which runs of earlier versions recorded, and with them."""
    digest = hashlib.sha256(np.ascontiguousarray(pictures.pixels).data)
    for example in pictures.examples:
        digest.update(
            f"{example.picture},{example.label},{example.group}\n".encode(errors="surrogateescape")
        )
    without = digest.hexdigest()
    for outlines in (pictures.masks, pictures.outlined):
        digest.update(np.ascontiguousarray(outlines).data)
    return without, digest.hexdigest()


def _check_same_run(path: Path, record: Mapping[str, Any], without_outlines: str) -> None:
    before = read_record(path)
    settings = [_settings(one["config"], path) for one in (before, record)]
    same = {
        "settings": settings[0] == settings[1],
        # Runs of earlier versions recorded no outlines, and no split.
        "data": before.get("data_sha256") in {record["data_sha256"], without_outlines},
        "split": before.get("split_sha256", record["split_sha256"]) == record["split_sha256"],
    }
    for what, is_same in same.items():
        if not is_same:
            raise TrainingError(
                expected=f"the {what} that this run folder was begun with",
                found=f"other {what}{_differing(*settings) if what == 'settings' else ''}",
                remedy="Give another --run folder, or delete this one to train it anew.",
                source=str(path.parent),
            )


def _differing(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    """In words, the settings that differ; nothing where those before are no longer known."""
    if before is None or now is None:
        return ""
    old, new = _flat(before), _flat(now)
    changed = [f"{name} = {new[name]}, was {old[name]}" for name in new if new[name] != old[name]]
    return f" ({'; '.join(changed)})"


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """By ``section.name``; what stands in no section by its name."""
    found: dict[str, Any] = {}
    for section, values in settings.items():
        if isinstance(values, dict):
            found |= {f"{section}.{name}": value for name, value in values.items()}
        else:
            found[section] = values
    return found


def _settings(recorded: Mapping[str, Any], path: Path) -> dict[str, Any] | None:
    """All but the card's words, with today's defaults for settings unknown when it was recorded.

    None where a setting is no longer known, so that it equals no run of today.
    """
    try:
        config = parse_config(dict(recorded), source=str(path))
    except ConfigError:
        return None
    return config.model_dump(mode="json", exclude={"card"})


def _split_hash(pictures: Pictures, split: Split) -> str:
    """SHA-256 over the pictures of each part with their groups, in whatever order they came."""
    parts = ((TRAINING, split.training), (VALIDATION, split.validation))
    examples = pictures.examples
    lines = sorted(
        f"{part},{examples[index].picture},{examples[index].group}\n"
        for part, indices in parts
        for index in indices
    )
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()
