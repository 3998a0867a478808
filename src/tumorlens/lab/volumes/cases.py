"""Cases to learn from: found in folders as downloaded, checked, and prepared once on disk."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.errors import DataError, ScanError
from tumorlens.lab.datasets.brats import BratsCase, find_cases
from tumorlens.lab.datasets.volumes import check_same_grid, read_labels
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.volumes.settings import VolumeConfig
from tumorlens.reading.case import SEQUENCES, Case, check_grids
from tumorlens.scan import FloatArray
from tumorlens.volume_outlining.head import Head, read_head, turn
from tumorlens.volume_outlining.regions import LABELS, LabelArray, to_labels, to_regions
from tumorlens.volume_outlining.resampling import resample

AXES = "LPS"
"""As the files of BraTS have them."""

_ENHANCING_2023 = 3  # what 4 is called since 2023
_STYLE_2023 = ("t1n", "t2w", "t2f")


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCase:
    """A head and its outline on the network's grid, kept on disk.

    Attributes:
        name: The case's.
        patient: Who it is of.
        image_file: ``.npy``, float16, (C, X, Y, Z), normalised.
        labels_file: ``.npy``, uint8, (X, Y, Z): 0, 1, 2 or 4.
    """

    name: str
    patient: str
    image_file: Path
    labels_file: Path

    def image(self) -> npt.NDArray[np.float16]:
        """(C, X, Y, Z), of which only what is asked for is read from disk."""
        return np.asanyarray(np.load(self.image_file, mmap_mode="r"), np.float16)

    def labels(self) -> LabelArray:
        """(X, Y, Z), likewise."""
        return np.asanyarray(np.load(self.labels_file, mmap_mode="r"), np.uint8)


def find_training_cases(
    folder: Path, *, sequences: Sequence[str], can_miss: bool
) -> list[BratsCase]:
    """The cases in a folder of BraTS as downloaded.

    Args:
        folder: As downloaded, or one case.
        sequences: That the network looks at.
        can_miss: Whether a case may lack some of them.

    Raises:
        DataError: There are none, or a case lacks its outline or a sequence that it needs.
    """
    if not folder.is_dir():
        raise _no_cases(folder, "no such folder")
    cases = find_cases(folder)
    if not cases:
        raise _no_cases(folder, "none in it")
    for case in cases:
        lacking = [name for name in sequences if name not in case.sequences]
        if lacking and (not can_miss or len(lacking) == len(sequences)):
            raise DataError(
                expected=f"the sequences {', '.join(sequences)} of each case",
                found=f"{case.folder.name} without {', '.join(lacking)}",
                remedy="Download it again, delete its folder, leave the sequence out "
                "(data.sequences), or train with augmentation.sequence_dropout above 0.",
                source=str(case.folder),
            )
    return cases


def prepare_cases(
    cases: Sequence[BratsCase],
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
        stem = f"{case.folder.name}-{fingerprint(case, config)[:16]}"
        one = PreparedCase(
            case.folder.name,
            case.patient,
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


def load_case(case: BratsCase, config: VolumeConfig) -> tuple[FloatArray, LabelArray]:
    """One head and its outline on the network's grid.

    Returns:
        float32, (C, X, Y, Z), and uint8, (X, Y, Z).

    Raises:
        DataError: A file cannot be used, or the outline has labels outside the set.
    """
    head, labels = read_case_and_labels(case)
    data = config.data
    turned = turn(head, sequences=data.sequences, axes=AXES, spacing_mm=data.spacing_mm)
    regions = to_regions(turned.turn(labels), tuple(LABELS)).astype(np.float32)
    there = resample(regions, turned.image.shape[1:]) >= 0.5
    return turned.image, to_labels(there, tuple(LABELS))


def read_case_and_labels(case: BratsCase) -> tuple[Head, LabelArray]:
    """One head and its outline on the head's own grid.

    Raises:
        DataError: A file cannot be used, or the outline has labels outside the set.
    """
    files = {name: case.sequences[name] for name in SEQUENCES if name in case.sequences}
    known = Case(case.folder.name, files)
    try:
        check_grids(known, case.folder)
        head = read_head(known)
    except ScanError as error:
        raise DataError(
            expected=error.expected,
            found=error.found,
            remedy=f"{error.remedy} Or delete the case's folder.",
            source=error.source,
        ) from error
    check_same_grid([head.file, case.outline])
    values = read_labels(case.outline, like=head.file)
    return head, checked_labels(values, files, source=str(case.outline))


def checked_labels(values: npt.NDArray[Any], files: dict[str, Path], *, source: str) -> LabelArray:
    """Labels of any year as 0, 1, 2 and 4.

    Args:
        values: As read.
        files: The case's sequences: their names tell the year, as 3 is enhancing since 2023.
        source: The file, for messages.

    Raises:
        DataError: There are others, such as the 4 of 2024: a resection cavity, which is in none
            of the regions.
    """
    found = {float(value) for value in np.unique(values)}
    style = any(path.name.lower().split(".")[0].endswith(_STYLE_2023) for path in files.values())
    allowed = {0, 1, 2, _ENHANCING_2023 if style else 4}
    if not found <= allowed:
        shown = ", ".join(f"{value:g}" for value in sorted(found - allowed)[:5])
        raise DataError(
            expected=f"the labels {', '.join(map(str, sorted(allowed)))}",
            found=f"{shown} besides",
            remedy="Check that this is the case's outline: 1 is necrosis, 2 edema, 4 (3 since "
            "2023) enhancing tumor. The resection cavities of 2024 (4) cannot be learnt: leave "
            "such cases out.",
            source=source,
        )
    labels = values.astype(np.uint8)
    labels[labels == _ENHANCING_2023] = 4
    return labels


def fingerprint(case: BratsCase, config: VolumeConfig) -> str:
    """SHA-256 of all that decides what is prepared of a case: its files and the settings."""
    files = [*sorted(case.sequences.values()), case.outline]
    told = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    data = config.data
    return hashlib.sha256(
        json.dumps([told, data.sequences, data.spacing_mm, AXES]).encode()
    ).hexdigest()


def _save(path: Path, values: npt.NDArray[Any]) -> None:
    aside = path.with_name(f".partial-{path.name}")
    np.save(aside, values)
    aside.replace(path)


def _no_cases(folder: Path, found: str) -> DataError:
    return DataError(
        expected="a folder with case folders of BraTS, such as BraTS20_Training_001 or "
        "BraTS-GLI-00000-000",
        found=found,
        remedy="Give the folder as downloaded; HGG/, LGG/ and the like are looked into.",
        source=str(folder),
    )
