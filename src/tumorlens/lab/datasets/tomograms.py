"""Computed tomograms among pictures that are said to be of MRI.

Br35H, BRISC and Kaggle's Sartaj set were gathered from the web, and about one picture of forty in
them is a CT: bone as white as the level goes, flat gray tissue, sometimes the table below the
head. Those found so far stand in ``tomograms.csv``: a support vector machine ranked the pictures by
their likeness to CT, and each was then looked at. Copies with other bytes are not found by it.
"""

import csv
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tumorlens.lab.datasets.example import Example

LISTED = "tomograms.csv"


@cache
def known_tomograms() -> frozenset[str]:
    """SHA-256 of the files of ``tomograms.csv``, in hexadecimal."""
    text = resources.files(__package__).joinpath(LISTED).read_text()
    return frozenset(row["sha256"] for row in csv.DictReader(text.splitlines()))


def are_tomograms(examples: Sequence[Example]) -> npt.NDArray[np.bool_]:
    """Which of the pictures are known to be CT: bool, (examples,).

    Slices of whole heads are none, and what cannot be read.
    """
    paths = {example.path for example in examples if not example.whole_head}
    found = {path for path in paths if _is_tomogram(path)}
    return np.array([example.path in found for example in examples], bool)


def _is_tomogram(path: Path) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() in known_tomograms()
    except OSError:
        return False
