"""Br35H: brain MRI of many sequences, with (``yes/``) and without tumor (``no/``).

A. Hamada, "Br35H :: Brain Tumor Detection 2020", Kaggle ``ahmedhamada0/brain-tumor-detection``
(3,000 pictures). ``yes/`` does not say which tumor, so that only ``no/`` can teach the four
classes; a few pictures of ``no/`` are CT, or show lesions that are no tumors.
"""

from pathlib import Path

from tumorlens import labels
from tumorlens.lab.datasets.example import Example, lone_example, pictures_in


def matches(folder: Path) -> bool:
    """Whether ``no/`` holds pictures and no class folder but ``yes/`` stands beside it."""
    inner = {path.name for path in folder.iterdir() if path.is_dir()} - {"pred"}
    return "no" in inner and inner <= {"no", "yes"} and bool(pictures_in(folder / "no"))


def read(folder: Path) -> list[Example]:
    """One example a picture without tumor; no patient is known."""
    return [
        lone_example(path, root=folder, label=labels.NO_TUMOR)
        for path in pictures_in(folder / "no")
    ]
