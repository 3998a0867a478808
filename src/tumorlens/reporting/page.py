"""The report as one HTML page that needs no other file and runs no script."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tumorlens.card import Card
from tumorlens.errors import TumorlensError
from tumorlens.measured_outline import VolumeOutline
from tumorlens.notice import NOTICE
from tumorlens.outlining import measure_outline
from tumorlens.prediction import VolumePrediction
from tumorlens.reading.own_files import MARK
from tumorlens.reporting.figure import jpeg_bytes
from tumorlens.reporting.overlay import RGB, Overlay
from tumorlens.reporting.results import Answered, Result
from tumorlens.reporting.wording import (
    PICTURE_SIDES,
    SLICE_NUMBERS,
    also_possible,
    describe_outline,
    describe_volume_outline,
    how_answered,
    percent,
    printable,
    spoken,
)
from tumorlens.scan import Volume

LARGE_PICTURES = 100
"""From this many inputs on the page shows small pictures, so that it still opens."""

_LARGE_SIDE, _SMALL_SIDE = 384, 128  # pixels
_CURVE = (640, 110)  # width and height of the drawing area


@dataclass(frozen=True, slots=True)
class Picture:
    """One overlay on the page.

    Attributes:
        scan: Data URI of the slice, JPEG.
        heatmap: Data URI of its heatmap.
        blend: Data URI of both.
        target: The class that is explained.
        caption: Which slice it is and what was answered about it; empty for a single scan.
        file: Where the full overlay is, relative to the page; empty where there is none.
        aspect: Width by height of the slice in mm.
        outline: The drawn outline's size and place; empty where none is drawn.
    """

    scan: str
    heatmap: str
    blend: str
    target: str
    caption: str
    file: str
    aspect: float
    outline: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """A volume's tumor probability, slice by slice, in the drawing's coordinates.

    Attributes:
        line: The points of an SVG polyline.
        dots: (x, y, index) of the most suspicious slices.
        first: The first judged slice's index.
        last: The last one's.
    """

    line: str
    dots: tuple[tuple[float, float, int], ...]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Row:
    """One input's line in the page's overview.

    Attributes:
        number: From 1.
        source: The input.
        label: The answer; empty where the input could not be read.
        probability: Of the answer.
        tumor_probability: Of any tumor.
        reason: Why the input was refused, if it could be read but is no brain MRI; else empty.
        also_possible: Other classes that cannot be excluded; empty without any.
        advice: What to do about them.
        how: What was done to the scan beyond the usual; empty where nothing was.
    """

    number: int
    source: str
    label: str = ""
    probability: str = ""
    tumor_probability: str = ""
    reason: str = ""
    also_possible: str = ""
    advice: str = ""
    how: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether there is no answer to go by."""
        return not self.label or bool(self.reason)


def make_picture(overlay: Overlay, file: str, *, number: int) -> Picture:
    """Shrink an overlay for the page.

    Args:
        overlay: What to show.
        file: Where the full overlay is, relative to the page.
        number: Of the input, from 1; late ones get small pictures (`LARGE_PICTURES`).
    """
    side = _LARGE_SIDE if number <= LARGE_PICTURES else _SMALL_SIDE
    rows, columns = overlay.scan.shape[:2]
    per_row, per_column = overlay.spacing_mm or (1.0, 1.0)
    answer = overlay.prediction
    caption = ""
    if overlay.index is not None and not answer.accepted:
        caption = f"Slice {overlay.index}: refused, {answer.reason}"
    elif overlay.index is not None:
        sure = percent(answer.probabilities[answer.label])
        any_tumor = f"tumor of any kind {percent(answer.tumor_probability)}"
        caption = f"Slice {overlay.index}: {spoken(answer.label)} {sure}, {any_tumor}"
    return Picture(
        scan=_data_uri(overlay.scan, side),
        heatmap=_data_uri(overlay.heatmap, side),
        blend=_data_uri(overlay.blend, side),
        target=spoken(overlay.explanation.target),
        caption=caption,
        file=file,
        aspect=round(columns * per_column / (rows * per_row), 4),
        outline=describe_outline(overlay.outline, by=overlay.outlined_by)
        if overlay.outline and overlay.outline.side
        else "",
    )


def make_row(result: Result, *, number: int) -> Row:
    """One input's line in the overview."""
    if isinstance(result, TumorlensError):
        return Row(number, printable(result.source))
    answer = result[1]
    return Row(
        number,
        printable(answer.source),
        spoken(answer.label),
        percent(answer.probabilities[answer.label]),
        percent(answer.tumor_probability),
        answer.reason or "",
        also_possible(answer.label, answer.conformal_set),
        answer.advice or "",
        how_answered(answer),
    )


def render_entry(result: Result, pictures: Iterable[Picture], *, number: int) -> str:
    """One input's part of the page: its answer and pictures, or why it was refused."""
    row = make_row(result, number=number)
    if isinstance(result, TumorlensError):
        error = {name: printable(text) for name, text in result.to_json().items()}
        return _TEMPLATES.get_template("refused.html.j2").render(row=row, error=error)
    answer = result[1]
    bars = [(spoken(name), value, percent(value)) for name, value in answer.probabilities.items()]
    curve = _curve(answer) if isinstance(answer, VolumePrediction) else None
    return _TEMPLATES.get_template("answer.html.j2").render(
        row=row,
        bars=bars,
        pictures=list(pictures),
        curve=curve,
        curve_size=_CURVE,
        slice_numbers=SLICE_NUMBERS,
        picture_sides=PICTURE_SIDES,
        outline=_outline(result),
    )


def render_page(card: Card, rows: list[Row], entries: Iterable[str]) -> Iterator[str]:
    """The whole page, piece by piece.

    Args:
        card: Of the model that answered.
        rows: The overview, one for each input.
        entries: What `render_entry` gave, in the same order; read one at a time.
    """
    return _TEMPLATES.get_template("page.html.j2").generate(
        mark=Markup(MARK),
        notice=NOTICE,
        card=card,
        classes=[spoken(name) for name in card.classes],
        scores=list(_leaves({**card.scores, **_confidence(card)})),
        rows=rows,
        refused=sum(row.is_refused for row in rows),
        entries=map(Markup, entries),
    )


def _data_uri(pixels: RGB, side: int) -> str:
    data = base64.b64encode(jpeg_bytes(pixels, longest_side=side)).decode()
    return f"data:image/jpeg;base64,{data}"


def _curve(answer: VolumePrediction) -> Curve:
    width, height = _CURVE
    first, last = answer.slices[0].index, answer.slices[-1].index
    points = {
        one.index: (
            round((one.index - first) / max(1, last - first) * width, 1),
            round((1 - one.answer.tumor_probability) * height, 1),
        )
        for one in answer.slices
    }
    line = " ".join(f"{x},{y}" for x, y in points.values())
    dots = tuple((*points[index], index) for index in answer.suspicious)
    return Curve(line, dots, first, last)


def _outline(result: Answered) -> str:
    """A volume's outline in words; empty for a slice, whose own stand in its overlay."""
    found = measure_outline(*result) if isinstance(result[0], Volume) else None
    return describe_volume_outline(found) if isinstance(found, VolumeOutline) else ""


def _confidence(card: Card) -> dict[str, Any]:
    """What the card says of calibration, sets and gate, beside the scores."""
    found = {
        "calibration": card.calibration,
        "conformal_sets": card.conformal.measured if card.conformal else {},
        "input_gate": card.gate.measured if card.gate else {},
    }
    return {name: values for name, values in found.items() if values}


def _leaves(scores: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Nested scores as (name, value) in words."""
    for name, value in scores.items():
        path = f"{above} / {spoken(str(name))}" if above else spoken(str(name))
        if isinstance(value, Mapping):
            yield from _leaves(value, path)
        elif isinstance(value, list | tuple):
            yield path, ", ".join(map(_number, value))
        else:
            yield path, _number(value)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else printable(str(value))


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
