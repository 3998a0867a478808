"""Navoneel: 253 pictures with (``yes/``) and without tumor (``no/``).

N. Chakrabarty, "Brain MRI Images for Brain Tumor Detection", Kaggle, 2019,
``navoneel/brain-mri-images-for-brain-tumor-detection`` (155 with tumor, 98 without; collected
from the web, of very different sizes). Its archive holds the same pictures once more in
``brain_tumor_dataset/``, which is read only where the others are absent. ``yes/`` does not say
which tumor: see `tumorlens.lab.datasets.br35h`, which has the same layout and other file names.
"""

import re
from pathlib import Path

from tumorlens.lab.datasets.binary_folders import (
    is_binary,
    pictures_of,
    read_both,
    read_without_tumor,
)
from tumorlens.lab.datasets.example import About, Example, folders_in

ABOUT = About(
    title="Brain MRI Images for Brain Tumor Detection, Navoneel",
    content="many sequences, from the web; .jpg, .png",
    count="253 pictures",
    labels="no_tumor 98; a tumor of unknown kind 155 (tumor / no tumor only)",
    patients=False,
    licence="see its Kaggle page",
    address="https://www.kaggle.com/datasets/navoneel/brain-mri-images-for-brain-tumor-detection",
    recognised_by="no/ and yes/ with names such as Y1.jpg, N1.jpg, 1 no.jpeg, also inside "
    "brain_tumor_dataset/",
    kaggle="navoneel/brain-mri-images-for-brain-tumor-detection",
)

_COPY = "brain_tumor_dataset"
_NAMES = {"yes": re.compile(r"Y\d+$"), "no": re.compile(r"(N\d+|\d+ no|no \d+)$")}


def matches(folder: Path) -> bool:
    """Whether ``no/`` or ``yes/`` holds pictures of this set's names."""
    root = _root(folder)
    return is_binary(root) and (
        _COPY in {root.name, folder.name, *(path.name for path in folder.glob(_COPY))}
        or any(
            pattern.match(path.stem)
            for name, pattern in _NAMES.items()
            for path in pictures_of(root, name)
        )
    )


def read(folder: Path) -> list[Example]:
    """One example a picture without tumor; no patient is known.

    Raises:
        DataError: ``no/`` is missing or empty.
    """
    return read_without_tumor(_root(folder), folder=folder, about=ABOUT)


def read_binary(folder: Path) -> list[Example]:
    """The same, and one example labelled ``tumor`` a picture of ``yes/``.

    Raises:
        DataError: ``no/`` or ``yes/`` is missing or empty.
    """
    return read_both(_root(folder), folder=folder, about=ABOUT)


def _root(folder: Path) -> Path:
    """Where ``yes/`` and ``no/`` lie."""
    inner = folders_in(folder)
    return inner[0] if [path.name for path in inner] == [_COPY] else folder
