"""Any folder of class folders, with or without ``Training/`` and ``Testing/`` above them.

The label is the folder's name (``glioma_tumor`` is glioma, ``notumor`` is no_tumor). No patient
is known. The set's own split is recorded as `Example.official`, and used for training only where
``data.split`` is ``official``: in the public sets that come so, many ``Testing`` pictures stand in
``Training`` too.
"""

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets.example import (
    HALVES,
    About,
    Example,
    folders_in,
    label_of_folder,
    lone_example,
    pictures_in,
)

ABOUT = About(
    title="Any folder of class folders",
    content="pictures of any kind",
    count="any",
    labels="the folders' names",
    patients=False,
    licence="yours",
    address="",
    recognised_by="at least two folders of pictures, also inside Training/ and Testing/ "
    "(train, test, val, ...)",
)

_UNLABELLED = "pred"
_NO_CLASSES = ("image", "images", "mask", "masks", _UNLABELLED)


def matches(folder: Path) -> bool:
    """Whether at least two folders of pictures lie in it (or in its Training and Testing)."""
    return len({label_of_folder(path.name) for path in class_folders(folder)}) >= 2


def read(folder: Path) -> list[Example]:
    """One example a picture, labelled by its folder; no patient is known."""
    return [
        replace(
            lone_example(path, root=folder, label=label_of_folder(class_folder.name)),
            official=HALVES.get(class_folder.parent.name.lower())
            if class_folder.parent != folder
            else None,
        )
        for class_folder in class_folders(folder)
        for path in pictures_in(class_folder)
    ]


def leaves_out(path: Path) -> bool:
    """Pictures without labels, for people to try a model on."""
    return _UNLABELLED in path.parts[:-1]


def class_folders(folder: Path) -> list[Path]:
    """The folders that hold one class each, in a fixed order; empty ones are left out."""
    halves = [path for path in folders_in(folder) if path.name.lower() in HALVES]
    return [
        path
        for parent in halves or [folder]
        for path in folders_in(parent)
        if path.name.lower() not in _NO_CLASSES and pictures_in(path)
    ]


def is_download(folder: Path, classes: Collection[str], name: re.Pattern[str]) -> bool:
    """Whether a folder is a public set of ``Training/`` and ``Testing/``, or a part of one.

    Args:
        folder: Where to look.
        classes: The names of the set's class folders.
        name: Matches the stems of the set's files, by which a part of it is told from another
            folder with the same classes.
    """
    found = class_folders(folder)
    halves: dict[str, set[str]] = {}
    for path in found:
        halves.setdefault(path.parent.name, set()).add(path.name)
    if halves == {"Training": set(classes), "Testing": set(classes)}:
        return True
    return set(halves) <= {"Training", "Testing"} and any(
        path.name in classes and all(name.match(p.stem) for p in pictures_in(path)[:3])
        for path in found
    )


def read_download(folder: Path, classes: Collection[str], *, about: About) -> list[Example]:
    """The examples of a public set of ``Training/`` and ``Testing/``.

    Raises:
        DataError: A class of a half is missing or empty.
    """
    there = {(path.parent.name, path.name) for path in class_folders(folder)}
    expected = [(half, name) for half in ("Training", "Testing") for name in classes]
    absent = [f"{half}/{name}" for half, name in expected if (half, name) not in there]
    if absent:
        raise DataError(
            expected=f"the whole of {about.title}",
            found="no pictures in " + ", ".join(absent),
            remedy=f"Download it again: {about.address}",
            source=str(folder),
        )
    return read(folder)
