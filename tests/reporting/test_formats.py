import csv
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.conftest import head
from tumorlens.errors import ScanFormatError
from tumorlens.labels import CLASSES
from tumorlens.measured_outline import Outline, VolumeOutline
from tumorlens.model import Model
from tumorlens.model_identity import ModelIdentity
from tumorlens.prediction import predict
from tumorlens.reporting.formats import FORMATS, Record, TextWriter, to_record
from tumorlens.reporting.wording import (
    describe_outline,
    describe_volume_outline,
    percent,
    printable,
    spoken,
)
from tumorlens.scan import Scan, Volume

REFUSAL = ScanFormatError(
    expected="a scan, or two",
    found='a "letter"\nof two lines',
    remedy="Try.",
    source="ü\udcff,.txt",
)
PARSERS = {
    "json": json.loads,
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    "csv": lambda text: list(csv.DictReader(io.StringIO(text, newline=""))),
}


def _text(name: str, records: list[Record]) -> str:
    pieces: list[str] = []
    with TextWriter(name, pieces.append, classes=CLASSES) as writer:
        for record in records:
            writer.add(record)
    return "".join(pieces)


@pytest.fixture
def records(model: Model, scan: Scan, volume: Volume) -> list[Record]:
    pairs: list[Any] = [(one, predict(one, model=model)) for one in (scan, volume)]
    return [to_record(result) for result in (*pairs, REFUSAL)]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_format_parses_back(name: str, count: int, records: list[Record]) -> None:
    parsed = PARSERS[name](_text(name, records[:count]))
    assert [record["source"] for record in parsed] == [r["source"] for r in records[:count]]


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_json_keeps_everything(name: str, records: list[Record]) -> None:
    parsed = PARSERS[name](_text(name, records))
    assert parsed == records
    assert parsed[2] == {"source": REFUSAL.source, "error": REFUSAL.to_json()}
    assert set(parsed[1]) - set(parsed[0]) == {"slices", "suspicious", "joined_by"}


def test_json_lines_are_one_line_each(records: list[Record]) -> None:
    assert _text("jsonl", records).count("\n") == len(records)


def test_csv_has_one_column_a_class(records: list[Record]) -> None:
    first, _, refused = PARSERS["csv"](_text("csv", records))
    for label in CLASSES:
        assert float(first[f"probability_{label}"]) == records[0]["probabilities"][label]
    assert float(first["tumor_probability"]) == records[0]["tumor_probability"]
    assert (first["model_name"], first["model_version"]) == ("tiny", "0.0.1")
    assert (first["accepted"], first["reason"], first["advice"]) == ("true", "", "")
    assert refused["accepted"] == refused["conformal_set"] == ""
    assert (first["error_code"], first["error_message"]) == ("", "")
    assert refused["label"] == refused["tumor_probability"] == ""
    assert refused["error_code"] == "scan_format"
    assert REFUSAL.found in refused["error_message"]
    assert REFUSAL.remedy in refused["error_message"]


def test_json_stays_open_when_its_making_failed() -> None:
    pieces: list[str] = []
    with pytest.raises(TypeError), TextWriter("json", pieces.append, classes=()) as writer:
        writer.add({"source": object()})
    assert "]" not in "".join(pieces)


def test_printable_spells_what_cannot_be_seen() -> None:
    assert printable("a b-ü.jpg") == "a b-ü.jpg"
    assert printable("\x1b[31m\n\u202e\udcff") == r"\x1b[31m\n\u202e\udcff"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0.0 %"), (1e-5, "<0.1 %"), (0.931, "93.1 %"), (0.99999, ">99.9 %"), (1.0, "100.0 %")],
)
def test_percent_never_claims_more_than_it_knows(value: float, words: str) -> None:
    assert percent(value) == words


def test_labels_are_spoken() -> None:
    assert spoken("no_tumor") == "no tumor"


def test_a_record_tells_of_the_outline(outlining: Model, model: Model, volume: Volume) -> None:
    scan = Scan(head(96, 80, blob=120.0), "scan.png", (0.5, 2.0))
    told = to_record((scan, predict(scan, model=outlining)))["outline"]
    assert set(told) >= {"area_percent", "area_mm2", "diameter_mm", "side", "height"}
    assert "volume_ml" in to_record((volume, predict(volume, model=outlining)))["outline"]
    assert "outline" not in to_record((scan, predict(scan, model=model)))
    assert "outline" not in to_record((scan, predict(scan, model=outlining)), outlined=False)
    told = [name for name, one in FORMATS.items() if one.outlined]
    assert told == ["json", "jsonl"]


def test_an_outline_in_words() -> None:
    found = Outline(np.ones((2, 2), bool), 3.21, 412.4, 25.2, 30.0, "left", "upper")
    assert (
        describe_outline(found)
        == "3.2 % of the head, 412 mm², 25 mm across, upper left of the picture"
    )
    middle = replace(found, area_mm2=None, diameter_mm=None, side="middle", height="middle")
    assert describe_outline(middle) == "3.2 % of the head, middle of the picture"
    by = ModelIdentity("whole", "0.1", "ab")
    assert (
        describe_outline(middle, by=by) == "3.2 % of the head, middle of the picture, by whole 0.1"
    )


def test_a_volumes_outline_in_words() -> None:
    largest = Outline(np.ones((2, 2), bool), 3.21, 412.4, 25.2, 30.0, "left", "upper")
    mask = np.ones((3, 2, 2), bool)
    by = ModelIdentity("whole", "0.1", "ab")
    found = VolumeOutline(mask, 54.12, 2, largest, by, ("answered without T1",))
    told = "3.2 % of the head, 412 mm², 25 mm across, upper left of the picture"
    assert describe_volume_outline(found) == (
        f"Outline: 54.1 ml, largest in slice 2: {told}, by whole 0.1. Answered without T1."
    )
    own = replace(found, volume_ml=None, outlined_by=None, notes=())
    assert describe_volume_outline(own) == f"Outline: largest in slice 2: {told}."
    nothing = VolumeOutline(mask, 0.0, None, None, notes=("the head looks healthy",))
    assert describe_volume_outline(nothing) == "Nothing is outlined. The head looks healthy."
