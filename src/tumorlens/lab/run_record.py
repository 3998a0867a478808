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

RUN_FILE, MODEL = "run.json", "model"
"""Within a run folder."""


def record_run(run: Path, config: Config, pictures: Pictures) -> None:
    """Write ``run.json``: settings, versions, hash of the data.

    Args:
        run: The run folder.
        config: The run's settings.
        pictures: All of them, with their final groups.

    Raises:
        TrainingError: The folder records a run of other settings or other data.
    """
    record = {
        "config": config.model_dump(mode="json"),
        "data_sha256": hash_pictures(pictures),
        "versions": {
            name: version(name) for name in ("tumorlens", "torch", "timm", "numpy", "pillow")
        }
        | {"python": platform.python_version()},
    }
    path = run / RUN_FILE
    if path.exists():
        _check_same_run(path, record)
    path.write_text(json.dumps(record, indent=2) + "\n")


def recorded_config(run: Path) -> Config:
    """The settings that a run folder was begun with.

    Raises:
        ConfigError: There are none, or none that are known today.
    """
    path = run / RUN_FILE
    try:
        recorded = json.loads(path.read_text())["config"]
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            expected="the folder of a finished run",
            found=f"no settings in {path}",
            remedy="Give a folder that `tumorlens train --run` wrote.",
            source=str(run),
        ) from error
    return parse_config(recorded, source=str(path))


def hash_pictures(pictures: Pictures) -> str:
    """SHA-256 over the prepared pixels, names, labels and groups, in hexadecimal."""
    digest = hashlib.sha256(np.ascontiguousarray(pictures.pixels).data)
    for example in pictures.examples:
        digest.update(f"{example.picture},{example.label},{example.group}\n".encode())
    return digest.hexdigest()


def _check_same_run(path: Path, record: Mapping[str, Any]) -> None:
    before = json.loads(path.read_text())
    same = {
        "settings": _settings(before["config"], path) == _settings(record["config"], path),
        "data": before["data_sha256"] == record["data_sha256"],
    }
    for what, is_same in same.items():
        if not is_same:
            raise TrainingError(
                expected=f"the {what} that this run folder was begun with",
                found=f"other {what}",
                remedy="Give another --run folder, or delete this one to train it anew.",
                source=str(path.parent),
            )


def _settings(recorded: Mapping[str, Any], path: Path) -> dict[str, Any] | None:
    """All but the card's words, with today's defaults for settings unknown when it was recorded.

    None where a setting is no longer known, so that it equals no run of today.
    """
    try:
        config = parse_config(dict(recorded), source=str(path))
    except ConfigError:
        return None
    return config.model_dump(mode="json", exclude={"card"})
