"""Every picture's answer as one line of a table, so that evaluations can be pooled later."""

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.reporting.folder import write_bytes
from tumorlens.scan import FloatArray, Plane

ANSWERS_FILE = "answers.csv"

_COLUMNS = ("picture", "channel", "label", "group", "patient", "dataset", "plane", "sequence")
_CHANCE = "p_"  # before a class's name: the column of its probability


def write_answers(
    path: Path, examples: Sequence[Example], probabilities: FloatArray, classes: Sequence[str]
) -> None:
    """Write one line a picture: what it is, and every class's calibrated probability.

    Args:
        path: Of the table.
        examples: One for each picture.
        probabilities: float32, (pictures, classes).
        classes: Names in the order of the columns.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([*_COLUMNS, *(_CHANCE + name for name in classes)])
    for example, row in zip(examples, probabilities, strict=True):
        known = (getattr(example, name) for name in _COLUMNS)
        writer.writerow(
            ["" if each is None else each for each in known] + [f"{chance:.9g}" for chance in row]
        )
    write_bytes(path, lines.getvalue().encode(errors="surrogateescape"))


def read_answers(path: Path) -> tuple[tuple[Example, ...], FloatArray, tuple[str, ...]]:
    """Read such a table, packed by gzip where the name ends in ``.gz``.

    Returns:
        The pictures (without their files), float32 (pictures, classes), the classes' names.

    Raises:
        DataError: There is none, or it is damaged or not such a table.
    """
    if not path.is_file():
        raise _wrong(path, f"no {path.name}")
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", newline="", encoding="utf-8", errors="surrogateescape") as lines:
            reader = csv.DictReader(lines)
            names = tuple(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise _wrong(path, f"a file that cannot be read ({error})") from error
    classes = tuple(name.removeprefix(_CHANCE) for name in names if name.startswith(_CHANCE))
    if names != (*_COLUMNS, *(_CHANCE + name for name in classes)) or not classes:
        found = ", ".join(names) or "of an empty file"
        readable = f"the columns {found}" if found.isprintable() else "a file that cannot be read"
        raise _wrong(path, readable)
    try:
        chances = [[float(row[_CHANCE + name]) for name in classes] for row in rows]
        examples = tuple(_example(row) for row in rows)
    except (TypeError, ValueError) as error:
        raise _wrong(path, f"a line that cannot be read ({error})") from error
    if not rows or any(example.label not in classes for example in examples):
        raise _wrong(path, "no lines, or a label that is no class" if rows else "no lines")
    return examples, np.array(chances, np.float32), classes


def _example(row: dict[str, str]) -> Example:
    return Example(
        path=Path(row["picture"]),
        picture=row["picture"],
        label=row["label"],
        group=row["group"],
        dataset=row["dataset"],
        channel=int(row["channel"]) if row["channel"] else None,
        patient=row["patient"] or None,
        sequence=row["sequence"] or None,
        plane=cast("Plane | None", row["plane"] or None),
    )


def _wrong(path: Path, found: str) -> DataError:
    return DataError(
        expected=f"the {ANSWERS_FILE} of an evaluation, one line a picture",
        found=found,
        remedy="Evaluate again: tumorlens evaluate DATA --split RUN/split.csv --model RUN/model "
        "--output RUN",
        source=str(path),
    )
