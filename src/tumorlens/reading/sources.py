"""What there is to read in files and folders: each picture, volume or series once."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tumorlens.reading.files import is_folder, read_head
from tumorlens.reading.formats import (
    HEAD_BYTES,
    load_series_reader,
    promises_scan,
    reader_name,
)
from tumorlens.reading.own_files import is_own_overlays, own_outlines


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to read.

    Attributes:
        name: For messages and reports, unique within one search: a path as given, or found
            inside a folder as given; a series among others is ``folder#series-2``.
        files: The file; or all files of one DICOM series, in natural order of their names; or
            nothing, where a folder holds no scan.
    """

    name: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What `find_sources` found.

    Attributes:
        sources: In the order of the paths given, and inside a folder in natural order.
        passed_over: Files inside folders that are no scans, by their bytes and their names, and
            pictures and outlines that tumorlens wrote there.
    """

    sources: tuple[Source, ...]
    passed_over: tuple[Path, ...]


@dataclass(slots=True)
class _Group:
    """Files that are read together, while a folder is searched."""

    files: list[Path] = field(default_factory=list)


def find_sources(paths: str | Path | Iterable[str | Path]) -> Found:
    """List what there is to read, without decoding anything and without any error.

    A path that is no folder is a source whatever it is, even if missing: reading it raises the
    error. A folder is searched with its subfolders, by bytes and not by suffixes: each picture,
    NIfTI file and multi-frame DICOM file is a source; the other DICOM files are grouped by
    SeriesInstanceUID. Files that neither begin nor are named like a scan are passed over, and
    so are DICOM objects that are no images (reports, DICOMDIR), the overlays of a report by
    tumorlens, and the outlines that a record of ours names. Hidden files are ignored, and links
    to folders are not followed. A folder without scans is a source without files.

    Args:
        paths: Files and folders, in any mixture; or one of them.
    """
    if isinstance(paths, (str, Path)):
        paths = [paths]
    sources: list[Source] = []
    passed_over: list[Path] = []
    for given in paths:
        path = Path(given)
        # Path("") would be the current folder, which nobody meant by an empty name.
        if is_folder(path) and given != "":
            found = _search_folder(path)
            sources += found.sources
            passed_over += found.passed_over
        else:
            sources.append(Source(str(given), (path,)))
    return Found(tuple(sources), tuple(passed_over))


def _search_folder(folder: Path) -> Found:
    groups: dict[str, _Group] = {}
    passed_over: list[Path] = []
    for path, is_own in _walk(folder):
        key = None if is_own else _group_key(path)
        if key is None:
            passed_over.append(path)
        else:
            groups.setdefault(key, _Group()).files.append(path)
    if not groups:
        return Found((Source(str(folder), ()),), tuple(passed_over))
    files = [tuple(group.files) for group in groups.values()]
    return Found(tuple(_named(files, folder)), tuple(passed_over))


def _named(groups: list[tuple[Path, ...]], folder: Path) -> Iterator[Source]:
    if len(groups) == 1 and len(groups[0]) > 1:
        yield Source(str(folder), groups[0])
        return
    count: dict[Path, int] = {}
    for files in groups:
        if len(files) == 1:
            yield Source(str(files[0]), files)
            continue
        home = files[0].parent
        count[home] = count.get(home, 0) + 1
        yield Source(f"{home}#series-{count[home]}", files)


def _group_key(path: Path) -> str | None:
    """What the files of one source share; None for a file that is no scan."""
    alone = f"file {path}"
    head = read_head(path, HEAD_BYTES)
    if not head or is_folder(path):
        return alone if promises_scan(path.name) or is_folder(path) else None
    name = reader_name(head)
    if name != "dicom":
        return alone if name or promises_scan(path.name) else None
    header = load_series_reader().read_series_header(path)
    if not header.is_image:
        return None
    return f"series {header.series}" if header.series else alone


def folders_in(folder: Path) -> Iterator[Path]:
    """The folders that `find_sources` looks into: this one, and those in it that can be listed."""
    try:
        entries = _entries(folder)
    except OSError:
        return
    yield folder
    for entry in entries:
        if is_folder(entry) and not entry.is_symlink() and not is_own_overlays(entry):
            yield from folders_in(entry)


def _walk(folder: Path) -> Iterator[tuple[Path, bool]]:
    """All files below a folder, and whether tumorlens itself wrote them among the scans.

    A subfolder that cannot be listed comes as itself.
    """
    try:
        entries = _entries(folder)
    except OSError:
        yield folder, False
        return
    own = own_outlines(folder)
    for entry in entries:
        if not is_folder(entry):
            yield entry, entry.name in own
        elif not entry.is_symlink():
            below = is_own_overlays(entry)
            yield from ((path, below or is_own) for path, is_own in _walk(entry))


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, but for what is hidden, in natural order."""
    found = (entry for entry in folder.iterdir() if not entry.name.startswith("."))
    return sorted(found, key=natural_key)


def natural_key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """A sorting key by which ``slice_2`` comes before ``slice_10``, whatever the case."""
    parts = re.findall(r"[0-9]+|[^0-9]+", path.name.lower())
    numbered = [(0, int(p), "") if p[0] in "0123456789" else (1, 0, p) for p in parts]
    return numbered, path.name
