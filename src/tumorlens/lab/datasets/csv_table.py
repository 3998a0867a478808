"""Any CSV that names pictures and their labels: ``path,label[,patient][,split][,mask]``.

Paths are relative to the CSV's folder, or absolute. ``patient`` may be empty where unknown.
``split`` is the data's own split (training, testing or validation, also train, test, val), and
is recorded as `Example.official`. ``mask`` is an outline of the same size, white where the tumor
is. Other columns are passed by. Labels are read as the names of class folders are:
``glioma_tumor`` is glioma.
"""

import csv
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets.example import HALVES, About, Example, label_of_folder

ABOUT = About(
    title="Any CSV: path,label[,patient][,split][,mask]",
    content="pictures of any kind",
    count="any",
    labels="the column label",
    patients=True,
    licence="yours",
    address="",
    recognised_by="one .csv in the folder whose first line has the columns path and label; or "
    "such a file itself",
)

_NEEDED = ("path", "label")


def matches(folder: Path) -> bool:
    """Whether exactly one CSV with the columns path and label lies in the folder, or is it."""
    return len(_tables(folder)) == 1


def read(folder: Path) -> list[Example]:
    """One example a line, grouped by patient where there is one.

    Args:
        folder: The CSV's folder, or the CSV.

    Raises:
        DataError: A column or a file is missing, there are no lines, or a line is empty,
            wrong or there twice.
    """
    table = folder if folder.is_file() else _tables(folder)[0]
    columns, rows = _rows(table)
    if absent := [name for name in _NEEDED if name not in columns]:
        raise _wrong(
            table,
            "the columns path and label",
            f"no {' and '.join(absent)} in {', '.join(columns) or 'an empty file'}",
        )
    if not rows:
        raise _wrong(table, "one line a picture", "none")
    examples = [_example(table, row, line) for line, row in enumerate(rows, start=2)]
    _refuse_missing(table, examples)
    _refuse_twice(table, examples)
    return examples


def _tables(folder: Path) -> list[Path]:
    found = [folder] if folder.is_file() else sorted(folder.glob("*.csv"))
    return [path for path in found if set(_NEEDED) <= set(_columns(path))]


def _columns(path: Path) -> list[str]:
    """The names in a CSV's first line; none where it is no text."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            return next(csv.reader(lines), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _rows(table: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, restval="")
            rows = [{k: v.strip() for k, v in row.items() if k} for row in reader]
            return list(reader.fieldnames or ()), rows
    except (UnicodeDecodeError, csv.Error) as error:
        raise _wrong(table, "a CSV in UTF-8", str(error)) from error


def _example(table: Path, row: dict[str, str], line: int) -> Example:
    if empty := [name for name in _NEEDED if not row[name]]:
        raise _wrong(table, "a path and a label in every line", f"no {empty[0]} in line {line}")
    split = row.get("split", "").lower()
    if split and split not in HALVES:
        raise _wrong(table, "training, testing or validation as split", f"{split!r} in line {line}")
    root = table.parent
    picture = f"{root.name}/{Path(row['path']).as_posix()}"
    patient = row.get("patient") or None
    mask = row.get("mask")
    return Example(
        path=root / row["path"],
        picture=picture,
        label=label_of_folder(row["label"]),
        group=f"{root.name}:{patient}" if patient else picture,
        patient=patient,
        dataset=root.name,
        mask=root / mask if mask else None,
        official=HALVES.get(split),
    )


def _refuse_missing(table: Path, examples: list[Example]) -> None:
    files = [path for e in examples for path in (e.path, e.mask) if path is not None]
    if absent := [path for path in dict.fromkeys(files) if not path.is_file()]:
        raise _wrong(
            table,
            "a file for every line",
            f"{len(absent)} missing, the first {absent[0]}",
        )


def _refuse_twice(table: Path, examples: list[Example]) -> None:
    first: dict[Path, Example] = {}
    for example in examples:
        before = first.setdefault(example.path.resolve(), example)
        if before is not example:
            labels = " and ".join(dict.fromkeys((before.label, example.label)))
            raise _wrong(table, "every picture once", f"{example.picture} twice, as {labels}")


def _wrong(table: Path, expected: str, found: str) -> DataError:
    return DataError(
        expected=expected, found=found, remedy="Mend the CSV, or its paths.", source=str(table)
    )
