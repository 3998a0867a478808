"""Public data sets -> examples. One file and one line in `DATASETS` each."""

from collections.abc import Collection
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets import br35h, brisc, cheng, class_folders, lgg
from tumorlens.lab.datasets.example import Dataset, Example
from tumorlens.labels import CLASSES

__all__ = ["DATASETS", "Dataset", "Example", "load_examples"]

DATASETS: dict[str, Dataset] = {
    "cheng": Dataset(cheng.matches, cheng.read),
    "brisc": Dataset(brisc.matches, brisc.read),
    "lgg": Dataset(lgg.matches, lgg.read),
    "br35h": Dataset(br35h.matches, br35h.read),
    "class_folders": Dataset(class_folders.matches, class_folders.read),
}
"""The first that recognises a folder reads it: the particular before the general."""


def load_examples(folder: Path, *, only: Collection[str] = ()) -> list[Example]:
    """Read a data set, or every data set that lies in a folder.

    Args:
        folder: A data set's folder, or one that holds several.
        only: Names of the folders to read; where empty, all that are recognised and know at
            least one of our classes.

    Returns:
        The examples, in a fixed order.

    Raises:
        DataError: The folder is absent, or no data set was recognised in it, or one of
            ``only`` is not there.
    """
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise DataError(
            expected="a folder with pictures",
            found="no such folder",
            remedy="Check the path.",
            source=str(folder),
        )
    candidates = _candidates(folder)
    found = {path.name: path for path in candidates if _reader(path)}
    if absent := sorted(set(only) - set(found)):
        raise DataError(
            expected=f"the data sets {', '.join(only)}",
            found=f"no {', '.join(absent)} (there are: {', '.join(found) or 'none'})",
            remedy="Download them into this folder, or change data.datasets in the config.",
            source=str(folder),
        )
    chosen = [_read(path) for name, path in found.items() if not only or name in only]
    asked_for = bool(only) or len(candidates) == 1
    examples = [
        example
        for dataset in chosen
        if asked_for or _has_our_classes(dataset)
        for example in dataset
    ]
    if not examples:
        raise DataError(
            expected="class folders with pictures, or a data set: " + ", ".join(DATASETS),
            found="none that is known",
            remedy="Put the pictures of each class into a folder named after the class.",
            source=str(folder),
        )
    return examples


def _candidates(folder: Path) -> list[Path]:
    """The folder itself if it is a data set, else the folders in it."""
    if _reader(folder):
        return [folder]
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _reader(folder: Path) -> Dataset | None:
    return next((dataset for dataset in DATASETS.values() if dataset.matches(folder)), None)


def _read(folder: Path) -> list[Example]:
    dataset = _reader(folder)
    try:
        return dataset.read(folder) if dataset else []
    except OSError as error:
        raise DataError(
            expected="files that can be read",
            found=error.strerror or str(error),
            remedy="Download the data set again, or delete the file.",
            source=str(folder),
        ) from error


def _has_our_classes(examples: Collection[Example]) -> bool:
    """Whether a data set found beside others is about brain tumors at all, by its classes."""
    return any(example.label in CLASSES for example in examples)
