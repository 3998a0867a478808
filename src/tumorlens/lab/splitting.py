"""Training and validation parts that never share a group, and their record on disk."""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.datasets.binary_folders import unknown_tumors
from tumorlens.lab.datasets.example import TUMOR
from tumorlens.lab.settings import known_name
from tumorlens.reporting.folder import PartialFile

LEAKY = "leaky split"
"""What stands beside every number of a model that was scored on one."""

OFFICIAL, TESTING = "official", "testing"
"""As ``data.split`` the data sets' own parts; what `Example.official` calls their tests."""

SPLIT_FILE = "split.csv"
"""Within a run folder."""

PARTS = (TRAINING, VALIDATION) = ("training", "validation")
COLUMNS = ("picture", "label", "group", "part")


@dataclass(frozen=True, slots=True)
class Split:
    """Which examples train and which validate, as indices into the list they came from.

    Attributes:
        training: Those that train.
        validation: Those that validate.
        leaky: Whether a group stands on both sides, on somebody's demand.
    """

    training: tuple[int, ...]
    validation: tuple[int, ...]
    leaky: bool = False


def split_by_group(examples: Sequence[Example], *, folds: int, fold: int, seed: int) -> Split:
    """Cut the examples into training and validation so that no group stands on both sides.

    Labels and data sets are spread evenly over the folds as far as the groups allow.

    Args:
        examples: With their final groups.
        folds: How many folds, at least 2.
        fold: Which of them validates, 0-based.
        seed: Of the shuffle.

    Raises:
        DataError: There is one class only, or a class has fewer groups than folds.
    """
    _check(examples, folds)
    strata = _strata(examples, folds)
    groups = np.array([example.group for example in examples])
    cutter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for number, (train, validate) in enumerate(cutter.split(strata, _numbers(strata), groups)):
        if number == fold:
            return Split(tuple(map(int, train)), tuple(map(int, validate)))
    raise DataError(
        expected=f"a fold from 0 to {folds - 1}",
        found=str(fold),
        remedy="Change data.validation_fold in the config.",
    )


def split_from_file(examples: Sequence[Example], path: Path) -> Split:
    """The parts that an earlier run recorded, so that two runs see the same patients.

    Pictures that the record does not name are left out. Whether the parts share a group is asked
    by `tumorlens.lab.leaks`.

    Args:
        examples: With their final groups.
        path: The earlier run's ``split.csv``.

    Raises:
        DataError: The file is not a record of a split, or names none of the examples.
    """
    rows = read_split(path)
    parts = [part_of(rows, part, source=path) for part in PARTS]
    training, validation = (
        tuple(i for i, example in enumerate(examples) if example.picture in part) for part in parts
    )
    if not training or not validation:
        raise DataError(
            expected="a record of these very pictures",
            found=f"{len(training)} of them for training, {len(validation)} for validation",
            remedy="Give the split.csv of a run on the same data.",
            source=str(path),
        )
    return Split(training, validation)


def official_split(examples: Sequence[Example]) -> Split:
    """The data sets' own parts, so that a published figure can be reproduced.

    Of each data set its testing part validates, or where it has none its validation part.
    Pictures of neither part are left out. Whether the parts share a group is asked by
    `tumorlens.lab.leaks`.

    Args:
        examples: Of data sets that have parts of their own (`Example.official`).

    Raises:
        DataError: A data set has no training part, or nothing to validate on.
    """
    parts: dict[str, set[str | None]] = {}
    for example in examples:
        parts.setdefault(example.dataset, set()).add(example.official)
    held = {name: TESTING if TESTING in own else VALIDATION for name, own in parts.items()}
    lacking = sorted(name for name, own in parts.items() if not {TRAINING, held[name]} <= own)
    if lacking:
        raise DataError(
            expected="a training and a testing part of its own in every data set",
            found=f"none in {', '.join(lacking)}",
            remedy="Name the other data sets in data.datasets, or leave data.split empty.",
            source=f"data.split = {OFFICIAL}",
        )
    return Split(
        tuple(i for i, one in enumerate(examples) if one.official == TRAINING),
        tuple(i for i, one in enumerate(examples) if one.official == held[one.dataset]),
    )


def thin(examples: Sequence[Example], split: Split, keep: Mapping[str, float]) -> Split:
    """Leave out training pictures of some classes, as if these were rare.

    A class's groups stay or go whole, in an order that depends on their names alone: of less,
    the same ones stay as of more, in every run.

    Args:
        examples: With their final groups.
        split: Indices into them.
        keep: By class, the part of its training pictures that stays, in (0, 1]; about, because
            groups are whole, and at least one group.

    Raises:
        ConfigError: There is no such class.
    """
    for label in keep:
        known_name(label, sorted({example.label for example in examples}), setting="data.keep")
    gone: set[int] = set()
    for label, part in keep.items():
        own = [index for index in split.training if examples[index].label == label]
        counts = Counter(examples[index].group for index in own)
        left = part * len(own)
        for group in sorted(counts, key=_digest):
            if left <= 0:
                gone |= {index for index in own if examples[index].group == group}
            left -= counts[group]
    return replace(split, training=tuple(i for i in split.training if i not in gone))


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode(errors="surrogateescape")).digest()


def write_split(path: Path, examples: Sequence[Example], split: Split) -> None:
    """Record, one line a picture: its name, label, group and part."""
    part = dict.fromkeys(split.training, TRAINING) | dict.fromkeys(split.validation, VALIDATION)
    rows = dict.fromkeys(
        (example.picture, example.label, example.group, part[index])
        for index, example in enumerate(examples)
        if index in part
    )
    with PartialFile(path) as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def read_part(path: Path, part: str) -> dict[str, str]:
    """The pictures of one part, each with its group.

    Raises:
        DataError: The file is not a record of a split, or the part is empty.
    """
    return part_of(read_split(path), part, source=path)


def part_of(rows: Iterable[Mapping[str, str]], part: str, *, source: Path) -> dict[str, str]:
    """The same of a record that is read already.

    Raises:
        DataError: The part is empty.
    """
    pictures = {row["picture"]: row["group"] for row in rows if row["part"] == part}
    if not pictures:
        raise DataError(
            expected=f"pictures of the part {part!r}",
            found="none",
            remedy=f"Choose {TRAINING} or {VALIDATION}.",
            source=str(source),
        )
    return pictures


def read_split(path: Path) -> list[dict[str, str]]:
    """A recorded split, line by line, each with the `COLUMNS`.

    Raises:
        DataError: The file is not a record of a split.
    """
    if not path.is_file():
        raise DataError(
            expected="the split.csv of a run folder",
            found="no such file",
            remedy="Check the path.",
            source=str(path),
        )
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as lines:
            reader = csv.DictReader(lines, restval="")
            columns = tuple(reader.fieldnames or ())
            rows = list(reader) if columns == COLUMNS else []
    except (OSError, csv.Error) as error:
        raise _no_record(path, f"no CSV in UTF-8 ({error})") from error
    if columns != COLUMNS:
        found = ", ".join(columns)
        named = found if found.isprintable() else "no CSV in UTF-8"
        raise _no_record(path, named or "an empty file")
    return rows


def _no_record(path: Path, found: str) -> DataError:
    return DataError(
        expected=f"a split.csv with the columns {', '.join(COLUMNS)}",
        found=found,
        remedy="Use the split.csv that training wrote into its run folder.",
        source=str(path),
    )


def _strata(examples: Sequence[Example], folds: int) -> np.ndarray:
    """What is spread evenly: each data set's labels; the rarest with their label's largest."""
    fine = [f"{example.dataset}/{example.label}" for example in examples]
    counts = Counter(fine)
    largest: dict[str, str] = {}
    for name, example in zip(fine, examples, strict=True):
        best = largest.setdefault(example.label, name)
        largest[example.label] = max(best, name, key=lambda each: counts[each])
    return np.array(
        [
            name if counts[name] >= folds else largest[example.label]
            for name, example in zip(fine, examples, strict=True)
        ]
    )


def _numbers(names: np.ndarray) -> np.ndarray:
    return np.unique(names, return_inverse=True)[1]


def _check(examples: Sequence[Example], folds: int) -> None:
    groups: dict[str, set[str]] = {}
    for example in examples:
        groups.setdefault(example.label, set()).add(example.group)
    if len(groups) < 2:
        raise _one_class(examples)
    label, fewest = min(groups.items(), key=lambda item: len(item[1]))
    if len(fewest) < folds:
        raise DataError(
            expected=f"at least {folds} patients (or unlike pictures) a class for {folds} folds",
            found=f"{len(fewest)} of {label}",
            remedy="Lower data.folds in the config, or add patients.",
        )


def _one_class(examples: Sequence[Example]) -> DataError:
    found = f"only {examples[0].label if examples else 'none'}"
    remedy = "Put the pictures of each class into a folder named after the class."
    folders = sorted({one.path.parent for one in examples})
    left = [yes for folder in folders if (yes := unknown_tumors(folder))]
    if left:
        found += f", because {left[0]} does not say which tumor its pictures show"
        remedy = (
            f"To tell tumor from no tumor, rename it to {TUMOR}. To tell kinds of tumor apart, "
            "put the pictures of each kind into a folder named after it."
        )
    return DataError(expected="pictures of at least two classes", found=found, remedy=remedy)
