"""What tumorlens itself wrote among the scans, and how it is known again: no input of any verb."""

import json
import os
from pathlib import Path
from typing import Any

from tumorlens.reading.files import read_head

Record = dict[str, Any]

PAGE = "index.html"
OVERLAYS = "overlays"
"""The folder of a report's pictures, beside its page."""

MARK = '<meta name="generator" content="tumorlens">'
"""Near the beginning of every page of ours: how an earlier report is known again."""

RECORD = "segments.json"
"""The file in which outlines are recorded."""

CLAIMS = ".tumorlens-segments"
"""JSON list of files beside the record that are ours, or of a run that was stopped, and that the
record does not name; hidden, so that no search for scans looks into it."""

ASIDE = ".partial"
"""Follows the name of a file that is not whole yet."""

_HEAD = 1000  # bytes of a page that hold the mark
_GROWING = ".tumorlens-*"  # hidden folders in which reports grow


def real_path(path: Path) -> Path:
    """The path without links; of a link to itself, the path as far as it leads."""
    # Path.resolve raises on a link to itself before Python 3.13.
    return Path(os.path.realpath(path))


def is_own_page(path: Path) -> bool:
    """Whether a file is an HTML page by tumorlens."""
    return MARK.encode() in read_head(path, _HEAD)


def is_own_overlays(folder: Path) -> bool:
    """Whether a folder holds the pictures of a report, also of one whose page is not there yet."""
    if folder.name != OVERLAYS:
        return False
    beside = folder.parent
    return is_own_page(beside / PAGE) or any(beside.glob(f"{_GROWING}/{OVERLAYS}"))


def read_record(folder: Path) -> list[Record] | None:
    """The record of the outlines in a folder; None where there is none, or one by others."""
    records = _read_list(folder / RECORD)
    if records is None or not all(_is_ours(record) for record in records):
        return None
    return records


def recorded_files(record: Record) -> set[str]:
    """The names of the files that one record of ours tells of; none of a refused input."""
    if "error" in record:
        return set()
    names = record["mask"], record.get("picture", ""), *record.get("dicom", ())
    return {Path(name).name for name in names if name}


def claimed_files(folder: Path) -> set[str]:
    """The names in `CLAIMS`."""
    return {str(name) for name in _read_list(folder / CLAIMS) or ()}


def own_outlines(folder: Path) -> set[str]:
    """The names of the files in a folder that runs of ``tumorlens segment`` wrote, or may have."""
    claimed = claimed_files(folder)
    aside = {f"{name}{ASIDE}" for name in claimed}
    return claimed.union(aside, *map(recorded_files, read_record(folder) or ()))


def _read_list(path: Path) -> list[Any] | None:
    try:
        found = json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def _is_ours(record: object) -> bool:
    """Whether a record is one of ``tumorlens segment``, of whatever version."""
    if not isinstance(record, dict) or not isinstance(record.get("source"), str):
        return False
    if isinstance(record.get("error"), dict):
        return True
    dicom = record.get("dicom", [])
    if not isinstance(dicom, list) or not isinstance(record.get("model"), dict):
        return False
    names = record.get("mask"), record.get("picture", ""), *dicom
    return all(isinstance(name, str) for name in names)
