"""Telling which files of a searched folder were not taken up."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tumorlens.cli.exits import say
from tumorlens.extras import import_extra

_NAMED = 3


def tell_passed_over(files: Sequence[Path]) -> None:
    """Say how many were no scans, and name the first."""
    _tell(files, "being no scans")


def tell_other_volumes(inputs: Iterable[object]) -> None:
    """Say which volumes of cases are of a sequence that no model knows."""
    from tumorlens.reading.case import Case

    cases = [one for one in inputs if isinstance(one, Case)]
    others = [file for case in cases for file in case.passed_over]
    _tell(others, "being of no sequence of a case (flair, t1c, t1, t2) by their names")


def tell_unlabelled(files: Sequence[Path]) -> None:
    """Say how many files are in no class of a data set, each kind alone, and name the first."""
    tables = [file for file in files if file.suffix.lower() == ".csv"]
    suffixes = import_extra("tumorlens.lab.datasets.example", extra="lab").PICTURE_SUFFIXES
    pictures = [file for file in files if file.suffix.lower() in suffixes]
    others = [file for file in files if file.suffix.lower() not in (".csv", *suffixes)]
    _tell(pictures, "in no class of a data set")
    _tell(tables, "as one CSV a folder is read, whose columns are named path and label")
    _tell(others, "being no pictures by name (a CSV of path,label,patient may list DICOM slices)")


def _tell(files: Sequence[Path], why: str) -> None:
    if files:
        names = ", ".join(str(file) for file in files[:_NAMED])
        more = ", ..." if len(files) > _NAMED else ""
        say(f"passed over, {why}: {len(files)} ({names}{more})")
