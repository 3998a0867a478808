"""Sartaj: 3,264 pictures in four classes, ``Training/`` and ``Testing/``.

S. Bhuvaji and others, "Brain Tumor Classification (MRI)", Kaggle, 2020,
doi:10.34740/kaggle/dsv/1183165; ``sartajbhuvaji/brain-tumor-classification-mri`` (Training 826
glioma_tumor, 822 meningioma_tumor, 395 no_tumor, 827 pituitary_tumor; Testing 100, 115, 105, 74).
Measured here: about 83 % of its tumor pictures are slices of Cheng's set, and 259 of the 394
Testing pictures are the same as a Training picture; its own split is recorded, and not used.
"""

import re
from pathlib import Path

from tumorlens.lab.datasets.class_folders import is_download, read_download
from tumorlens.lab.datasets.example import About, Example

ABOUT = About(
    title="Brain Tumor Classification (MRI), Sartaj",
    content="mostly T1 with contrast, three planes; .jpg",
    count="3,264 pictures",
    labels="glioma 926, meningioma 937, pituitary 901, no_tumor 500",
    patients=False,
    licence="see its Kaggle page; most slices are Cheng's (CC BY 4.0)",
    address="https://www.kaggle.com/datasets/sartajbhuvaji/brain-tumor-classification-mri",
    recognised_by="Training/ and Testing/ with glioma_tumor, meningioma_tumor, no_tumor, "
    "pituitary_tumor",
    kaggle="sartajbhuvaji/brain-tumor-classification-mri",
)

CLASSES = ("glioma_tumor", "meningioma_tumor", "no_tumor", "pituitary_tumor")

_NAME = re.compile(r"(gg|m\d?|p|image) ?\(\d+\)")


def matches(folder: Path) -> bool:
    """Whether its two halves and four classes are there, or some with names such as ``gg (1)``."""
    return is_download(folder, CLASSES, _NAME)


def read(folder: Path) -> list[Example]:
    """One example a picture, labelled by its folder; no patient is known.

    Raises:
        DataError: A class of a half is missing or empty.
    """
    return read_download(folder, CLASSES, about=ABOUT)
