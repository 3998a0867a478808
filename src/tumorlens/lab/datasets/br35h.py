"""Br35H: brain MRI of many sequences, with (``yes/``) and without tumor (``no/``).

A. Hamada, "Br35H :: Brain Tumor Detection 2020", Kaggle ``ahmedhamada0/brain-tumor-detection``
(3,000 pictures, 1,500 each; ``pred/`` holds 60 without labels). ``yes/`` does not say which
tumor, so that only ``no/`` can teach the four classes, and only it is read by default;
`read_binary` adds ``yes/`` under the label ``tumor``. A few pictures of ``no/`` are CT, or show
lesions that are no tumors.
"""

from pathlib import Path

from tumorlens.lab.datasets.binary_folders import is_binary, read_both, read_without_tumor
from tumorlens.lab.datasets.example import About, Example

ABOUT = About(
    title="Br35H :: Brain Tumor Detection 2020",
    content="many sequences, mostly axial; .jpg",
    count="3,000 pictures",
    labels="no_tumor 1,500; a tumor of unknown kind 1,500 (tumor / no tumor only)",
    patients=False,
    licence="see its Kaggle page",
    address="https://www.kaggle.com/datasets/ahmedhamada0/brain-tumor-detection",
    recognised_by="no/ and yes/, and no other class folder",
    kaggle="ahmedhamada0/brain-tumor-detection",
)


def matches(folder: Path) -> bool:
    """Whether ``no/`` or ``yes/`` holds pictures and no other class folder stands beside."""
    return is_binary(folder)


def read(folder: Path) -> list[Example]:
    """One example a picture without tumor; no patient is known.

    Raises:
        DataError: ``no/`` is missing or empty.
    """
    return read_without_tumor(folder, folder=folder, about=ABOUT)


def read_binary(folder: Path) -> list[Example]:
    """The same, and one example labelled ``tumor`` a picture of ``yes/``.

    Raises:
        DataError: ``no/`` or ``yes/`` is missing or empty.
    """
    return read_both(folder, folder=folder, about=ABOUT)
