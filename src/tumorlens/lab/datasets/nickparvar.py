"""Nickparvar: 7,023 pictures in four classes, ``Training/`` and ``Testing/``.

M. Nickparvar, "Brain Tumor MRI Dataset", Kaggle, 2021, doi:10.34740/kaggle/dsv/2645886;
``masoudnickparvar/brain-tumor-mri-dataset`` (Training 1,321 glioma, 1,339 meningioma, 1,595
notumor, 1,457 pituitary; Testing 300, 306, 405, 300). Made of Cheng's set, Sartaj and Br35H.
Measured here: 591 of the 1,311 Testing pictures have a near-copy in Training (389 of 405 without
tumor); its own split is recorded, and not used.
"""

import re
from pathlib import Path

from tumorlens.lab.datasets.class_folders import is_download, read_download
from tumorlens.lab.datasets.example import About, Example

ABOUT = About(
    title="Brain Tumor MRI Dataset, Nickparvar",
    content="mostly T1 with contrast, three planes; no_tumor of many sequences; .jpg",
    count="7,023 pictures",
    labels="glioma 1,621, meningioma 1,645, pituitary 1,757, no_tumor 2,000",
    patients=False,
    licence="see its Kaggle page; made of Cheng's (CC BY 4.0), Sartaj's and Br35H's pictures",
    address="https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset",
    recognised_by="Training/ and Testing/ with glioma, meningioma, notumor, pituitary",
    kaggle="masoudnickparvar/brain-tumor-mri-dataset",
)

CLASSES = ("glioma", "meningioma", "notumor", "pituitary")

_NAME = re.compile(r"T[re]-(gl|me|no|pi)")


def matches(folder: Path) -> bool:
    """Whether its two halves and four classes are there, or some with names as ``Tr-gl_0010``."""
    return is_download(folder, CLASSES, _NAME)


def read(folder: Path) -> list[Example]:
    """One example a picture, labelled by its folder; no patient is known.

    Raises:
        DataError: A class of a half is missing or empty.
    """
    return read_download(folder, CLASSES, about=ABOUT)
