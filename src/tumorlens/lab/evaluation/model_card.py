"""``MODEL_CARD.md`` from ``card.json`` and ``evaluation.json``; no figure is typed by hand.

M. Mitchell and others, "Model Cards for Model Reporting", FAT* 2019, arXiv:1810.03993.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tumorlens.lab.evaluation.claim import claim
from tumorlens.lab.evaluation.heads import ALL
from tumorlens.lab.evaluation.wording import (
    CHECK_TITLES,
    Table,
    beside,
    check_tables,
    figure,
    score_tables,
)

MAX_CALIBRATION_ERROR = 0.02
MIN_RECALL = 0.90
MIN_HEAD_AUC, MIN_HEAD_SPECIFICITY = 0.90, 0.80
MIN_CHANGED, MAX_CHANGED_ELSEWHERE = 0.50, 0.10
MAX_SURROUNDING_AUC = 0.60
MIN_HEALTHY = 0.97
"""What falls short of these is told under known failures."""


def render_model_card(card: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """The whole card as Markdown.

    Args:
        card: As in ``card.json``.
        evaluation: As in ``evaluation.json``, of the same model.
    """
    split = evaluation.get("split") or card["scores"].get("split")
    evaluation = {**evaluation, "split": split}
    scores, checks = evaluation["scores"], evaluation.get("checks") or {}
    text = _TEMPLATES.get_template("model_card.md.j2").render(
        card=card,
        evaluation=evaluation,
        data=_data_table(card["data"]),
        beside=beside(evaluation),
        accuracy=figure(scores["accuracy"], (scores.get("intervals") or {}).get("accuracy")),
        tables=score_tables(evaluation),
        checks=check_tables(evaluation),
        check_titles=CHECK_TITLES,
        unmeasured=[title for name, title in CHECK_TITLES.items() if not checks.get(name)],
        failures=list(known_failures(evaluation)),
        confidence=_confidence(card, beside(evaluation)),
        claim=claim(leaky=bool(split)),
    )
    return text.rstrip() + "\n"


def known_failures(evaluation: Mapping[str, Any]) -> Iterator[str]:
    """What the figures themselves say is wrong, in words."""
    for name, one in evaluation["scores"]["per_class"].items():
        if one["recall"] is not None and one["recall"] < MIN_RECALL:
            yield f"It misses {name}: recall {figure(one['recall'])}."
    reliability = evaluation.get("reliability") or {}
    if reliability and reliability["error"] > MAX_CALIBRATION_ERROR:
        yield (
            f"Its probabilities are off by {figure(reliability['error'])} on average "
            "(expected calibration error)."
        )
    checks = evaluation.get("checks") or {}
    for name, find in _FAILURES.items():
        if checks.get(name):
            yield from find(checks[name])


def _same_heads(rows: Any) -> Iterator[str]:
    for row in rows:
        low = row["auc"] is not None and row["auc"] < MIN_HEAD_AUC
        at_90 = row["specificity_at_90"]
        unspecific = at_90 is not None and at_90 < MIN_HEAD_SPECIFICITY
        if row["sequence"] != ALL and (low or unspecific):
            yield (
                f"Within the same heads it tells tumor badly on {row['sequence']} slices of "
                f"{row['source']}: AUC {figure(row['auc'])}, and to find 90 % of the tumor slices "
                f"it leaves only {figure(at_90)} of the others in peace."
            )


def _painted_over(found: Any) -> Iterator[str]:
    for row in found["rows"]:
        if row["changed"] < MIN_CHANGED:
            yield (
                f"It still sees a tumor that was painted over: on {row['dataset']} "
                f"{figure(row['changed'])} of the answers change."
            )
        if row["changed_elsewhere"] > MAX_CHANGED_ELSEWHERE:
            yield (
                f"It loses the tumor when something else is painted over: on {row['dataset']} "
                f"{figure(row['changed_elsewhere'])} of the answers change."
            )


def _surroundings(rows: Any) -> Iterator[str]:
    for row in rows:
        told = row["auc"] is not None and abs(row["auc"] - 0.5) > MAX_SURROUNDING_AUC - 0.5
        if told and "regression" not in row["shown"]:
            yield (
                f"Something gives the answer away without the brain ({row['shown']}, "
                f"{row['dataset']}): AUC {figure(row['auc'])}."
            )


def _healthy(found: Any) -> Iterator[str]:
    if found["right"] < MIN_HEALTHY:
        yield f"Of slices of healthy volumes it calls {figure(1 - found['right'])} tumor."


_FAILURES = {
    "same_heads": _same_heads,
    "painted_over": _painted_over,
    "surroundings": _surroundings,
    "healthy": _healthy,
}


_CONFIDENCE = {
    "calibration": "Calibration, on groups left out of its fitting",
    "conformal": "Sets of classes, on groups left out of their fitting",
    "gate": "The gate that refuses what is no brain MRI",
}
"""What a card may say of the answer's confidence, by the card's fields."""


def _confidence(card: Mapping[str, Any], beside: str) -> list[Table]:
    """What was measured of calibration, sets and gate; nothing where the card has none."""
    tables = []
    for name, title in _CONFIDENCE.items():
        found = card.get(name) or {}
        rows = tuple(_leaves(found.get("measured", {}) if name != "calibration" else found))
        if rows:
            tables.append(Table(title + beside, ("measured", "value"), rows))
    return tables


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Nested figures as (name, value)."""
    for name, value in values.items():
        path = f"{above} / {name}" if above else str(name).replace("_", " ")
        if isinstance(value, Mapping):
            yield from _leaves(value, path)
        else:
            yield path, figure(value) if isinstance(value, float) else str(value)


def _data_table(data: Mapping[str, Any]) -> Table:
    rows = tuple(
        (
            name,
            one.get("source", "not stated"),
            one.get("licence", "not stated"),
            *(_part(one.get(part)) for part in ("training", "validation")),
        )
        for name, one in data.items()
    )
    columns = ("data set", "source", "licence", "training", "validation")
    return Table("Data", columns, rows)


def _part(part: Mapping[str, Any] | None) -> str:
    return f"{part['pictures']} pictures, {part['groups']} groups" if part else "none"


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=False,  # Markdown
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
