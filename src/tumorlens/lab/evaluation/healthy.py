"""Healthy heads: the share of slices that are answered so, with and without skull."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tumorlens.errors import ScanError
from tumorlens.labels import NO_TUMOR
from tumorlens.model import Model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading import read_scan
from tumorlens.scan import Volume

FOLDER = "volumes"
"""The folder of healthy volumes in a folder of data."""

_SCANS = ("*.nii", "*.nii.gz", "*/")
_MASK = "_Brain_Mask"


@dataclass(frozen=True, slots=True)
class HealthyScores:
    """One healthy head.

    Attributes:
        name: Its file; ``, brain only`` where the skull was removed with the mask beside it.
        slices: How many slices the runtime judged.
        right: The part of them answered ``no_tumor``.
        answer: What was answered about the whole volume.
        tumor_probability: P(tumor) of that answer.
    """

    name: str
    slices: int
    right: float
    answer: str
    tumor_probability: float


def score_healthy(model: Model, data: Path) -> list[HealthyScores]:
    """Answer every volume in ``volumes/``, as a user would; empty where there is none."""
    return [
        _score(name, answer)
        for name, volume in _volumes(data / FOLDER)
        if isinstance(answer := predict(volume, model=model), VolumePrediction)
    ]


def _score(name: str, answer: VolumePrediction) -> HealthyScores:
    right = sum(one.answer.label == NO_TUMOR for one in answer.slices) / len(answer.slices)
    return HealthyScores(name, len(answer.slices), right, answer.label, answer.tumor_probability)


def _volumes(folder: Path) -> Iterator[tuple[str, Volume]]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or _MASK in path.name:
            continue
        volume = _read(path)
        if volume is None:
            continue
        yield path.name, volume
        stem = path.name.partition(".")[0]
        mask = next(iter(sorted(folder.glob(f"{stem}{_MASK}*"))), None)
        outline = _read(mask) if mask else None
        if outline is not None and outline.voxels.shape == volume.voxels.shape:
            voxels = np.where(outline.voxels > 0, volume.voxels, 0).astype(np.float32)
            yield f"{path.name}, brain only", replace(volume, voxels=voxels)


def _read(path: Path) -> Volume | None:
    """A volume; None for what else may lie there."""
    try:
        scan = read_scan(path)
    except ScanError:
        return None
    return scan if isinstance(scan, Volume) else None
