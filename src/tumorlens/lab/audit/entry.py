"""What is audited: the picture files of the given folders, and what their data sets say of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.home_folder import expand
from tumorlens.lab.datasets import DATASETS, Example, check_sets_inside, recognise
from tumorlens.lab.datasets.example import (
    HALVES,
    PICTURE_SUFFIXES,
    folders_in,
    label_of_folder,
    lone_example,
)
from tumorlens.labels import CLASSES


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture file.

    Attributes:
        example: The file, below the folder as it was given, as its data set reads it; without
            channel.
        dataset: Its data set's name: the folder's, with the one above where two are called
            the same.
        label: Its class; None where unknown.
        patient: ``dataset:patient``; None where unknown.
        half: ``training``, ``testing`` or ``validation``, of the data set's own split; None
            where it has none.
        coloured: Whether its colours mean something (channels that are MR sequences).
    """

    example: Example
    dataset: str
    label: str | None = None
    patient: str | None = None
    half: str | None = None
    coloured: bool = False

    @property
    def path(self) -> Path:
        """The file."""
        return self.example.path

    @property
    def set(self) -> str:
        """The data set and its half, such as ``sartaj/testing``."""
        return f"{self.dataset}/{self.half}" if self.half else self.dataset


def find_entries(folders: Sequence[Path]) -> tuple[Entry, ...]:
    """List the pictures of folders, each file once.

    A folder that is a data set is read as one; of a folder that holds several, each is. What is
    no data set is listed with all folders in it; its classes are known where the folders are
    called after ours. Slices of volumes (NIfTI) are passed by.

    Args:
        folders: Each a data set, a folder of them, any folder of pictures, or a CSV.

    Raises:
        DataError: A folder is absent or holds no pictures, or a data set is not whole.
    """
    found: dict[Path, Entry] = {}
    roots: dict[str, Path] = {}
    for given in folders:
        some = False
        for root, examples in _listed(expand(given)):
            name = _name(root.resolve(), roots)
            for example in examples:
                if example.slice_index is None:
                    some = True
                    found.setdefault(example.path.resolve(), _entry(example, name))
        if not some:
            raise _refusal(given, "no picture in it")
    return tuple(found.values())


def _listed(given: Path) -> list[tuple[Path, list[Example]]]:
    try:
        return list(_sets(given))
    except (OSError, SyntaxError) as error:
        raise _refusal(given, str(error) or "files that cannot be read") from error


def _sets(given: Path) -> Iterator[tuple[Path, list[Example]]]:
    """Each data set's folder, and what it holds."""
    if not given.exists() or (given.is_file() and given.suffix.lower() != ".csv"):
        raise _refusal(given, "another kind of file" if given.exists() else "no such folder")
    if recognise(given):
        examples = _read(given)
        check_sets_inside(given, examples)
        yield (given.parent if given.is_file() else given), examples
        return
    inner = folders_in(given)
    if not any(recognise(folder) for folder in inner):
        yield given, _loose(given)
        return
    for folder in inner:
        yield folder, _read(folder) if recognise(folder) else _loose(folder)


def _read(folder: Path) -> list[Example]:
    """A data set's examples, among them pictures of tumors of an unknown kind."""
    dataset = DATASETS[recognise(folder) or "class_folders"]
    if dataset.read_binary is not None:
        try:
            return dataset.read_binary(folder)
        except DataError:
            return dataset.read(folder)  # one of its two classes only
    return dataset.read(folder)


def _loose(root: Path) -> list[Example]:
    """Every picture below a folder that is no data set."""
    paths = sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    )
    return [lone_example(path, root=root, label=_class_of(path.parent)) for path in paths]


def _class_of(folder: Path) -> str:
    """The class that a folder is called after; empty where it is none of ours."""
    label = label_of_folder(folder.name)
    return label if label in CLASSES else ""


def _entry(example: Example, dataset: str) -> Entry:
    return Entry(
        replace(example, channel=None),
        dataset,
        label=example.label or None,
        patient=f"{dataset}:{example.patient}" if example.patient is not None else None,
        half=example.official or _half(example.picture),
        coloured=example.channel is not None,
    )


def _half(picture: str) -> str | None:
    """The part of a split that a folder in the data set is called after; None if none is."""
    inner = picture.lower().split("/")[1:-1]
    return next((HALVES[name] for name in inner if name in HALVES), None)


def _name(root: Path, roots: dict[str, Path]) -> str:
    """A data set's name, told from others of the same."""
    for name in (root.name, f"{root.parent.name}/{root.name}", root.as_posix()):
        if roots.setdefault(name, root) == root:
            return name
    return root.as_posix()


def _refusal(folder: Path, found: str) -> DataError:
    return DataError(
        expected="a folder with pictures",
        found=found,
        remedy="Check the path; pictures are " + ", ".join(PICTURE_SUFFIXES) + ".",
        source=str(folder),
    )
