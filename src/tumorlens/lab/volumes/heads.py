"""Labelled heads to learn from, whatever form their data set has."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets import recognise
from tumorlens.lab.datasets.example import folders_in
from tumorlens.lab.volumes.brats_heads import find_brats
from tumorlens.lab.volumes.labelled import LabelledHead
from tumorlens.lab.volumes.stacks import find_brats2013, find_lgg

HEADS: dict[str, Callable[[Path], list[LabelledHead]]] = {
    "brats": find_brats,
    "lgg": find_lgg,
    "brats2013_slices": find_brats2013,
}
"""Data sets that hold whole heads with outlines, by their names in `DATASETS`."""


def find_training_cases(
    folder: Path,
    *,
    sequences: Sequence[str],
    regions: Sequence[str],
    can_miss: bool,
    only: Collection[str] = (),
) -> list[LabelledHead]:
    """The heads in a data set, or in all data sets of a folder that hold whole heads.

    Heads whose outlines do not tell all regions apart are left out.

    Args:
        folder: A data set as downloaded, a case of BraTS, or a folder of data sets.
        sequences: That the network looks at.
        regions: Short names of those that it outlines.
        can_miss: Whether a case may lack some of the sequences.
        only: Names of the heads wanted; all where empty.

    Raises:
        DataError: There are none, or a case lacks its outline or a sequence that it needs.
    """
    if not folder.is_dir():
        raise _no_cases(folder, "no such folder")
    cases = _heads(folder) or [case for inner in folders_in(folder) for case in _heads(inner)]
    if not cases:
        raise _no_cases(folder, "none in it")
    cases = [case for case in cases if set(regions) <= set(case.regions)]
    if not cases:
        raise _no_cases(folder, f"outlines that do not tell {', '.join(regions)} apart")
    cases = [case for case in cases if not only or case.name in only]
    for case in cases:
        lacking = [name for name in sequences if name not in case.sequences]
        if lacking and (not can_miss or len(lacking) == len(sequences)):
            raise DataError(
                expected=f"the sequences {', '.join(sequences)} of each case",
                found=f"{case.name} without {', '.join(lacking)}",
                remedy="Download it again, delete its folder, leave the sequence out "
                "(data.sequences), or train with augmentation.sequence_dropout above 0.",
                source=str(case.folder),
            )
    return cases


def _heads(folder: Path) -> list[LabelledHead]:
    """Those of one data set; none where it is no data set of heads."""
    name = recognise(folder)
    return HEADS[name](folder) if name in HEADS else []


def _no_cases(folder: Path, found: str) -> DataError:
    return DataError(
        expected="case folders of BraTS, such as BraTS20_Training_001 or BraTS-GLI-00000-000, or "
        f"another data set of whole heads ({', '.join(HEADS)})",
        found=found,
        remedy="Give the folder as downloaded, or one that holds several data sets.",
        source=str(folder),
    )
