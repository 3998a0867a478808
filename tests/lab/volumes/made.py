"""Made-up cases as prepared, and small settings."""

from pathlib import Path
from typing import Any

from tests.made_cases import made_head, save_case
from tumorlens.card import OUTLINE_VOLUME
from tumorlens.lab.settings import parse_settings
from tumorlens.lab.volumes.brats_heads import find_brats
from tumorlens.lab.volumes.cases import PreparedCase, prepare_cases
from tumorlens.lab.volumes.settings import VolumeConfig


def small(**sections: Any) -> VolumeConfig:
    """Two epochs on patches of 32 voxels with the smallest network."""
    values: dict[str, Any] = {
        "task": OUTLINE_VOLUME,
        "name": "made",
        "data": {"folds": 2},
        "network": {"filters": 4},
        "training": {"epochs": 2, "patch": [32, 32, 32], "validate_every": 2},
    }
    for name, section in sections.items():
        values[name] = values.get(name, {}) | section
    return parse_settings(VolumeConfig, values, source="made")


def made_download(root: Path, count: int = 2) -> Path:
    """A folder of made-up cases as downloaded."""
    for number in range(1, count + 1):
        save_case(root / f"BraTS20_Training_{number:03d}", made_head())
    return root


def prepared(root: Path, config: VolumeConfig, count: int = 2) -> list[PreparedCase]:
    cases = find_brats(made_download(root / "data", count))
    return prepare_cases(cases, config, root / "prepared")
