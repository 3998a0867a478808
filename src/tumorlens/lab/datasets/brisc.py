"""BRISC 2025: T1 slices in three planes, four classes, the label in the file's name.

A. Fateh and others, "BRISC: Annotated Dataset for Brain Tumor Segmentation and Classification
with Swin-HAFNet", 2025, arXiv:2506.14318; 6,000 slices; CC BY 4.0. Names such as
``brisc2025_train_00001_gl_ax_t1.jpg``: gl, me, pi, no; ax, co, sa.
"""

import re
from dataclasses import replace
from pathlib import Path

from tumorlens import labels
from tumorlens.lab.datasets.example import Example, lone_example, pictures_in

_NAME = re.compile(r"brisc2025_(?:train|test)_\d+_(gl|me|pi|no)_(?:ax|co|sa)_t1$")
_LABELS = {
    "gl": labels.GLIOMA,
    "me": labels.MENINGIOMA,
    "pi": labels.PITUITARY,
    "no": labels.NO_TUMOR,
}


def matches(folder: Path) -> bool:
    """Whether ``images/`` holds pictures with BRISC's names."""
    images = folder / "images"
    return images.is_dir() and any(_NAME.match(path.stem) for path in images.iterdir())


def read(folder: Path) -> list[Example]:
    """One example a slice, labelled by its name; no patient is known."""
    named = [(path, _NAME.match(path.stem)) for path in pictures_in(folder / "images")]
    return [_example(folder, path, _LABELS[name[1]]) for path, name in named if name]


def _example(folder: Path, path: Path, label: str) -> Example:
    mask = folder / "masks" / f"{path.stem}.png"
    example = lone_example(path, root=folder, label=label)
    return replace(example, mask=mask) if mask.is_file() else example
