"""Heads as a network sees them, prepared once on disk."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.errors import DataError
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.volumes.labelled import LabelledHead
from tumorlens.lab.volumes.settings import VolumeConfig
from tumorlens.scan import FloatArray
from tumorlens.volume_outlining.background import clear_background
from tumorlens.volume_outlining.head import turn
from tumorlens.volume_outlining.regions import LABELS, LabelArray, to_labels, to_regions
from tumorlens.volume_outlining.resampling import resample

AXES = "LPS"
"""As the files of BraTS have them."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCase:
    """A head and its outline on the network's grid, kept on disk.

    Attributes:
        name: The case's.
        patient: Who it is of.
        group: The patient's name among those of all data sets, ``DATASET:NAME``.
        image_file: ``.npy``, float16, (C, X, Y, Z), normalised.
        labels_file: ``.npy``, uint8, (X, Y, Z): 0, 1, 2 or 4.
    """

    name: str
    patient: str
    group: str
    image_file: Path
    labels_file: Path

    @property
    def dataset(self) -> str:
        """The name of its data set's folder."""
        return self.group.partition(":")[0]

    def image(self) -> npt.NDArray[np.float16]:
        """(C, X, Y, Z), of which only what is asked for is read from disk."""
        return np.asanyarray(np.load(self.image_file, mmap_mode="r"), np.float16)

    def labels(self) -> LabelArray:
        """(X, Y, Z), likewise."""
        return np.asanyarray(np.load(self.labels_file, mmap_mode="r"), np.uint8)


def prepare_cases(
    cases: Sequence[LabelledHead],
    config: VolumeConfig,
    folder: Path,
    *,
    progress: Progress = silent,
) -> list[PreparedCase]:
    """Read, check and prepare every case, unless that is done already.

    Args:
        cases: What to prepare.
        config: Sequences and spacing.
        folder: Takes two files a case, about 30 MB together for a BraTS head.
        progress: Called with (done, total).

    Raises:
        DataError: A file cannot be used, or an outline has labels outside the set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prepared = []
    for done, case in enumerate(cases, 1):
        stem = f"{case.name}-{fingerprint(case, config)[:16]}"
        one = PreparedCase(
            case.name,
            case.patient,
            case.group,
            folder / f"{stem}.image.npy",
            folder / f"{stem}.labels.npy",
        )
        if not (one.image_file.is_file() and one.labels_file.is_file()):
            image, labels = load_case(case, config)
            _save(one.image_file, image.astype(np.float16))
            _save(one.labels_file, labels)
        prepared.append(one)
        progress(done, len(cases))
    if not any(one.labels().any() for one in prepared):
        raise DataError(
            expected="outlines with tumor",
            found=f"{len(prepared)} outlines that are empty",
            remedy="Check the seg files: 0 is no tumor, 1, 2 and 4 are its tissues.",
            source=str(cases[0].folder.parent),
        )
    return prepared


def load_case(case: LabelledHead, config: VolumeConfig) -> tuple[FloatArray, LabelArray]:
    """One head and its outline on the network's grid.

    Returns:
        float32, (C, X, Y, Z), and uint8, (X, Y, Z).

    Raises:
        DataError: A file cannot be used, or the outline has labels outside the set.
    """
    head, labels = case.read()
    data = config.data
    if data.clear_background:
        head = clear_background(head)
    turned = turn(head, sequences=data.sequences, axes=AXES, spacing_mm=data.spacing_mm)
    regions = to_regions(turned.turn(labels), tuple(LABELS)).astype(np.float32)
    there = resample(regions, turned.image.shape[1:]) >= 0.5
    return turned.image, to_labels(there, tuple(LABELS))


def fingerprint(case: LabelledHead, config: VolumeConfig) -> str:
    """SHA-256 of all that decides what is prepared of a case: its files and the settings."""
    told = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in case.files]
    data = config.data
    return hashlib.sha256(
        json.dumps([told, data.sequences, data.spacing_mm, data.clear_background, AXES]).encode()
    ).hexdigest()


def _save(path: Path, values: npt.NDArray[Any]) -> None:
    aside = path.with_name(f".partial-{path.name}")
    np.save(aside, values)
    aside.replace(path)
