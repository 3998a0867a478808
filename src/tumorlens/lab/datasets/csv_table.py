"""Any CSV that names pictures and their labels: ``path,label[,patient][,split][,mask]``.

Comma, semicolon or tab separates the columns; capitals in their names do not matter. Paths are
relative to the CSV's folder, or absolute; they may name DICOM files of one slice.
``patient`` may be empty where unknown. ``split`` is the data's own split (training, testing or
validation, also train, test, val), and is recorded as `Example.official`. ``mask`` is an outline
of the same size, white (or 1 of 0 and 1) where the tumor is. Other columns are passed by, but none
that seems to be meant for one of these. Labels are read as the names of class folders are:
``glioma_tumor`` is glioma.
"""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from tumorlens.errors import DataError
from tumorlens.lab.datasets.example import HALVES, About, Example, label_of_folder
from tumorlens.lab.datasets.pixels import MATLAB_SUFFIX
from tumorlens.labels import NO_TUMOR

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
_KNOWN = (*_NEEDED, "patient", "split", "mask")
_MEANT = {
    "path": "file filename filepath image imagefile imagename imagepath img imgpath picture",
    "label": "labels class classname category diagnosis target tumor tumortype",
    "patient": "patients patientid patientname patientno patientnumber pid case caseid subject "
    "subjectid participant participantid",
    "mask": "masks maskfile maskname maskpath outline segmentation",
}
"""Other names that people give to the columns, in letters and digits alone."""

_DELIMITERS = ",;\t"
_LONGEST_HEADER = 10_000  # characters


def matches(folder: Path) -> bool:
    """Whether exactly one CSV with the columns path and label lies in the folder, or is it."""
    return len(_tables(folder)) == 1


def read(folder: Path) -> list[Example]:
    """One example a line, grouped by patient where there is one.

    Args:
        folder: The CSV's folder, or the CSV.

    Raises:
        DataError: A column or a file is missing, there are no lines, a line is empty, wrong or
            there twice, a column has the wrong name, or there is no tumor in a tumor's outline.
    """
    table = folder if folder.is_file() else _tables(folder)[0]
    delimiter, columns = _header(table)
    _check_columns(table, columns)
    rows = _rows(table, delimiter, columns)
    if not rows:
        raise _wrong(table, "one line a picture", "none")
    examples = [_example(table, row, line) for line, row in enumerate(rows, start=2)]
    _refuse_missing(table, examples)
    _refuse_twice(table, examples)
    return _with_outlines(table, examples)


def is_table(path: Path) -> bool:
    """Whether a CSV has the columns path and label."""
    return set(_NEEDED) <= set(_header(path)[1])


def seems_to_label(path: Path) -> bool:
    """Whether a CSV has columns for pictures and for labels, whatever they are called."""
    columns = _header(path)[1]
    return all(name in columns or _meant_for(name, columns) for name in _NEEDED)


def _tables(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder] if is_table(folder) else []
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv")
    return [path for path in found if is_table(path)]


def _header(path: Path) -> tuple[str, list[str]]:
    """What separates the columns, and their names in lower case; none where it is no text."""
    try:
        # What is no UTF-8 further down must not hide the columns: reading tells.
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
            line = lines.readline(_LONGEST_HEADER)
        found = {each: next(csv.reader([line], delimiter=each), []) for each in _DELIMITERS}
    except (OSError, csv.Error):
        return ",", []
    delimiter = max(_DELIMITERS, key=lambda each: len(found[each]))
    return delimiter, [name.strip().lower() for name in found[delimiter]]


def _meant_for(name: str, columns: Sequence[str]) -> list[str]:
    """The columns that seem to be meant for the one of this name."""
    others = _MEANT.get(name, "").split()
    return [one for one in columns if "".join(filter(str.isalnum, one)) in others]


def _check_columns(table: Path, columns: Sequence[str]) -> None:
    if absent := [name for name in _NEEDED if name not in columns]:
        raise _wrong(
            table,
            "the columns path and label",
            f"no {' and '.join(absent)} in {', '.join(columns) or 'an empty file'}",
            "Name its columns path,label[,patient][,split][,mask].",
        )
    if twice := [name for name in _KNOWN if columns.count(name) > 1]:
        raise _wrong(table, "every column once", f"{twice[0]} twice")
    for name in _KNOWN:
        if name not in columns and (meant := _meant_for(name, columns)):
            raise _wrong(
                table,
                f"a column {name}, or none like it",
                f"the column {meant[0]}, which would not be read",
                f"Rename it to {name}, or if it is something else, to another name.",
            )


def _rows(table: Path, delimiter: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """The lines below the first."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            rows = [*csv.DictReader(lines, columns, restval="", delimiter=delimiter)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _wrong(table, "a CSV in UTF-8", str(error)) from error
    return [{k: v.strip() for k, v in row.items() if k} for row in rows[1:]]


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


def _with_outlines(table: Path, examples: Sequence[Example]) -> list[Example]:
    """The examples, each with what counts as tumor in its outline: 1 where 1 is the largest."""
    measured: list[Example] = []
    empty: list[tuple[Path, int]] = []
    for example in examples:
        mask, above = example.mask, example.mask_above
        if mask is not None and example.label != NO_TUMOR and mask.suffix.lower() != MATLAB_SUFFIX:
            largest = _largest(mask)
            above = 0 if largest == 1 else above
            if largest <= above:
                empty.append((mask, largest))
        measured.append(replace(example, mask_above=above))
    if empty:
        raise _wrong(
            table,
            "outlines of white (255, or 1 of 0 and 1) on black for pictures with tumor",
            f"{len(empty)} without any, the first {empty[0][0]}, whose largest value is "
            f"{empty[0][1]}",
            "Save them as 0 and 255, or leave the column mask empty where no outline is known.",
        )
    return measured


def _largest(mask: Path) -> int:
    """The largest grey level of an outline, 0..255."""
    try:
        with Pillow.open(mask) as picture:
            return int(np.asarray(picture.convert("L")).max(initial=0))
    except (OSError, SyntaxError) as error:
        raise DataError(
            expected="outlines that can be read",
            found=str(error) or "a broken file",
            remedy="Replace it, or leave the column mask empty where no outline is known.",
            source=str(mask),
        ) from error


def _wrong(
    table: Path, expected: str, found: str, remedy: str = "Mend the CSV, or its paths."
) -> DataError:
    return DataError(expected=expected, found=found, remedy=remedy, source=str(table))
