"""What there is to outline: cases, and every other scan, volume and series."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tumorlens.errors import ScanContentError, ScanError
from tumorlens.reading import READERS, find_sources
from tumorlens.reading.case import find_case, is_label_map
from tumorlens.reading.files import is_folder
from tumorlens.reading.own_files import own_outlines, real_path
from tumorlens.reading.sources import folders_in
from tumorlens.reporting.outline_names import Input


@dataclass(frozen=True, slots=True)
class FoundInputs:
    """What there is to outline.

    Attributes:
        inputs: Cases, and every other scan, volume and series, in order.
        refused: Errors of cases that cannot be used, and of folders that hold nothing else than
            label maps.
        passed_over: Files that are no scans, label maps inside folders, and what tumorlens wrote.
    """

    inputs: list[Input] = field(default_factory=list)
    refused: list[ScanError] = field(default_factory=list)
    passed_over: list[Path] = field(default_factory=list)


def find_inputs(paths: Sequence[str], *, output: Path | None = None) -> FoundInputs:
    """Find what there is to outline.

    Args:
        paths: Files and folders.
        output: Where outlines go: what an earlier run wrote there is no input.
    """
    found = FoundInputs()
    written = _own_outlines(output) if output else set()
    for given in paths:
        folders = _folders(given)
        before = len(found.inputs), len(found.refused)
        taken = _take_cases(folders, found)
        searched = find_sources(given)
        found.passed_over.extend(searched.passed_over)
        for source in searched.sources:
            if any(file.parent in taken and _is_volume(file) for file in source.files):
                continue
            is_own = not written.isdisjoint(map(real_path, source.files))
            if is_own or (folders and any(map(is_label_map, source.files))):
                found.passed_over.extend(source.files)
            else:
                found.inputs.append(source)
        if before == (len(found.inputs), len(found.refused)):
            found.refused.append(_nothing(given))
    return found


def _take_cases(folders: Iterable[Path], found: FoundInputs) -> set[Path]:
    """Add the cases, and those that cannot be used; returns the folders of both."""
    taken = set()
    for folder in folders:
        try:
            case = find_case(folder)
        except ScanError as error:
            found.refused.append(error)
            taken.add(folder)
            continue
        if case:
            found.inputs.append(case)
            taken.add(folder)
    return taken


def _own_outlines(folder: Path) -> set[Path]:
    place = real_path(folder)
    return {place / name for name in own_outlines(place)}


def _nothing(given: str) -> ScanError:
    return ScanContentError(
        expected="a folder with scans to outline",
        found="label maps and earlier outlines alone",
        remedy="Give the folder of the scans.",
        source=given,
    )


def _folders(given: str) -> list[Path]:
    """The folder and all folders in it; nothing for a file, or for an empty name."""
    path = Path(given)
    return list(folders_in(path)) if given and is_folder(path) else []


def _is_volume(file: Path) -> bool:
    """Whether its name is one of those among which a case is looked for."""
    return file.name.lower().endswith(READERS["nifti"].suffixes)
