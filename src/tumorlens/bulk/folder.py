"""The folder of a bulk run: which model it is of, what is done, and parts that are whole.

``run.json`` says which model answers; ``answers/`` and ``refused/`` are Parquet tables of one file
a chunk; ``.tumorlens-partial/`` is what is being written, in a folder that only one run knows:
when it is gone, workers of an earlier run that still live can add nothing.
"""

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tumorlens.bulk.table import REFUSED_SCHEMA, answer_schema
from tumorlens.card import Card
from tumorlens.errors import ConfigError
from tumorlens.reporting.folder import PARTIAL, writing

RUN = "run.json"
ANSWERS = "answers"
REFUSED = "refused"
MADE_BY = "tumorlens predict --engine ray"

_Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class BulkFolder:
    """The folder of a bulk run.

    Attributes:
        place: Where it is.
        classes: The model's class names, in order.
        run: Of this run only.
    """

    place: Path
    classes: tuple[str, ...]
    run: str

    @property
    def aside(self) -> Path:
        """Where workers write before they rename."""
        return self.place / PARTIAL / self.run

    def done(self) -> set[bytes]:
        """The ids of all sources that have a row in one of the tables.

        Raises:
            ConfigError: A file in ``answers/`` or ``refused/`` is no part of a run.
        """
        found: set[bytes] = set()
        for part in self._parts(ANSWERS, REFUSED):
            with _reading(part):
                found.update(pq.read_table(part, columns=["id"])["id"].to_pylist())
        return found

    def count(self, table: str) -> int:
        """How many rows a table has: `ANSWERS` or `REFUSED`."""
        rows = 0
        for part in self._parts(table):
            with _reading(part):
                rows += pq.read_metadata(part).num_rows
        return rows

    def write_part(self, name: str, *, answers: _Rows, refused: _Rows) -> None:
        """Write a chunk's rows in place of those it may have had.

        Args:
            name: Of the chunk.
            answers: Rows of `answer_schema`.
            refused: Rows of `REFUSED_SCHEMA`.

        Raises:
            ConfigError: The disk is full, or the like; no half of a part is left.
        """
        self._write(REFUSED, name, pa.Table.from_pylist(list(refused), REFUSED_SCHEMA))
        schema = answer_schema(self.classes)
        self._write(ANSWERS, name, pa.Table.from_pylist(list(answers), schema))

    def _write(self, table: str, name: str, rows: pa.Table) -> None:
        path = self.place / table / f"part-{name}.parquet"
        # A worker that was given up may still be writing the same part.
        aside = self.aside / f"{table}-{name}-{uuid.uuid4().hex}"
        try:
            with writing(path):
                if rows.num_rows:
                    pq.write_table(rows, aside, compression="zstd")
                    aside.replace(path)
                else:
                    path.unlink(missing_ok=True)
        finally:
            aside.unlink(missing_ok=True)

    def _parts(self, *tables: str) -> Iterator[Path]:
        for table in tables:
            yield from sorted((self.place / table).glob("*.parquet"))


def open_folder(place: Path, card: Card) -> BulkFolder:
    """Make the folder of a run, or go on in the one of an earlier run, which ends thereby.

    Raises:
        ConfigError: It cannot be written, it holds something else, or another model answered.
    """
    folder = BulkFolder(place, tuple(card.classes), uuid.uuid4().hex)
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
        is_new = not any(one.name != PARTIAL for one in place.iterdir())
    model = card.identity.to_json() | {"card": card.digest}
    if not is_new:
        _check(place, model)
    clear_aside(folder)
    with writing(place):
        folder.aside.mkdir(parents=True)
        if is_new:
            text = json.dumps({"made_by": MADE_BY, "model": model}, indent=2)
            (folder.aside / RUN).write_text(text + "\n", encoding="utf-8")
            (folder.aside / RUN).replace(place / RUN)
        for table in (ANSWERS, REFUSED):
            (place / table).mkdir(exist_ok=True)
    return folder


def clear_aside(folder: BulkFolder) -> None:
    """Remove what is half written; workers that still live fail when they try to write."""
    shutil.rmtree(folder.place / PARTIAL, ignore_errors=True)


def _check(place: Path, model: Mapping[str, str]) -> None:
    try:
        found = json.loads((place / RUN).read_bytes())["model"]
        names = [(one.get("name"), one.get("version")) for one in (model, found)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            expected=f"a new or empty folder, or one of an earlier bulk run with its {RUN}",
            found="files of another origin in it",
            remedy="Choose another folder.",
            source=str(place),
        ) from None
    if found != model:
        otherwise = " with another card, precision or skull stripping" * (names[0] == names[1])
        raise ConfigError(
            expected=f"answers of {names[0][0]} {names[0][1]}, the model that is asked now",
            found=f"answers of {names[1][0]} {names[1][1]}{otherwise} in it",
            remedy="Choose another folder for another model.",
            source=str(place),
        )


@contextmanager
def _reading(part: Path) -> Iterator[None]:
    """Turn what Arrow says against a part into a `ConfigError`."""
    try:
        yield
    except (pa.ArrowException, OSError, KeyError) as error:
        raise ConfigError(
            expected="a part of an earlier bulk run",
            found=f"a file that cannot be read as one ({error})",
            remedy="Delete it: its scans are answered again.",
            source=str(part),
        ) from error
