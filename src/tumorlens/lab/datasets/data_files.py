"""Which files of a folder may be meant as data: pictures, other scans, tables of labels."""

import os
from collections.abc import Iterator
from pathlib import Path

from tumorlens.lab.datasets.csv_table import seems_to_label
from tumorlens.lab.datasets.example import PICTURE_SUFFIXES
from tumorlens.reading.formats import HEAD_BYTES, promises_scan, reader_name

TABLE_SUFFIX = ".csv"


def data_files(root: Path) -> Iterator[Path]:
    """Every such file below a folder, hidden ones left out; linked folders are entered once."""
    seen: set[str] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in sorted(files):
            if not name.startswith(".") and _is_data(path := Path(place, name)):
                yield path


def is_other_scan(path: Path) -> bool:
    """Whether a file is a scan, by its name or its bytes, that class folders do not take up.

    DICOM, NIfTI, and pictures whose names do not say so.
    """
    suffix = path.suffix.lower()
    if suffix in PICTURE_SUFFIXES or suffix == TABLE_SUFFIX:
        return False
    if promises_scan(path.name):
        return True
    try:
        with path.open("rb") as file:
            return reader_name(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def _is_data(path: Path) -> bool:
    if path.suffix.lower() == TABLE_SUFFIX:
        return seems_to_label(path)
    return path.suffix.lower() in PICTURE_SUFFIXES or is_other_scan(path)
