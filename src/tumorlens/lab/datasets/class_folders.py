"""Any folder of class folders, with or without ``Training/`` and ``Testing/`` above them.

Kaggle ``sartajbhuvaji/brain-tumor-classification-mri`` (B. Sartaj and others, 2020; 3,264
pictures; ``glioma_tumor``, ``meningioma_tumor``, ``no_tumor``, ``pituitary_tumor``) and
Kaggle ``masoudnickparvar/brain-tumor-mri-dataset`` (M. Nickparvar, 2021; 7,023 pictures;
``glioma``, ``meningioma``, ``notumor``, ``pituitary``) come so. Most of their tumor
pictures are slices of Cheng's set, and many ``Testing`` pictures stand in ``Training`` too:
their own split is not used here.
"""

from pathlib import Path

from tumorlens.lab.datasets.example import Example, label_of_folder, lone_example, pictures_in

_NO_CLASSES = ("image", "images", "mask", "masks", "pred")
_HALVES = ("training", "testing", "train", "test", "validation", "val", "valid")


def matches(folder: Path) -> bool:
    """Whether at least two folders of pictures lie in it (or in its Training and Testing)."""
    return len({label_of_folder(path.name) for path in _class_folders(folder)}) >= 2


def read(folder: Path) -> list[Example]:
    """One example a picture, labelled by its folder; no patient is known."""
    return [
        lone_example(path, root=folder, label=label_of_folder(class_folder.name))
        for class_folder in _class_folders(folder)
        for path in pictures_in(class_folder)
    ]


def _class_folders(folder: Path) -> list[Path]:
    inner = sorted(path for path in folder.iterdir() if path.is_dir())
    halves = [path for path in inner if path.name.lower() in _HALVES]
    parents = halves or [folder]
    return [
        path
        for parent in parents
        for path in sorted(parent.iterdir())
        if path.is_dir()
        and not path.name.startswith(".")
        and path.name.lower() not in _NO_CLASSES
        and pictures_in(path)
    ]
