"""One labelled picture, and how a data set is recognised and read."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tumorlens import labels
from tumorlens.scan import Plane

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")

TUMOR = "tumor"
"""The label of a picture that shows some tumor, nobody says which: for tumor / no tumor only."""

MIN_TUMOR_PIXELS = 32
"""Slices with a smaller outline are left out: whether tumor shows there is a matter of taste."""

HALVES = {
    "training": "training",
    "train": "training",
    "testing": "testing",
    "test": "testing",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
}
"""What a data set calls the parts of its own split -> what they are called here."""

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
    """One labelled picture: a file, a colour channel of one, or a slice of a volume.

    `tumorlens.lab.datasets.pixels` reads its pixels and its outline.

    Attributes:
        path: The file.
        picture: The picture's name for records: its path from the data set's own folder on, the
            folder included (``cheng/images/12.jpg``), and ``#`` and the slice's number where
            it is a slice of a volume; the same on every machine.
        label: The class, by name.
        group: What must never stand on both sides of a split: the patient where known, else
            the picture itself until `tumorlens.lab.grouping` finds its near-duplicates.
        patient: The patient's name within the data set; None where unknown.
        dataset: The data set's name.
        channel: Which colour channel to read, 0-based, where channels are MR sequences; None
            where the whole picture is one gray image.
        whole_head: Whether the set holds the head's slices one after another, so that each
            resembles its neighbours.
        mask: The tumor's outline, a file of the same size as ``path``; None where no outline
            is known and where it is empty.
        slice_index: Which slice of the volume ``path`` (and ``mask``) to read, 0-based, in the
            order of `tumorlens.scan.Volume`; None where the file holds one picture.
        sequence: The MR sequence (``t1``, ``t1c``, ``t2``, ``flair``); None where unknown.
        plane: The plane of the slice; None where unknown.
        official: The part of the data set's own split that holds it, ``training``,
            ``testing`` or ``validation``; None where it has no split of its own.
        mask_above: There is tumor where the mask's value is above this: 127 for pictures of
            black and white, 0 where the values are kinds of tissue, or 0 and 1.
    """

    path: Path
    picture: str
    label: str
    group: str
    patient: str | None
    dataset: str
    channel: int | None = None
    mask: Path | None = None
    whole_head: bool = False
    slice_index: int | None = None
    sequence: str | None = None
    plane: Plane | None = None
    official: str | None = None
    mask_above: int = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of a data set before it is downloaded.

    Attributes:
        title: Its name in words.
        content: What it holds: sequences, planes, file format.
        count: How many pictures, patients or cases, as published.
        labels: Its classes, in words.
        patients: Whether it says which slices are of one patient.
        licence: As its publishers give it.
        address: Where it is published; empty for layouts of one's own data.
        recognised_by: What in a folder tells that it is this set.
        kaggle: ``owner/name`` on Kaggle; None where it is not published there.
    """

    title: str
    content: str
    count: str
    labels: str
    patients: bool
    licence: str
    address: str
    recognised_by: str
    kaggle: str | None = None

    def to_json(self) -> dict[str, str | bool | None]:
        """The same as one flat JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Dataset:
    """How one public data set is recognised and read.

    Attributes:
        matches: Whether a folder is this data set, or the beginning of it, by looking at it.
        read: The folder's examples, in a fixed order; a `tumorlens.errors.DataError` says what
            is missing.
        about: What is known of it.
        read_binary: The same with the pictures of an unknown kind of tumor, labelled
            ``tumor``; None where there are none.
        leaves_out: Whether a picture file, relative to the set's folder, may stay unread by
            intent (outlines aside), so that nobody need be told.
    """

    matches: Callable[[Path], bool]
    read: Callable[[Path], list[Example]]
    about: About
    read_binary: Callable[[Path], list[Example]] | None = None
    leaves_out: Callable[[Path], bool] = lambda _: False


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


def folders_in(folder: Path) -> list[Path]:
    """The folders right in a folder, hidden ones left out, sorted by name."""
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )


def lone_example(path: Path, *, root: Path, label: str) -> Example:
    """An example whose patient is unknown: the picture is its own group for now."""
    picture = picture_name(path, root=root)
    return Example(path, picture, label, picture, None, root.name)


def picture_name(path: Path, *, root: Path) -> str:
    """A file's name for records, from the data set's own folder on."""
    return f"{root.name}/{path.relative_to(root).as_posix()}"
