"""What there is to outline: cases, and every other scan, volume and series."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tumorlens.errors import ConfigError, ScanContentError, ScanError
from tumorlens.reading import Source, find_sources
from tumorlens.reading.case import Case, find_case, is_label_map
from tumorlens.reporting.folder import FileNames

RECORD = "segments.json"
"""The file in which outlines are recorded."""

MASK, LABEL_MAP, PLANES = ".mask.png", "_seg.nii.gz", "_planes.png"
"""How the files of outlines end: of pictures, of volumes and cases, and what is drawn of these."""

Record = dict[str, Any]
Input = Source | Case


@dataclass(frozen=True, slots=True)
class FoundInputs:
    """What there is to outline.

    Attributes:
        inputs: Cases, and every other scan, volume and series, in order.
        refused: Errors of cases that cannot be used, and of folders that hold nothing else than
            label maps.
        passed_over: Files inside folders that are no scans.
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
    written = _written(output) if output else set()
    for given in paths:
        folders = _folders(Path(given))
        taken: list[Path] = []
        before = len(found.inputs), len(found.refused)
        for folder in folders:
            try:
                case = find_case(folder)
            except ScanError as error:
                found.refused.append(error)
                taken.append(folder)
                continue
            if case:
                found.inputs.append(case)
                taken.append(folder)
        searched = find_sources(given)
        found.passed_over.extend(searched.passed_over)
        found.inputs.extend(
            source
            for source in searched.sources
            if not _lies_in(source, taken)
            and not (folders and _is_label_map(source))
            and not written.intersection(file.resolve() for file in source.files)
        )
        if before == (len(found.inputs), len(found.refused)):
            found.refused.append(_nothing(given))
    return found


def check_apart(inputs: Iterable[Input], folder: Path) -> None:
    """Keep what lies beside the inputs, such as their own outlines, from being written over.

    Raises:
        ConfigError: The folder is that of a case, or of a scan beside which a file stands under
            the name of its outline that no earlier run wrote.
    """
    folder = folder.expanduser().resolve()
    names, written = FileNames(), _written(folder)
    for one in inputs:
        stem = names.name(one.name)
        files = tuple(one.files.values()) if isinstance(one, Case) else one.files
        if folder not in {file.resolve().parent for file in files}:
            continue
        if isinstance(one, Case):
            raise _not_apart("the folder of a case, whose files might be written over", folder)
        for name in (f"{stem}{MASK}", f"{stem}{LABEL_MAP}"):
            if (folder / name).exists() and folder / name not in written:
                raise _not_apart(f"a file {name} that no earlier run wrote", folder)


def _not_apart(found: str, folder: Path) -> ConfigError:
    return ConfigError(
        expected="a folder where outlines write nothing over",
        found=found,
        remedy="Choose another folder.",
        source=str(folder),
    )


def _written(folder: Path) -> set[Path]:
    """The files that the record of an earlier run lists; none where there is no whole one."""
    folder = folder.expanduser().resolve()
    try:
        records = json.loads((folder / RECORD).read_bytes())
        names = {
            name
            for record in records
            for name in (record.get("mask"), record.get("picture"), *record.get("dicom", ()))
        }
        return {folder / Path(name).name for name in names if name}
    except (OSError, ValueError, TypeError, AttributeError):
        return set()


def _nothing(given: str) -> ScanError:
    return ScanContentError(
        expected="a folder with scans to outline",
        found="label maps and earlier outlines alone",
        remedy="Give the folder of the scans.",
        source=given,
    )


def _folders(path: Path) -> list[Path]:
    """The folder and all folders in it; nothing for a file."""
    if not path.is_dir():
        return []
    inner = sorted(one for one in path.rglob("*") if one.is_dir() and not one.is_symlink())
    return [path, *inner]


def _lies_in(source: Source, folders: Sequence[Path]) -> bool:
    return any(file.parent == folder for file in source.files for folder in folders)


def _is_label_map(source: Source) -> bool:
    return any(is_label_map(file) for file in source.files)
