"""Numbers -> Altair charts, which take their colours from the app's theme, light or dark."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from tumorlens.prediction import VolumePrediction
from tumorlens.reporting.wording import percent, spoken

ACCENT = "#0f9d8a"
"""The app's own colour, readable on white and on black."""

_QUIET = "#8a94a3"
_LINES = [ACCENT, "#e08a1e", "#7b6cd9"]
_BAR = 34  # pixels a class
_CURVE = 200  # pixels high


def draw_bars(probabilities: Mapping[str, float], *, counts: bool = True) -> alt.LayerChart:
    """Horizontal bars from 0 to 100 %, one a class in the model's order.

    Args:
        probabilities: By class.
        counts: Whether the answer counts: then the largest bar is in colour.
    """
    best = max(probabilities, key=lambda name: probabilities[name])
    rows = [
        {
            "class": spoken(name),
            "probability": value,
            "text": percent(value),
            "best": counts and name == best,
        }
        for name, value in probabilities.items()
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("class:N", sort=None, title=None, axis=alt.Axis(labelLimit=160)),
        tooltip=[alt.Tooltip("class:N"), alt.Tooltip("text:N", title="probability")],
    )
    scale = alt.Scale(domain=[0, 1.35])  # room for the number behind a full bar
    bars = base.mark_bar(cornerRadiusEnd=3, height=18).encode(
        x=alt.X("probability:Q", scale=scale, axis=None),
        color=alt.condition("datum.best", alt.value(ACCENT), alt.value(_QUIET)),
    )
    texts = base.mark_text(align="left", dx=5, color=_QUIET, fontSize=13).encode(
        x=alt.X("probability:Q", scale=scale), text="text:N"
    )
    return alt.layer(bars, texts).properties(height=_BAR * len(rows))


def draw_curve(answers: Mapping[str, VolumePrediction], *, index: int) -> alt.LayerChart:
    """The tumor probability of every judged slice, one line an answer.

    Args:
        answers: By the name of the line; one or several about the same volume.
        index: The slice that is looked at, marked by a vertical line.
    """
    rows = [
        {
            "slice": one.index,
            "tumor": one.answer.tumor_probability,
            "model": name,
            "suspicious": one.index in answer.suspicious,
        }
        for name, answer in answers.items()
        for one in answer.slices
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("slice:Q", title="slice", axis=alt.Axis(format="d"), scale=alt.Scale(zero=False)),
        y=alt.Y(
            "tumor:Q",
            title="tumor probability",
            axis=alt.Axis(format="%"),
            scale=alt.Scale(domain=[0, 1]),
        ),
        color=_colours("model", list(answers)),
        tooltip=["model:N", "slice:Q", alt.Tooltip("tumor:Q", format=".1%")],
    )
    dots = base.mark_point(filled=True, size=70).transform_filter("datum.suspicious")
    here = alt.Chart(alt.Data(values=[{"slice": index}])).mark_rule(
        color=_QUIET, strokeDash=[4, 3], strokeWidth=2
    )
    return alt.layer(here.encode(x="slice:Q"), base.mark_line(), dots).properties(height=_CURVE)


def draw_history(
    epochs: Sequence[Mapping[str, float]], columns: Mapping[str, str], *, quantity: str
) -> alt.Chart:
    """Curves of a training run.

    Args:
        epochs: One row an epoch, with ``epoch`` and the columns.
        columns: The name of each curve, by the column it shows.
        quantity: What the vertical axis is called.
    """
    rows: list[dict[str, Any]] = [
        {"epoch": row["epoch"], "value": row[column], "curve": name}
        for column, name in columns.items()
        for row in epochs
        if column in row
    ]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(format="d", tickMinStep=1)),
            y=alt.Y("value:Q", title=quantity, scale=alt.Scale(zero=False)),
            color=_colours("curve", list(columns.values())),
            tooltip=["curve:N", "epoch:Q", alt.Tooltip("value:Q", format=".4f")],
        )
        .properties(height=300)
    )


def _colours(field: str, names: list[str]) -> alt.Color:
    """Few colours that are told apart without red-green vision; no legend for a lone line."""
    scale = alt.Scale(domain=names, range=_LINES[: len(names)])
    legend = alt.Legend(title=None, orient="top", labelLimit=300, columns=2)
    return alt.Color(f"{field}:N", scale=scale, legend=legend if len(names) > 1 else None)
