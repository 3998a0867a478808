"""Pictures that lie in a folder of data and were not taken up, so that none is lost in silence."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

from tumorlens.lab.datasets import DATASETS, candidates, recognise
from tumorlens.lab.datasets.example import PICTURE_SUFFIXES, Example

_OUTLINE_FOLDERS = {"mask", "masks"}
_OUTLINE_ENDS = ("_mask", "-mask", "_seg", "-seg")


def passed_over(
    folder: Path, examples: Iterable[Example], *, only: Collection[str] = ()
) -> tuple[Path, ...]:
    """The picture files below a folder that no example was made of.

    Outlines are not among them, nor what a data set leaves out knowingly (`Dataset.leaves_out`),
    nor the sets of which nothing was wanted: those not named in ``only``, those of other classes
    than ours, those of volumes. No file is opened.

    Args:
        folder: As `load_examples` got it; of a CSV alone nothing is passed over.
        examples: What was made of it.
        only: As `load_examples` got it.

    Returns:
        The files below ``folder`` as it is given, in a fixed order.
    """
    given, folder = folder, folder.expanduser().resolve()
    if not folder.is_dir():
        return ()
    names = {path: recognise(path) for path in candidates(folder, only)}
    sets = {path: name for path, name in names.items() if name and (not only or path.name in only)}
    is_taken = _taken(examples)
    left: dict[Path, list[Path]] = {}
    begun: set[Path] = set()
    for path in (path for root in (sets if only else [folder]) for path in _pictures(root)):
        owner = next((one for one in (folder, *path.parents) if one in sets), folder)
        if is_taken(path):
            begun.add(owner)
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
    is_outline = bool(
        _OUTLINE_FOLDERS & {part.lower() for part in path.parts[:-1]}
    ) or path.stem.lower().endswith(_OUTLINE_ENDS)
    return is_outline or (name is not None and DATASETS[name].leaves_out(path))


def _pictures(root: Path) -> Iterator[Path]:
    """Every picture file below a folder, hidden ones left out; linked folders are entered once."""
    seen: set[str] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in sorted(files):
            if name.lower().endswith(PICTURE_SUFFIXES) and not name.startswith("."):
                yield Path(place, name)
