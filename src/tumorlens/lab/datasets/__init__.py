"""Public data sets -> examples. One file and one line in `DATASETS` each."""

from collections.abc import Collection
from pathlib import Path

from tumorlens.errors import DataError, TumorlensError
from tumorlens.home_folder import expand
from tumorlens.lab.datasets import (
    binary_folders,
    br35h,
    brats,
    brats2013_slices,
    brisc,
    cheng,
    class_folders,
    csv_table,
    lgg,
    navoneel,
    nickparvar,
    sartaj,
)
from tumorlens.lab.datasets.checks import check_outlines, check_patients
from tumorlens.lab.datasets.data_files import TABLE_SUFFIX, data_files, is_other_scan
from tumorlens.lab.datasets.example import (
    PICTURE_SUFFIXES,
    About,
    Dataset,
    Example,
    folders_in,
    pictures_in,
)
from tumorlens.lab.datasets.pixels import read_mask, read_pixels
from tumorlens.labels import CLASSES

__all__ = [
    "ANY_LAYOUT",
    "DATASETS",
    "About",
    "Dataset",
    "Example",
    "candidates",
    "check_sets_inside",
    "load_examples",
    "read_mask",
    "read_pixels",
    "recognise",
]

DATASETS: dict[str, Dataset] = {
    "cheng": Dataset(cheng.matches, cheng.read, cheng.ABOUT),
    "brisc": Dataset(brisc.matches, brisc.read, brisc.ABOUT, leaves_out=brisc.leaves_out),
    "lgg": Dataset(lgg.matches, lgg.read, lgg.ABOUT, leaves_out=lgg.leaves_out),
    "brats": Dataset(brats.matches, brats.read, brats.ABOUT, leaves_out=brats.leaves_out),
    "brats2013_slices": Dataset(
        brats2013_slices.matches,
        brats2013_slices.read,
        brats2013_slices.ABOUT,
        leaves_out=brats2013_slices.leaves_out,
    ),
    "sartaj": Dataset(sartaj.matches, sartaj.read, sartaj.ABOUT),
    "nickparvar": Dataset(nickparvar.matches, nickparvar.read, nickparvar.ABOUT),
    "navoneel": Dataset(
        navoneel.matches,
        navoneel.read,
        navoneel.ABOUT,
        read_binary=navoneel.read_binary,
        leaves_out=binary_folders.leaves_out,
    ),
    "br35h": Dataset(
        br35h.matches,
        br35h.read,
        br35h.ABOUT,
        read_binary=br35h.read_binary,
        leaves_out=binary_folders.leaves_out,
    ),
    "csv": Dataset(csv_table.matches, csv_table.read, csv_table.ABOUT),
    "class_folders": Dataset(
        class_folders.matches,
        class_folders.read,
        class_folders.ABOUT,
        leaves_out=class_folders.leaves_out,
    ),
}
"""The first that recognises a folder reads it: the particular before the general."""

ANY_LAYOUT = ("csv", "class_folders")
"""Of anybody's data: recognising them says nothing of what lies in them."""

OTHER_SCANS = (
    "Class folders hold pictures (" + ", ".join(PICTURE_SUFFIXES) + "). List DICOM files of one "
    "slice in a CSV of path,label,patient; save the slices of volumes as pictures."
)
"""What to do about scans in class folders that are no pictures by name."""

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")


def load_examples(
    folder: Path, *, only: Collection[str] = (), binary: bool = False
) -> list[Example]:
    """Read a data set, or every data set that lies in a folder.

    Args:
        folder: A data set's folder, one that holds several, or a CSV (``path,label,...``).
        only: Names of the folders to read; where empty, all that are recognised and know at
            least one of our classes.
        binary: Read pictures of an unknown kind of tumor too (Br35H's ``yes/``), labelled
            ``tumor``: to tell tumor from no tumor, never to learn the classes.

    Returns:
        The examples, in a fixed order.

    Raises:
        DataError: The folder is absent, or no data set was recognised in it, or one of
            ``only`` is not there, or a data set is not whole; the message says what is missing.
            Or the folder is a data set that holds others, of which nothing would be read.
        ConfigError: The home folder of a ``~`` is not known.
        MissingExtraError: The files need a library that is not installed.
    """
    folder = expand(folder).resolve()
    if not folder.exists() or (folder.is_file() and folder.suffix.lower() != ".csv"):
        raise DataError(
            expected="a folder with pictures, or a CSV",
            found="no such folder" if not folder.exists() else "another kind of file",
            remedy="Check the path.",
            source=str(folder),
        )
    places = candidates(folder, only)
    found = {_name(path): path for path in places if recognise(path)}
    if absent := sorted(set(only) - set(found)):
        raise DataError(
            expected=f"the data sets {', '.join(only)}",
            found=f"no {', '.join(absent)} (there are: {', '.join(found) or 'none'})",
            remedy="Download them into this folder, or change data.datasets in the config.",
            source=str(folder),
        )
    chosen = [_read(path, binary) for name, path in found.items() if not only or name in only]
    asked_for = bool(only) or len(places) == 1
    examples = [
        example
        for dataset in chosen
        if asked_for or _has_our_classes(dataset)
        for example in dataset
    ]
    if not examples:
        raise _unrecognised(folder)
    if not only and places == [folder]:
        check_sets_inside(folder, examples)
    check_patients(examples)
    check_outlines(examples)
    return examples


def recognise(folder: Path) -> str | None:
    """The name in `DATASETS` of the data set that a folder (or a CSV) is; None if none."""
    if folder.is_file():
        return "csv"
    return next((name for name, dataset in DATASETS.items() if dataset.matches(folder)), None)


def check_sets_inside(folder: Path, examples: Collection[Example]) -> None:
    """Hold a data set's folder to that one: where it was unpacked among others, these are lost.

    Args:
        folder: A data set's folder; of a CSV, which says itself what is wanted, nothing is asked.
        examples: What was read of it.

    Raises:
        DataError: Folders in it are other data sets of `DATASETS`, of which nothing was read.
    """
    own = recognise(folder)
    if own == "csv":
        return
    taken = {parent for example in examples for parent in example.path.parents}
    names = {place.name: recognise(place) for place in folders_in(folder) if place not in taken}
    lost = [place for place, name in names.items() if name not in {None, own, *ANY_LAYOUT}]
    if lost:
        raise DataError(
            expected="a folder with one data set, or with a folder for each",
            found=f"{own} right beside other data sets ({', '.join(lost)}), of which nothing would "
            "be read",
            remedy=f"Move the files of {own} into a folder of their own beside these, such as "
            f"{folder / str(own)}.",
            source=str(folder),
        )


def candidates(folder: Path, only: Collection[str]) -> list[Path]:
    """Where data sets may lie: the folder itself if it is one, else the folders in it.

    Args:
        folder: A data set's folder, one that holds several, or a CSV.
        only: Names of the sets that are asked for; all where empty.
    """
    if folder.is_file() or (recognise(folder) and (not only or folder.name in only)):
        return [folder]
    return folders_in(folder)


def _name(path: Path) -> str:
    """What names a data set's pictures: its folder, also where it is given as its CSV."""
    return path.parent.name if path.is_file() else path.name


def _read(folder: Path, binary: bool) -> list[Example]:
    name = recognise(folder)
    if name is None:
        return []
    dataset = DATASETS[name]
    read = dataset.read_binary if binary and dataset.read_binary else dataset.read
    try:
        return read(folder)
    except TumorlensError:
        raise
    except (OSError, SyntaxError) as error:
        raise DataError(
            expected="files that can be read",
            found=getattr(error, "strerror", None) or str(error),
            remedy="Download the data set again, or delete the file.",
            source=str(folder),
        ) from error


def _has_our_classes(examples: Collection[Example]) -> bool:
    """Whether a data set found beside others is about brain tumors at all, by its classes."""
    return any(example.label in CLASSES for example in examples)


def _unrecognised(folder: Path) -> DataError:
    """What is there instead of a data set, and what to do about it."""
    packed = [path for path in sorted(folder.iterdir()) if path.suffix in _ARCHIVES]
    archives = [path.name for path in packed if not is_other_scan(path)]
    classes = [path.name for path in class_folders.class_folders(folder)]
    files = list(data_files(folder))
    tables = [path for path in files if path.suffix.lower() == TABLE_SUFFIX]
    scans = [path for path in files if is_other_scan(path)]
    found = "none that is known"
    remedy = "Put the pictures of each class into a folder named after the class."
    if archives:
        found += f", but {archives[0]}, which is not unpacked"
        remedy = "Unpack it here."
    elif tables:
        found += f", but {_shown(tables, folder)}, which cannot be read as it is"
        remedy = "Give one CSV itself, with columns named path,label[,patient][,split][,mask]."
    elif scans:
        found += f", but {_shown(scans, folder)}, no pictures by their names"
        remedy = OTHER_SCANS
    elif classes:
        found += f", but one class only ({classes[0]})"
        remedy = "Put the pictures of each other class into a folder beside it."
    elif pictures_in(folder):
        found += ", but pictures without classes"
    return DataError(
        expected="class folders with pictures, or a data set: " + ", ".join(DATASETS),
        found=found,
        remedy=remedy + " `tumorlens datasets list` says how each data set is recognised.",
        source=str(folder),
    )


def _shown(files: list[Path], folder: Path) -> str:
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return files[0].relative_to(folder).as_posix() + more
