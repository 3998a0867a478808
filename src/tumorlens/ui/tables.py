"""Answers and cards as rows of tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tumorlens.card import Card
from tumorlens.errors import ScanError
from tumorlens.measured_outline import Outline
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.reporting.wording import percent, printable, spoken
from tumorlens.ui.verdict import read_verdict

Row = dict[str, str]


def overview(
    outcomes: Sequence[tuple[str, Prediction | VolumePrediction | ScanError]],
) -> list[Row]:
    """One row an input: its name, its answer, or why there is none."""
    return [_overview_row(name, outcome) for name, outcome in outcomes]


def _overview_row(name: str, outcome: Prediction | VolumePrediction | ScanError) -> Row:
    if isinstance(outcome, ScanError):
        return _unanswered(name, "not read", printable(outcome.found))
    verdict = read_verdict(outcome)
    if verdict.refusal:
        return _unanswered(name, "refused", verdict.refusal)
    slices = f"{len(outcome.slices)} slices" if isinstance(outcome, VolumePrediction) else ""
    return {
        "scan": name,
        "answer": spoken(outcome.label),
        "probability": percent(outcome.probabilities[outcome.label]),
        "any tumor": percent(outcome.tumor_probability),
        "remark": slices,
    }


def _unanswered(name: str, answer: str, remark: str) -> Row:
    return {"scan": name, "answer": answer, "probability": "", "any tumor": "", "remark": remark}


def compare(first: Mapping[str, float], second: Mapping[str, float]) -> list[Row]:
    """Two models' probabilities side by side, and by how much the second differs."""
    names = list(dict.fromkeys([*first, *second]))
    return [
        {
            "class": spoken(name),
            "first": percent(first[name]) if name in first else "no such class",
            "second": percent(second[name]) if name in second else "no such class",
            "difference": _difference(first.get(name), second.get(name)),
        }
        for name in names
    ]


def _difference(first: float | None, second: float | None) -> str:
    return "" if first is None or second is None else f"{(second - first) * 100:+.1f} points"


def measures(outline: Outline) -> Row:
    """An outline's size and place in words; figures in mm only where the spacing is known."""
    facts = {"of the head": f"{outline.area_percent:.1f} %"}
    if outline.area_mm2 is not None and outline.diameter_mm is not None:
        facts["area"] = f"{outline.area_mm2 / 100:.1f} cm²"
        facts["diameter"] = f"{outline.diameter_mm:.0f} mm"
    else:
        facts["diameter"] = f"{outline.diameter_pixels:.0f} pixels"
    words = dict.fromkeys(word for word in (outline.height, outline.side) if word)
    return facts | {"in the picture": " ".join(words)}


def identity(card: Card) -> Row:
    """What a model is, in a few facts."""
    preparation = card.preparation
    return {
        "name": printable(f"{card.name} {card.version}"),
        "network": printable(card.network),
        "classes": ", ".join(map(spoken, card.classes)),
        "pictures": f"{preparation.size} x {preparation.size} pixels",
        "temperature": f"{card.temperature:.3f}",
        "created": printable(card.created) or "unknown",
        "licence": printable(card.licence) or "unknown",
    } | ({"split of the scores": printable(split)} if (split := card.scores.get("split")) else {})


def data_rows(card: Card) -> list[Row]:
    """One row a data set: source, licence, and pictures in each part."""
    rows = []
    for name, entry in card.data.items():
        row = {"data set": printable(name)}
        for key, value in entry.items() if isinstance(entry, Mapping) else ():
            row[key] = _counted(value) if isinstance(value, Mapping) else printable(str(value))
        rows.append(row)
    return rows


def _counted(part: Mapping[str, Any]) -> str:
    """A part of a data set: ``1132 pictures, 826 groups``."""
    return ", ".join(f"{part[key]} {key}" for key in ("pictures", "groups") if key in part)


def score_tables(card: Card) -> Iterator[tuple[str, list[Row]]]:
    """The card's scores as titled tables: one a level, whatever scores there are.

    Numbers side by side are one row; a group of like rows (classes, data sets) is one table.
    """
    yield from _tables(card.scores, "overall")


def _tables(scores: Mapping[str, Any], title: str) -> Iterator[tuple[str, list[Row]]]:
    if row := _numbers(scores):
        yield title, [row]
    for name, inner in scores.items():
        if not isinstance(inner, Mapping) or _is_number(inner):
            continue
        rows = {key: _numbers(one) for key, one in inner.items() if isinstance(one, Mapping)}
        if rows and all(rows.values()) and len(rows) == len(inner):
            yield _deeper(title, name), [{"": spoken(key)} | row for key, row in rows.items()]
        else:
            yield from _tables(inner, _deeper(title, name))


def _deeper(title: str, name: str) -> str:
    return spoken(name) if title == "overall" else f"{title}, {spoken(name)}"


def _numbers(scores: Mapping[str, Any]) -> Row:
    return {spoken(key): _figure(value) for key, value in scores.items() if _is_number(value)}


def _is_number(value: object) -> bool:
    """A score: a number, None where it cannot be told, or one with its interval."""
    if isinstance(value, Mapping):
        return "value" in value
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _figure(value: Any) -> str:
    if isinstance(value, Mapping):
        interval = value.get("interval") or ()
        ends = " to ".join(_figure(end) for end in interval)
        return f"{_figure(value['value'])} ({ends})" if ends else _figure(value["value"])
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
