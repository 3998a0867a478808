"""The record of outlines in a folder: JSON that is whole and true at any moment.

A run that is stopped, by whatever, leaves the records of all that it had finished; what it had
begun is named in `CLAIMS`, so that the next run knows it for ours.
"""

import errno
import json
import os
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from textwrap import indent

from tumorlens.errors import ScanError
from tumorlens.reading.own_files import (
    ASIDE,
    CLAIMS,
    RECORD,
    Record,
    claimed_files,
    own_outlines,
    read_record,
    recorded_files,
)
from tumorlens.reporting.folder import write_bytes, writing

_END = b"\n]\n"  # of every list that is not empty


def refusal(error: ScanError) -> Record:
    """What the record says of an input that was refused."""
    return {"source": error.source, "error": error.to_json()}


class OutlineRecord:
    """The record while a run adds to it.

    What earlier runs recorded stays as long as its files are there and no new record is about the
    same source or file. ``with OutlineRecord(folder, names) as record: record.add(one)``
    """

    def __init__(self, folder: Path, claimed: Iterable[str]) -> None:
        """Change nothing yet.

        Args:
            folder: Of the outlines; there is one, and no other run writes into it.
            claimed: Names of the files that the run may write there.
        """
        self._folder = folder
        self._path = folder / RECORD
        self._earlier = read_record(folder) or []
        self._ours = own_outlines(folder).union(claimed)
        self._added: list[Record] = []
        self._file: FileIO | None = None
        self._length = 0  # without its end

    def __enter__(self) -> "OutlineRecord":
        for name in claimed_files(self._folder):
            with writing(self._folder):
                (self._folder / f"{name}{ASIDE}").unlink(missing_ok=True)
        self._claim(self._ours)
        return self

    def add(self, record: Record) -> None:
        """Record one input, whose files are written, or why it was refused.

        Raises:
            ConfigError: The disk is full, or the like; the record then stays without it.
        """
        self._added.append(record)
        with writing(self._path):
            if self._file is None:
                self._begin()
            else:
                text = indent(json.dumps(record, indent=2, allow_nan=False), "  ")
                self._append(self._file, b",\n" + text.encode())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        records = self._records()
        if kind is None or self._added:
            write_bytes(self._path, _text(records))
        unnamed = self._ours.difference(*map(recorded_files, records))
        self._claim({name for name in unnamed if os.path.lexists(self._folder / name)})

    def _records(self) -> list[Record]:
        sources = {record["source"] for record in self._added}
        masks = {record.get("mask") for record in self._added}
        # A killed run may have left two records of one file: the later is true.
        latest = {record["mask"]: record for record in self._earlier if "error" not in record}
        kept = [
            record
            for mask, record in latest.items()
            if mask not in masks
            and record["source"] not in sources
            and os.path.lexists(self._folder / mask)
        ]
        return [*kept, *self._added]

    def _begin(self) -> None:
        text = _text(self._records())
        write_bytes(self._path, text)
        self._length = len(text) - len(_END)
        self._file = FileIO(self._path, "r+")

    def _append(self, file: FileIO, text: bytes) -> None:
        """In one step and in place: written anew each time, many records would take hours."""
        try:
            file.seek(self._length)
            if file.write(text + _END) != len(text + _END):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.seek(self._length)
            file.write(_END)
            file.truncate()
            raise
        self._length += len(text)

    def _claim(self, names: set[str]) -> None:
        path = self._folder / CLAIMS
        if names:
            write_bytes(path, json.dumps(sorted(names)).encode())
        else:
            with writing(path):
                path.unlink(missing_ok=True)


def _text(records: list[Record]) -> bytes:
    return f"{json.dumps(records, indent=2, allow_nan=False)}\n".encode()
