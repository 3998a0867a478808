"""BRISC 2025: T1 slices in three planes, four classes, the label in the file's name.

A. Fateh and others, "BRISC: Annotated Dataset for Brain Tumor Segmentation and Classification
with Swin-HAFNet", 2025, arXiv:2506.14318; 6,000 slices (5,000 train, 1,000 test); Kaggle
``briscdataset/brisc2025``; CC BY 4.0. Names such as ``brisc2025_train_00001_gl_ax_t1.jpg``: gl,
me, pi, no; ax, co, sa. Most of its tumor slices are Cheng's; patients are not given.

Read in both its forms: as downloaded (``classification_task/{train,test}/CLASS`` and, for the
tumors, ``segmentation_task/{train,test}/{images,masks}``, one of them or both) and flat
(``images/``, ``masks/``).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tumorlens import labels
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
from tumorlens.scan import Plane

ABOUT = About(
    title="BRISC 2025",
    content="T1 with contrast, three planes, outlines; .jpg",
    count="6,000 slices",
    labels="glioma 1,401, meningioma 1,635, pituitary 1,757, no_tumor 1,207",
    patients=False,
    licence="CC BY 4.0",
    address="https://www.kaggle.com/datasets/briscdataset/brisc2025",
    recognised_by="classification_task/ or segmentation_task/ with train/ and test/; or images/ "
    "with names such as brisc2025_train_00001_gl_ax_t1.jpg",
    kaggle="briscdataset/brisc2025",
)

SEQUENCE = "t1c"

_NAME = re.compile(r"brisc2025_(train|test)_\d+_(gl|me|pi|no)_(ax|co|sa)_t1$")
_LABELS = {
    "gl": labels.GLIOMA,
    "me": labels.MENINGIOMA,
    "pi": labels.PITUITARY,
    "no": labels.NO_TUMOR,
}
_PLANES: dict[str, Plane] = {"ax": "axial", "co": "coronal", "sa": "sagittal"}
_CLASSES = ("glioma", "meningioma", "no_tumor", "pituitary")
_PARTS = ("train", "test")
_TASKS = (_CLASSIFICATION, _SEGMENTATION) = ("classification_task", "segmentation_task")


def matches(folder: Path) -> bool:
    """Whether a task's folder is there, or ``images/`` holds pictures with BRISC's names."""
    if _is_download(_root(folder)):
        return True
    images = folder / "images"
    return images.is_dir() and any(_NAME.match(path.stem) for path in images.iterdir())


def read(folder: Path) -> list[Example]:
    """One example a slice; no patient is known.

    Raises:
        DataError: A part, a class or an outline of the download is absent.
    """
    root = _root(folder)
    if not _is_download(root):
        masks = _by_stem(folder / "masks")
        return _named_examples(folder, folder / "images", masks)
    _refuse_missing(folder, [path for path in _expected(root) if not _has_pictures(path)])
    if not (root / _CLASSIFICATION).is_dir():
        return [
            example
            for part in _PARTS
            for example in _segmented(folder, root / _SEGMENTATION / part)
        ]
    masks = {}
    for part in _PARTS:
        masks |= _by_stem(root / _SEGMENTATION / part / "masks")
    return [
        _example(folder, path, label_of_folder(name), masks)
        for part in _PARTS
        for name in _CLASSES
        for path in pictures_in(root / _CLASSIFICATION / part / name)
    ]


def leaves_out(path: Path) -> bool:
    """The pictures of the segmentation task, which are the classification task's once more."""
    return _SEGMENTATION in path.parts[:-1] and _NAME.match(path.stem) is not None


def _root(folder: Path) -> Path:
    """Kaggle's archive wraps the tasks in one more folder."""
    inner = folders_in(folder)
    return inner[0] if [path.name for path in inner] == ["brisc2025"] else folder


def _is_download(root: Path) -> bool:
    return any((root / task).is_dir() for task in _TASKS)


def _expected(root: Path) -> list[Path]:
    """The folders that must hold pictures, of the tasks that are there."""
    inner = {_CLASSIFICATION: _CLASSES, _SEGMENTATION: ("images", "masks")}
    return [
        root / task / part / name
        for task in _TASKS
        if (root / task).is_dir()
        for part in _PARTS
        for name in inner[task]
    ]


def _segmented(folder: Path, part: Path) -> list[Example]:
    masks = _by_stem(part / "masks")
    examples = _named_examples(folder, part / "images", masks)
    _refuse_missing(
        folder,
        [
            part / "masks" / f"{example.path.stem}.png"
            for example in examples
            if example.mask is None and example.label != labels.NO_TUMOR
        ],
    )
    return examples


def _named_examples(folder: Path, images: Path, masks: Mapping[str, Path]) -> list[Example]:
    named = [(path, _NAME.match(path.stem)) for path in pictures_in(images)]
    return [_example(folder, path, _LABELS[name[2]], masks) for path, name in named if name]


def _example(folder: Path, path: Path, label: str, masks: Mapping[str, Path]) -> Example:
    name = _NAME.match(path.stem)
    example = replace(
        lone_example(path, root=folder, label=label),
        mask=masks.get(path.stem),
        sequence=SEQUENCE,
    )
    if name is None:
        return replace(example, official=HALVES.get(path.parent.parent.name))
    return replace(example, plane=_PLANES[name[3]], official=HALVES[name[1]])


def _by_stem(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in pictures_in(folder)} if folder.is_dir() else {}


def _has_pictures(folder: Path) -> bool:
    return folder.is_dir() and bool(pictures_in(folder))


def _refuse_missing(folder: Path, absent: list[Path]) -> None:
    if absent:
        raise DataError(
            expected="the whole of BRISC 2025",
            found=f"{len(absent)} files or folders missing or empty, the first "
            f"{absent[0].relative_to(folder).as_posix()}",
            remedy="Download it again (tumorlens datasets get brisc), or delete the task's folder "
            "that is not whole.",
            source=str(folder),
        )
