"""Answers as text for machines: json, jsonl, csv.

To add a format, write two or three small functions and one line in `FORMATS`.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tumorlens.errors import TumorlensError
from tumorlens.outlining import measure_outline
from tumorlens.reporting.results import Result

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Format:
    """How records become text, one after another, so that memory stays flat.

    Attributes:
        begin: What stands before the first record, given the class names.
        record: One record, given the class names.
        between: What stands between two records.
        end: What stands after the last.
        outlined: Whether it tells of the outline.
    """

    begin: Callable[[Sequence[str]], str]
    record: Callable[[Record, Sequence[str]], str]
    between: str = ""
    end: str = ""
    outlined: bool = True


def to_record(result: Result, *, outlined: bool = True) -> Record:
    """One input's answer, or why it was refused, as JSON values.

    Args:
        result: The input's outcome.
        outlined: Whether the outline is wanted, which takes time in volumes.

    Returns:
        ``source``, ``label``, ``probabilities``, ``tumor_probability``, ``accepted``,
        ``reason``, ``conformal_set``, ``advice``, ``skull_strip``, ``tta``, ``model``, ``outline``
        (its area, diameter and place, where the model outlines; of a volume, by which other model
        too) and, for a volume, ``slices`` and ``suspicious``, by their indices in `Volume` from 0,
        and ``joined_by``; or ``source`` and
        ``error`` (``code``, ``expected``, ``found``, ``remedy``).
    """
    if isinstance(result, TumorlensError):
        return {"source": result.source, "error": result.to_json()}
    scan, answer = result
    found = measure_outline(scan, answer) if outlined else None
    return answer.to_json() | ({"outline": found.to_json()} if found else {})


class TextWriter:
    """Writes records in one format, each as soon as it comes.

    ``with TextWriter("json", write, classes=...) as writer: writer.add(record)``
    """

    def __init__(self, name: str, write: Callable[[str], object], *, classes: Sequence[str]):
        """Begin nothing yet.

        Args:
            name: One of `FORMATS`.
            write: Takes the text.
            classes: The model's class names, in order.
        """
        self._format = FORMATS[name]
        self._write = write
        self._classes = classes
        self._is_first = True

    def __enter__(self) -> "TextWriter":
        self._write(self._format.begin(self._classes))
        return self

    def add(self, record: Record) -> None:
        """Write one record of `to_record`."""
        text = self._format.record(record, self._classes)
        self._write(text if self._is_first else self._format.between + text)
        self._is_first = False

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write(self._format.end)


def _json_text(record: Record, _classes: Sequence[str]) -> str:
    # Only ASCII: right in every terminal, and for file names that are no text at all.
    return json.dumps(record, allow_nan=False)


def _csv_header(classes: Sequence[str]) -> str:
    chances = [f"probability_{name}" for name in classes]
    model, error = ("model_name", "model_version"), ("error_code", "error_message")
    confidence = ("accepted", "reason", "conformal_set", "advice")
    how = ("skull_strip", "tta", *model)
    return _csv_line(["source", "label", *chances, "tumor_probability", *confidence, *how, *error])


def _csv_record(record: Record, classes: Sequence[str]) -> str:
    if "error" in record:
        blanks = [""] * (len(classes) + 10)
        error = record["error"]
        words = f"expected {error['expected']}; found {error['found']}. {error['remedy']}"
        return _csv_line([record["source"], *blanks, error["code"], words])
    chances = [record["probabilities"].get(name, "") for name in classes]
    answer = [record["label"], *chances, record["tumor_probability"]]
    confidence = [
        _csv_truth(record["accepted"]),
        record["reason"] or "",
        " ".join(record["conformal_set"]),
        record["advice"] or "",
    ]
    model = record["model"]
    stripped, tta = record["skull_strip"] or "", _csv_truth(record["tta"])
    how = [stripped, tta, model["name"], model["version"]]
    return _csv_line([record["source"], *answer, *confidence, *how, "", ""])


def _csv_truth(value: bool) -> str:
    return "true" if value else "false"


def _csv_line(cells: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


FORMATS: dict[str, Format] = {
    "json": Format(lambda _: "[\n", _json_text, between=",\n", end="\n]\n"),
    "jsonl": Format(lambda _: "", lambda record, names: _json_text(record, names) + "\n"),
    "csv": Format(_csv_header, _csv_record, outlined=False),
}
"""All formats, by name."""
