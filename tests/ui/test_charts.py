from typing import Any

import pytest

from tumorlens.model import Model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.scan import Volume
from tumorlens.ui.charts import draw_bars, draw_curve, draw_history


def values(chart: Any) -> list[list[dict[str, Any]]]:
    """The data of each layer."""
    made = chart.to_dict()
    layers = made.get("layer", [made])
    return [layer.get("data", made.get("data"))["values"] for layer in layers]


def test_bars_are_the_probabilities_in_the_models_order() -> None:
    rows = values(draw_bars({"glioma": 0.25, "no_tumor": 0.75}))[0]
    assert [(row["class"], row["probability"], row["best"]) for row in rows] == [
        ("glioma", 0.25, False),
        ("no tumor", 0.75, True),
    ]
    assert rows[1]["text"] == "75.0 %"
    refused = values(draw_bars({"glioma": 0.25, "no_tumor": 0.75}, counts=False))[0]
    assert not any(row["best"] for row in refused)


def test_the_curve_shows_every_judged_slice_and_marks_the_suspicious(
    volume: Volume, model: Model
) -> None:
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    layers = values(draw_curve({"one": answer, "two": answer}, index=7))
    rows = layers[1]
    assert {"slice": 7} in layers[0]
    assert [row["slice"] for row in rows] == [one.index for one in answer.slices] * 2
    assert [row["tumor"] for row in rows if row["model"] == "two"] == [
        one.answer.tumor_probability for one in answer.slices
    ]
    marked = {row["slice"] for row in rows if row["suspicious"]}
    assert marked == set(answer.suspicious)


@pytest.mark.parametrize("count", [1, 2])
def test_a_lone_line_has_no_legend(volume: Volume, model: Model, count: int) -> None:
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    made = draw_curve({str(n): answer for n in range(count)}, index=3).to_dict()
    assert (made["layer"][1]["encoding"]["color"]["legend"] is None) == (count == 1)


def test_a_history_goes_on_without_what_is_missing() -> None:
    epochs = [{"epoch": 1.0, "a": 0.5, "b": 0.7}, {"epoch": 2.0, "a": 0.4}]
    (rows,) = values(draw_history(epochs, {"a": "first", "b": "second"}, quantity="loss"))
    assert [(row["curve"], row["epoch"], row["value"]) for row in rows] == [
        ("first", 1.0, 0.5),
        ("first", 2.0, 0.4),
        ("second", 1.0, 0.7),
    ]
