"""What a training run wrote, read without the lab: its history and its pictures."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from tumorlens.errors import DataError

HISTORY = "history.csv"
LOSS = {"training_loss": "training", "validation_loss": "validation"}
ACCURACY = {
    "training_accuracy": "training",
    "validation_accuracy": "validation",
    "validation_macro_recall": "macro recall",
}
"""Columns of the history that are drawn, and what they are called."""

_MAX_BYTES = 16 * 2**20  # of a history or a picture
_MAX_PIXELS = 16 * 2**20
_MAX_PICTURES = 24


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder.

    Attributes:
        epochs: One row an epoch: ``epoch`` and the numbers of its columns.
        pictures: PNG files of the folder by name, in order.
    """

    epochs: tuple[dict[str, float], ...]
    pictures: dict[str, bytes]

    def best(self) -> dict[str, float] | None:
        """The epoch of the lowest validation loss, the first of several; None where unknown."""
        known = [row for row in self.epochs if "validation_loss" in row]
        return min(known, key=lambda row: row["validation_loss"], default=None)


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Raises:
        DataError: It has no ``history.csv``, or one that is none.
    """
    return Run(_read_history(folder / HISTORY), dict(_pictures(folder)))


def _read_history(path: Path) -> tuple[dict[str, float], ...]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise _no_history(path, "one of too many bytes")
        with path.open(newline="", encoding="utf-8") as lines:
            rows = [_numbers(row) for row in csv.DictReader(lines)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _no_history(path, "none that can be read") from error
    epochs = tuple(row for row in rows if "epoch" in row)
    if not epochs:
        raise _no_history(path, "one without any epoch")
    return epochs


def _numbers(row: dict[str | None, str | list[str] | None]) -> dict[str, float]:
    """The finite numbers of a line; a curve goes on without the others."""
    found = {}
    for name, text in row.items():
        try:
            value = float(str(text))
        except ValueError:
            continue
        if isinstance(name, str) and math.isfinite(value):
            found[name] = value
    return found


def _pictures(folder: Path) -> Sequence[tuple[str, bytes]]:
    found = []
    for path in sorted(folder.glob("*.png"))[:_MAX_PICTURES]:
        if path.is_file() and path.stat().st_size <= _MAX_BYTES:
            data = path.read_bytes()
            if _is_picture(data):
                found.append((path.name, data))
    return found


def _is_picture(data: bytes) -> bool:
    try:
        with Image.open(BytesIO(data), formats=("PNG",)) as picture:
            is_small = picture.width * picture.height <= _MAX_PIXELS
            picture.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return is_small


def _no_history(path: Path, found: str) -> DataError:
    return DataError(
        expected=f"a run folder with {HISTORY}, as `tumorlens train` writes it",
        found=found,
        remedy="Give the folder that was named by --run.",
        source=str(path.parent),
    )
