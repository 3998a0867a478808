"""Answers and refusals as rows of Arrow tables."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa

from tumorlens.bulk.chunks import source_id
from tumorlens.errors import ScanError
from tumorlens.notice import NOTICE
from tumorlens.reading import Source

_ID = pa.field("id", pa.binary(16), nullable=False)
_SOURCE = pa.field("source", pa.string(), nullable=False)
_OUTLINE = pa.struct(
    {
        "area_percent": pa.float64(),
        "area_mm2": pa.float64(),
        "diameter_mm": pa.float64(),
        "diameter_pixels": pa.float64(),
        "side": pa.string(),
        "height": pa.string(),
        "volume_ml": pa.float64(),
        "largest_slice": pa.int32(),
        "outlined_by": pa.struct(
            {"name": pa.string(), "version": pa.string(), "sha256": pa.string()}
        ),
        "notes": pa.list_(pa.string()),
    }
)

REFUSED_SCHEMA = pa.schema(
    [_ID, _SOURCE]
    + [pa.field(name, pa.string()) for name in ("error", "code", "expected", "found", "remedy")]
)
"""The dead-letter table: each input without an answer, and why."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an input got no answer.

    Attributes:
        error: The error's class, such as ``ScanCorruptError``.
        code: For machines, such as ``scan_corrupt``.
        expected: What would have been right.
        found: What was there instead.
        remedy: What to do about it.
    """

    error: str
    code: str
    expected: str
    found: str
    remedy: str

    @classmethod
    def of(cls, error: ScanError) -> Self:
        """What an error of reading or answering says."""
        return cls(type(error).__name__, **error.to_json())

    @classmethod
    def of_bug(cls, error: Exception) -> Self:
        """What no reader foresaw: the input is left out and the others go on."""
        return cls(
            type(error).__name__,
            "unexpected",
            "a scan that is answered or refused",
            f"a mistake in tumorlens ({error})",
            "Answer it alone (tumorlens predict FILE) and report what it says.",
        )

    @classmethod
    def of_death(cls) -> Self:
        """An input that ended its worker again and again."""
        return cls(
            "WorkerDied",
            "worker_died",
            "a scan that a worker survives",
            "its process ended without a word each time, for want of memory or by a crash",
            "Answer it alone (tumorlens predict FILE) on a machine with more memory.",
        )


def answer_schema(classes: Sequence[str]) -> pa.Schema:
    """The columns of the answers, for a model with these classes.

    Those of the CSV report but ``tta``, which bulk runs go without, and for volumes ``slices`` and
    ``suspicious``; ``outline`` where the model outlines. ``id`` stands for the source's files.
    """
    chances = {f"probability_{name}": pa.float64() for name in classes}
    one_slice = {"index": pa.int32(), "label": pa.string(), "accepted": pa.bool_(), **chances}
    columns = {
        "label": pa.string(),
        **chances,
        "tumor_probability": pa.float64(),
        "accepted": pa.bool_(),
        "reason": pa.string(),
        "conformal_set": pa.list_(pa.string()),
        "advice": pa.string(),
        "outline": _OUTLINE,
        "slices": pa.list_(pa.struct(one_slice)),
        "suspicious": pa.list_(pa.int32()),
        "skull_strip": pa.string(),
        "model_name": pa.string(),
        "model_version": pa.string(),
        "model_sha256": pa.string(),
    }
    fields = [_ID, _SOURCE, *(pa.field(name, kind) for name, kind in columns.items())]
    return pa.schema(fields, metadata={"notice": NOTICE})


def answer_row(source: Source, record: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `answer_schema` from a record of `tumorlens.reporting.formats.to_record`."""
    model = record["model"]
    slices = [
        {"index": one["index"], "label": one["label"], "accepted": one["accepted"], **_chances(one)}
        for one in record.get("slices", ())
    ]
    same = ("label", "tumor_probability", "accepted", "reason", "conformal_set", "advice")
    return (
        _named(source)
        | _chances(record)
        | {name: record[name] for name in same}
        | {
            "outline": record.get("outline"),
            "slices": slices or None,
            "suspicious": record.get("suspicious"),
            "skull_strip": record["skull_strip"],
            "model_name": model["name"],
            "model_version": model["version"],
            "model_sha256": model["sha256"],
        }
    )


def refused_row(source: Source, refusal: Refusal) -> dict[str, Any]:
    """A row of `REFUSED_SCHEMA`."""
    words = {name: _text(getattr(refusal, name)) for name in REFUSED_SCHEMA.names[2:]}
    return _named(source) | words


def _named(source: Source) -> dict[str, Any]:
    return {"id": source_id(source), "source": _text(source.name)}


def _text(name: str) -> str:
    """Text for Parquet: bytes of a file name that are no text are spelled out in it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _chances(record: Mapping[str, Any]) -> dict[str, float]:
    return {f"probability_{name}": value for name, value in record["probabilities"].items()}
