"""What there is to outline: cases, and every other scan, volume and series."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tumorlens.errors import ConfigError, ScanError
from tumorlens.reading import Source, find_sources
from tumorlens.reading.case import Case, find_case, is_label_map

RECORD = "segments.json"
"""The file in which outlines are recorded."""

Record = dict[str, Any]
Input = Source | Case


def find_inputs(paths: Sequence[str]) -> tuple[list[Input], list[ScanError]]:
    """What there is to outline: cases, and every other scan, volume and series.

    Returns:
        The inputs in order, and the errors of cases that cannot be used.
    """
    inputs: list[Input] = []
    errors: list[ScanError] = []
    for given in paths:
        folders = _folders(Path(given))
        taken: list[Path] = []
        for folder in folders:
            try:
                case = find_case(folder)
            except ScanError as error:
                errors.append(error)
                taken.append(folder)
                continue
            if case:
                inputs.append(case)
                taken.append(folder)
        inputs += [
            source
            for source in find_sources(given).sources
            if not _lies_in(source, taken) and not (folders and _is_label_map(source))
        ]
    return inputs, errors


def check_apart(inputs: Iterable[Input], folder: Path) -> None:
    """Keep a case's own outline (``<case>_seg.nii.gz``) from being written over.

    Raises:
        ConfigError: The folder is that of a case.
    """
    for one in inputs:
        if not isinstance(one, Case):
            continue
        own = next(iter(one.files.values())).parent
        if own.resolve() == folder.expanduser().resolve():
            raise ConfigError(
                expected="a folder apart from the cases",
                found="the folder of one of them, whose files might be written over",
                remedy="Choose another folder.",
                source=str(folder),
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
