"""A model folder that takes its name only when all is in it: graph, gate, sets, scores."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tumorlens.card import CARD_FILE
from tumorlens.errors import ConfigError
from tumorlens.gate import GATE_FILE
from tumorlens.model import GRAPHS
from tumorlens.reporting.folder import PARTIAL, writing
from tumorlens.slice_sequence import SEQUENCE_FILE

_OF_A_MODEL = (*GRAPHS.values(), GATE_FILE, SEQUENCE_FILE)


@contextmanager
def growing_model(folder: Path, *, copied: Path | None = None) -> Iterator[Path]:
    """Let a model grow aside, and put it in place when the ``with`` block ends well.

    If the block fails, an earlier model stays as it was. What a killed run left is cleared by the
    next one.

    Args:
        folder: The model folder. A new one is renamed as a whole from ``NAME.partial``. Into one
            that is there the files are moved, the card last, so that its hashes disown a
            mixture; the graphs and the gate of an older model go, files of others stay.
        copied: A model folder that the new one begins as a copy of; ``folder`` itself, to add
            something to it.

    Yields:
        The folder that takes the model's files.

    Raises:
        ConfigError: The folder cannot be written, or holds other things than a model, such as
            pictures or a run.
    """
    beside = folder.parent / f"{folder.name}.partial"  # "." has no name to be changed
    with writing(folder):
        is_new = not folder.exists()
        if folder.is_dir():
            _refuse_foreign(folder)
        aside = beside if is_new else folder / PARTIAL
        for left in (beside, folder / PARTIAL):
            shutil.rmtree(left, ignore_errors=True)
        aside.mkdir(parents=True)
        if copied is not None:
            hidden = shutil.ignore_patterns(".*")
            shutil.copytree(copied, aside, ignore=hidden, dirs_exist_ok=True)
    try:
        yield aside
        with writing(folder):
            if is_new:
                aside.rename(folder)
            else:
                _move(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _refuse_foreign(folder: Path) -> None:
    """Files of a model among pictures, or in a run folder, would be taken for theirs."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if names and names.isdisjoint({CARD_FILE, *_OF_A_MODEL}):
        raise ConfigError(
            expected="a new or empty folder, or one with an earlier model",
            found=f"one with other things in it, such as {min(names)}",
            remedy="Give the model a folder of its own.",
            source=str(folder),
        )


def _move(aside: Path, folder: Path) -> None:
    for name in _OF_A_MODEL:
        if not (aside / name).exists():
            (folder / name).unlink(missing_ok=True)
    files = (path for path in aside.rglob("*") if path.is_file())
    for path in sorted(files, key=lambda path: path.name == CARD_FILE):
        place = folder / path.relative_to(aside)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
