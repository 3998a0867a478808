"""Groups that ``tumorlens audit`` found, joined to those that training finds by itself.

Training ties what correlates as a whole; an audit lays pictures on each other, and finds copies
that were turned or cropped too.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example

COLUMNS = ("path", "group", "patient")
"""Of ``groups.csv``."""


def audited_pairs(examples: Sequence[Example], path: Path) -> tuple[list[tuple[int, int]], int]:
    """Which pictures an audit has in one group.

    Args:
        examples: The pictures.
        path: The audit's ``groups.csv``; relative paths in it count from the current folder.
            Paths that are none of the examples' are passed by.

    Returns:
        Pairs of indices that tie each group together, and how many examples the file names.

    Raises:
        DataError: The file is none of an audit's, or names no example.
    """
    audited = read_groups(path)
    members: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        if (group := audited.get(example.path.resolve())) is not None:
            members.setdefault(group, []).append(index)
    if not members:
        raise DataError(
            expected="an audit of the pictures that are trained on",
            found=f"none of the {len(examples)} pictures among its {len(audited)} paths",
            remedy="Run `tumorlens audit` on this data, or train from the folder that the audit "
            "was started in: relative paths count from there.",
            source=str(path),
        )
    pairs = [(own[0], index) for own in members.values() for index in own[1:]]
    return pairs, sum(map(len, members.values()))


def read_groups(path: Path) -> dict[Path, str]:
    """An audit's ``groups.csv``: the group of each file, by its resolved path.

    Raises:
        DataError: The file is absent, or none of an audit's.
    """
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            columns = tuple(reader.fieldnames or ())
            rows = list(reader) if columns == COLUMNS else []
        if columns != COLUMNS:
            raise _not_an_audit(path, ", ".join(columns) or "an empty file")
        if not all(row["path"] and row["group"] for row in rows):
            raise _not_an_audit(path, "a line without a path or without a group")
        return {Path(row["path"]).resolve(): row["group"] for row in rows}
    except (OSError, ValueError, csv.Error) as error:
        raise _not_an_audit(path, getattr(error, "strerror", None) or str(error)) from error


def _not_an_audit(path: Path, found: str) -> DataError:
    return DataError(
        expected=f"the groups.csv of an audit, with the columns {', '.join(COLUMNS)}",
        found=found,
        remedy="Give the file that `tumorlens audit DATA --output audit` writes: audit/groups.csv.",
        source=str(path),
    )
