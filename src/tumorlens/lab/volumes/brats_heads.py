"""Heads of BraTS: four sequences and their outline as NIfTI, in the names of every year."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.errors import DataError, ScanError
from tumorlens.lab.datasets.brats import BratsCase, find_cases
from tumorlens.lab.datasets.volumes import read_labels
from tumorlens.lab.volumes.labelled import LabelledHead
from tumorlens.reading.case import SEQUENCES, Case, check_grids
from tumorlens.volume_outlining.head import Head, read_head
from tumorlens.volume_outlining.regions import REGIONS, LabelArray

_ENHANCING_2023 = 3  # what 4 is called since 2023
_STYLE_2023 = ("t1n", "t2w", "t2f")


def find_brats(folder: Path) -> list[LabelledHead]:
    """The heads in a folder of BraTS as downloaded, or in one case.

    Raises:
        DataError: A case lacks its outline, or all of its sequences, or has something twice.
    """
    return [
        LabelledHead(
            name=case.folder.name,
            patient=case.patient,
            group=f"{folder.resolve().name}:{case.patient}",
            folder=case.folder,
            sequences=tuple(case.sequences),
            regions=tuple(REGIONS),
            files=(*sorted(case.sequences.values()), case.outline),
            read=partial(read_case_and_labels, case),
        )
        for case in find_cases(folder)
    ]


def read_case_and_labels(case: BratsCase) -> tuple[Head, LabelArray]:
    """One head and its outline on the head's own grid.

    Raises:
        DataError: A file cannot be used, or the outline lies elsewhere or has labels outside the
            set.
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
    values = read_labels(case.outline, like=next(iter(files.values())))
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
