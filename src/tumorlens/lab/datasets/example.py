"""One labelled picture, and how a data set is recognised and read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tumorlens import labels

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")

_LABEL_OF_FOLDER = {
    "glioma": labels.GLIOMA,
    "glioma_tumor": labels.GLIOMA,
    "meningioma": labels.MENINGIOMA,
    "meningioma_tumor": labels.MENINGIOMA,
    "pituitary": labels.PITUITARY,
    "pituitary_tumor": labels.PITUITARY,
    "no": labels.NO_TUMOR,
    "no_tumor": labels.NO_TUMOR,
    "notumor": labels.NO_TUMOR,
    "normal": labels.NO_TUMOR,
    "healthy": labels.NO_TUMOR,
}


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled picture.

    Attributes:
        path: The file.
        picture: The file's name for records: its path from the data set's own folder on, the
            folder included (``cheng/images/12.jpg``); the same on every machine.
        label: The class, by name.
        group: What must never stand on both sides of a split: the patient where known, else
            the picture itself until `tumorlens.lab.grouping` finds its near-duplicates.
        patient: The patient's name within the data set; None where unknown.
        dataset: The data set's name.
        channel: Which colour channel to read, 0-based, where channels are MR sequences; None
            where the whole picture is one gray image.
        mask: The tumor's outline as a picture of the same size, above 127 where the tumor is;
            None where no outline is known.
    """

    path: Path
    picture: str
    label: str
    group: str
    patient: str | None
    dataset: str
    channel: int | None = None
    mask: Path | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """How one public data set is recognised and read.

    Attributes:
        matches: Whether a folder is this data set, by looking at it.
        read: The folder's examples, in a fixed order.
    """

    matches: Callable[[Path], bool]
    read: Callable[[Path], list[Example]]


def label_of_folder(name: str) -> str:
    """The class that a folder's name stands for (``glioma_tumor`` is glioma); else its own."""
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    return _LABEL_OF_FOLDER.get(plain, plain)


def pictures_in(folder: Path) -> list[Path]:
    """The picture files right in a folder, hidden ones left out, sorted by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    )


def lone_example(path: Path, *, root: Path, label: str) -> Example:
    """An example whose patient is unknown: the picture is its own group for now."""
    picture = f"{root.name}/{path.relative_to(root).as_posix()}"
    return Example(path, picture, label, picture, None, root.name)
