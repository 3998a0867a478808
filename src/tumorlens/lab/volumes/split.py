"""Which patients train and which validate, and the record of it."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.errors import DataError
from tumorlens.lab.volumes.cases import PreparedCase
from tumorlens.lab.volumes.labelled import LabelledHead
from tumorlens.lab.volumes.settings import VolumeConfig
from tumorlens.reporting.folder import PartialFile

SPLIT_FILE = "split.csv"
"""Within a run folder."""

TRAINING, VALIDATION = "training", "validation"
_COLUMNS = ("case", "patient", "part")


@dataclass(frozen=True, slots=True)
class CaseSplit:
    """Cases that train and cases that validate; no patient stands on both sides."""

    training: tuple[PreparedCase, ...]
    validation: tuple[PreparedCase, ...]


def split_cases(cases: Sequence[PreparedCase], config: VolumeConfig) -> CaseSplit:
    """Cut the patients, shuffled by the seed, into folds, or as an earlier run did.

    Raises:
        DataError: There are fewer patients than folds, or the earlier run's record names none
            of them.
    """
    data = config.data
    if data.split:
        return _parted(cases, _validating(Path(data.split), cases))
    patients = sorted({case.patient for case in cases})
    if len(patients) < data.folds:
        raise DataError(
            expected=f"at least {data.folds} patients for {data.folds} folds",
            found=str(len(patients)),
            remedy="Lower data.folds in the config, or add patients.",
            source="data.folds",
        )
    shuffled = np.random.default_rng(config.training.seed).permutation(patients)
    held = set(np.array_split(shuffled, data.folds)[data.validation_fold].tolist())
    return _parted(cases, held)


def _parted(cases: Sequence[PreparedCase], held: set[str]) -> CaseSplit:
    """``held`` are the patients that validate."""
    return CaseSplit(
        tuple(case for case in cases if case.patient not in held),
        tuple(case for case in cases if case.patient in held),
    )


def _validating(path: Path, cases: Sequence[PreparedCase]) -> set[str]:
    """The patients among ``cases`` that a record of heads, or of pictures, has in validation.

    Raises:
        DataError: It is no such record, or it leaves nobody to train or to validate.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        named = {row.get("patient") or row["group"] for row in rows if row["part"] == VALIDATION}
    except (OSError, KeyError, UnicodeDecodeError):
        named = set()
    known = {case.patient for case in cases}
    held = {case.patient for case in cases if {case.patient, case.group} & named}
    if not 0 < len(held) < len(known):
        raise DataError(
            expected="a split.csv that has some of the patients in validation, and others not",
            found=f"{len(held)} of {len(known)} patients in validation",
            remedy="Give the record of a run on these data, or leave data.split out.",
            source=str(path),
        )
    return held


def write_case_split(path: Path, split: CaseSplit) -> None:
    """Record, one line a case: its name, patient and part."""
    with PartialFile(path) as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for part, cases in ((TRAINING, split.training), (VALIDATION, split.validation)):
            writer.writerows((case.name, case.patient, part) for case in cases)


def cases_seen(
    model: Path, cases: Sequence[LabelledHead], *, split: Path | None
) -> dict[str, Any] | None:
    """How many cases are of patients that a model's own run has learnt from.

    Args:
        model: The model folder, within its run folder.
        cases: At least one.
        split: By which they were chosen; None for all.

    Returns:
        ``count``, ``of`` how many, and their ``share``; empty where there are none, or where
        ``split`` is the run's own; None where the run is not known.
    """
    own = model.resolve().parent / SPLIT_FILE
    if split is not None and split.resolve() == own.resolve():
        return {}
    try:
        trained = read_case_part(own, TRAINING, column="patient")
    except DataError:
        return None
    found = sum(case.patient in trained for case in cases)
    return {"count": found, "of": len(cases), "share": found / len(cases)} if found else {}


def read_case_part(path: Path, part: str, *, column: str = "case") -> set[str]:
    """The names of the cases of one part, or of their patients (``column``).

    Raises:
        DataError: The file is no record of such a split, or the part is empty.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        found = {row[column] for row in rows if row["part"] == part}
    except (OSError, KeyError, UnicodeDecodeError):
        found = set()
    if not found:
        raise DataError(
            expected=f"the split.csv of a run on volumes, with cases of the part {part!r}",
            found="none",
            remedy=f"Give the run folder's split.csv, and {TRAINING} or {VALIDATION}.",
            source=str(path),
        )
    return found
