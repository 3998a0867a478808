"""The evaluation as one HTML page that needs no other file and runs no script."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import tumorlens.reporting
from tumorlens.card import Card
from tumorlens.lab.evaluation.evaluation import Evaluation
from tumorlens.lab.evaluation.measuring import Measurement
from tumorlens.lab.evaluation.mistakes import draw_mistakes, worst_mistakes
from tumorlens.lab.evaluation.pictures_of_scores import (
    IN_A_ROW,
    draw_confusion,
    draw_confusions,
    draw_precision_recall,
    draw_reliability,
    draw_roc,
)
from tumorlens.lab.evaluation.wording import (
    beside,
    check_tables,
    checks_left_out,
    figure,
    score_tables,
)
from tumorlens.lab.pictures import ByteArray
from tumorlens.model import Model
from tumorlens.notice import NOTICE
from tumorlens.reporting.figure import jpeg_bytes
from tumorlens.reporting.folder import write_bytes

REPORT_FILE = "report.html"

_SIDE = 224  # pixels of a mistake's picture on the page


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture on the page: its title and its data URI."""

    title: str
    uri: str


@dataclass(frozen=True, slots=True)
class ShownMistake:
    """A mistake on the page: two pictures and what went wrong."""

    scan: str
    blend: str
    truth: str
    answer: str
    probability: str
    picture: str
    sequence: str


def write_report(folder: Path, model: Model, measured: Measurement, *, command: str = "") -> None:
    """Write ``report.html`` into a folder that is there.

    Args:
        folder: Where.
        model: Which was measured.
        measured: What was measured.
        command: What gives it again.
    """
    page = render_report(model, measured, measured.to_json(command=command))
    write_bytes(folder / REPORT_FILE, page.encode(errors="backslashreplace"))


def render_report(model: Model, measured: Measurement, record: Mapping[str, Any]) -> str:
    """The whole page.

    Args:
        model: Which was measured.
        measured: What was measured.
        record: What stands in ``evaluation.json``: all figures come from there.
    """
    checks = record.get("checks") or {}
    return _TEMPLATES.get_template("evaluation.html.j2").render(
        notice=NOTICE,
        card=model.card,
        facts=_facts(model.card, record),
        tables=score_tables(record),
        drawings=_drawings(measured.evaluation, beside(record)),
        checks=check_tables(record),
        left_out=checks_left_out(checks),
        checked="checks" in record,
        mistakes=_mistakes(model, measured.evaluation, measured.pictures.pixels),
    )


def _facts(card: Card, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    scores, reliability = record["scores"], record["reliability"]
    intervals = scores.get("intervals") or {}
    facts = [
        ("Model", f"{card.name} {card.version}"),
        ("SHA-256", card.sha256),
        ("Measured by", record["command"]),
        ("Pictures", f"{scores['count']} of {scores['groups']} groups"),
        ("Accuracy", figure(scores["accuracy"], intervals.get("accuracy")) + beside(record)),
        ("Macro recall", figure(scores["recall"], intervals.get("recall")) + beside(record)),
    ]
    if reliability:
        error = figure(reliability["error"], reliability["interval"]) + beside(record)
        facts.append(("Expected calibration error", error))
    if stripped := record.get("skull_strip"):
        facts.append(("Skulls taken off by", stripped))
    if record.get("tta"):
        facts.append(("Test-time augmentation", "mirror images answered too"))
    if record["blank"]:
        facts.append(("Left out, nothing to be seen", str(record["blank"])))
    return facts


def _drawings(evaluation: Evaluation, beside: str) -> list[Drawing]:
    names = list(evaluation.scores.per_class)
    answers = evaluation.probabilities, evaluation.targets, names
    drawn = {
        "Confusion": draw_confusion(evaluation.scores),
        "ROC curves": draw_roc(*answers),
        "Precision and recall": draw_precision_recall(*answers),
    }
    if evaluation.reliability:
        drawn["Reliability"] = draw_reliability(evaluation.reliability)
    if len(evaluation.per_dataset) > 1:
        items = [*evaluation.per_dataset.items()]
        for start in range(0, len(items), IN_A_ROW):
            some = dict(items[start : start + IN_A_ROW])
            drawn[f"Confusion: {', '.join(some)}"] = draw_confusions(some)
    return [Drawing(title + beside, _uri(png, "png")) for title, png in drawn.items()]


def _mistakes(model: Model, evaluation: Evaluation, pixels: ByteArray) -> list[ShownMistake]:
    mistakes = worst_mistakes(evaluation)
    drawn = draw_mistakes(model, mistakes, pixels)
    return [
        ShownMistake(
            scan=_uri(jpeg_bytes(scan, longest_side=_SIDE), "jpeg"),
            blend=_uri(jpeg_bytes(blend, longest_side=_SIDE), "jpeg"),
            truth=one.truth,
            answer=one.answer,
            probability=f"{one.probability:.3f}",
            picture=one.picture,
            sequence=one.sequence,
        )
        for one, (scan, blend) in zip(mistakes, drawn, strict=True)
    ]


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _folders() -> Sequence[Path]:
    """Its own templates, and those of the answers' report, whose style it shares."""
    return [
        Path(__file__).parent / "templates",
        Path(tumorlens.reporting.__file__).parent / "templates",
    ]


_TEMPLATES = Environment(
    loader=FileSystemLoader(_folders()),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
