"""What lies in a folder of data and was not taken up, so that nothing is lost in silence."""

import os
from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path

from tumorlens.home_folder import expand
from tumorlens.lab.datasets import DATASETS, candidates, csv_table, recognise
from tumorlens.lab.datasets.data_files import data_files
from tumorlens.lab.datasets.example import Example

_OUTLINE_FOLDERS = {"mask", "masks"}
_OUTLINE_ENDS = ("_mask", "-mask", "_seg", "-seg")


def passed_over(
    folder: Path, examples: Iterable[Example], *, only: Collection[str] = ()
) -> tuple[Path, ...]:
    """The pictures, other scans and tables of labels below a folder that were not taken up.

    Outlines are not among them, nor what a data set leaves out knowingly (`Dataset.leaves_out`),
    nor the sets of which nothing was wanted: those not named in ``only``, those of other classes
    than ours, those of volumes. Of files whose names are no pictures' the first bytes are read.

    Args:
        folder: As `load_examples` got it; of a CSV alone nothing is passed over.
        examples: What was made of it.
        only: As `load_examples` got it.

    Returns:
        The files below ``folder`` as it is given, in a fixed order.
    """
    given, folder = folder, expand(folder).resolve()
    if not folder.is_dir():
        return ()
    names = {path: recognise(path) for path in candidates(folder, only)}
    sets = {path: name for path, name in names.items() if name and (not only or path.name in only)}
    is_taken = _taken(examples)
    left: dict[Path, list[Path]] = {}
    begun: set[Path] = set()
    for path in (path for root in (sets if only else [folder]) for path in data_files(root)):
        owner = next((one for one in (folder, *path.parents) if one in sets), folder)
        if is_taken(path):
            begun.add(owner)
        elif _is_table_of(path, owner, sets.get(owner)):
            continue
        elif not _is_left_out(path.relative_to(owner), sets.get(owner)):
            left.setdefault(owner, []).append(path)
    unwanted = set(sets) - begun
    return tuple(
        given / path.relative_to(folder)
        for owner, paths in left.items()
        if owner not in unwanted
        for path in paths
    )


def _taken(examples: Iterable[Example]) -> Callable[[Path], bool]:
    """Whether a file is an example's picture or outline, also where one of them is a link."""
    real_folder = cache(os.path.realpath)  # many files, few folders
    files = {path for one in examples for path in (one.path, one.mask) if path is not None}
    names = {(real_folder(path.parent), path.name) for path in files}

    def is_taken(path: Path) -> bool:
        if (real_folder(path.parent), path.name) in names:
            return True
        return path.is_symlink() and is_taken(path.resolve())

    return is_taken


def _is_left_out(path: Path, name: str | None) -> bool:
    """Whether a file, relative to its set, is an outline, or left out by intent."""
    stem = Path(path.name.lower().removesuffix(".gz")).stem
    is_outline = bool(
        _OUTLINE_FOLDERS & {part.lower() for part in path.parts[:-1]}
    ) or stem.endswith(_OUTLINE_ENDS)
    return is_outline or (name is not None and DATASETS[name].leaves_out(path))


def _is_table_of(path: Path, owner: Path, name: str | None) -> bool:
    """Whether a file is the CSV that its set was read by."""
    return name == "csv" and path.parent == owner and csv_table.is_table(path)
