"""Sets of two folders, ``yes/`` (some tumor, nobody says which) and ``no/``, in any case."""

from pathlib import Path

from tumorlens import labels
from tumorlens.errors import DataError
from tumorlens.lab.datasets.example import (
    TUMOR,
    About,
    Example,
    folders_in,
    lone_example,
    pictures_in,
)

_UNREAD = {"pred", "br35h-mask-rcnn"}
_COPY = "brain_tumor_dataset"
_ASIDE = {*_UNREAD, _COPY}
"""What the downloads hold besides: unlabelled pictures, copies of the same ones."""


def is_binary(root: Path) -> bool:
    """Whether ``yes/`` or ``no/`` holds pictures, and no class folder stands beside them."""
    inner = [path for path in folders_in(root) if path.name.lower() not in _ASIDE]
    return {path.name.lower() for path in inner} <= {"yes", "no"} and any(map(pictures_in, inner))


def pictures_of(root: Path, name: str) -> list[Path]:
    """The pictures of ``yes/`` or ``no/``, also where it is written with capitals.

    Args:
        root: Where the folder lies.
        name: In lower case.
    """
    inner = folders_in(root) if root.is_dir() else []
    return [path for one in inner if one.name.lower() == name for path in pictures_in(one)]


def leaves_out(path: Path) -> bool:
    """Pictures of an unknown kind of tumor, and what the downloads hold besides."""
    inner = [part.lower() for part in path.parts[:-1]]
    return inner[-1:] == ["yes"] or inner[-2:] == [_COPY, "no"] or bool(_UNREAD & {*inner})


def unknown_tumors(folder: Path) -> Path | None:
    """The folder ``yes/`` beside a folder ``no/``; None where there is no picture in it."""
    found = pictures_of(folder.parent, "yes") if folder.name.lower() == "no" else []
    return found[0].parent if found else None


def read_without_tumor(root: Path, *, folder: Path, about: About) -> list[Example]:
    """One example a picture of ``no/``; no patient is known.

    Args:
        root: Where ``no/`` lies.
        folder: The data set's own folder, which names the pictures.
        about: The set, for the message.

    Raises:
        DataError: ``no/`` is missing or empty.
    """
    return _read(root, "no", labels.NO_TUMOR, folder, about)


def read_both(root: Path, *, folder: Path, about: About) -> list[Example]:
    """One example a picture of ``no/`` and ``yes/``, the latter labelled ``tumor``.

    Raises:
        DataError: One of the folders is missing or empty.
    """
    without = read_without_tumor(root, folder=folder, about=about)
    return without + _read(root, "yes", TUMOR, folder, about)


def _read(root: Path, name: str, label: str, folder: Path, about: About) -> list[Example]:
    pictures = pictures_of(root, name)
    if not pictures:
        raise DataError(
            expected=f"the whole of {about.title}",
            found=f"no pictures in {name}/",
            remedy=f"Download it again: {about.address}",
            source=str(folder),
        )
    return [lone_example(path, root=folder, label=label) for path in pictures]
