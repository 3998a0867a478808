from dataclasses import replace

import numpy as np

from tests.conftest import tiny_card
from tumorlens.errors import ScanFormatError
from tumorlens.measured_outline import measure
from tumorlens.model import Model
from tumorlens.prediction import Prediction, predict
from tumorlens.scan import Scan, Volume
from tumorlens.ui.tables import compare, data_rows, identity, measures, overview, score_tables


def test_the_overview_has_a_row_for_answers_and_for_refusals(
    scan: Scan, volume: Volume, model: Model
) -> None:
    answer = predict(scan, model=model)
    assert isinstance(answer, Prediction)
    error = ScanFormatError(expected="a scan", found="a text file", remedy="Give one.")
    strange = replace(answer, accepted=False, reason="it is a knee")
    rows = overview(
        [("a", answer), ("v", predict(volume, model=model)), ("t", error), ("k", strange)]
    )
    assert [row["scan"] for row in rows] == ["a", "v", "t", "k"]
    assert rows[0]["answer"] == answer.label.replace("_", " ")
    assert rows[0]["any tumor"] == f"{answer.tumor_probability * 100:.1f} %"
    assert rows[1]["remark"] == "10 slices"
    assert (rows[2]["answer"], rows[2]["remark"]) == ("not read", "a text file")
    assert (rows[3]["answer"], rows[3]["remark"]) == ("refused", "it is a knee")
    assert rows[3]["probability"] == rows[3]["any tumor"] == ""


def test_models_are_compared_class_by_class() -> None:
    rows = compare({"glioma": 0.25, "no_tumor": 0.75}, {"glioma": 0.5, "cyst": 0.5})
    assert rows[0]["difference"] == "+25.0 points"
    assert rows[1] == {
        "class": "no tumor",
        "first": "75.0 %",
        "second": "no such class",
        "difference": "",
    }
    assert rows[2]["first"] == "no such class"


def test_an_outline_is_measured_in_mm_where_the_spacing_is_known(scan: Scan) -> None:
    mask = np.zeros(scan.pixels.shape, bool)
    mask[20:40, 20:30] = True
    known = measures(measure(mask, Scan(scan.pixels, "", (1.0, 2.0))))
    unknown = measures(measure(mask, scan))
    assert known["area"] == "4.0 cm²"
    assert known["diameter"] == "28 mm"
    assert known["in the picture"] == "upper left"
    assert unknown["diameter"] == "22 pixels"
    assert "area" not in unknown


def test_a_card_is_told_in_facts() -> None:
    facts = identity(tiny_card(b"graph"))
    assert facts["name"] == "tiny 0.0.1"
    assert facts["classes"] == "glioma, meningioma, pituitary, no tumor"
    assert facts["created"] == "unknown"


def test_data_sets_are_rows() -> None:
    entry = {"source": "made", "training": {"pictures": 3, "groups": 2, "labels": {"glioma": 3}}}
    card = replace(tiny_card(b""), data={"one": entry})
    assert data_rows(card) == [
        {"data set": "one", "source": "made", "training": "3 pictures, 2 groups"}
    ]


def test_scores_of_any_depth_become_tables() -> None:
    scores = {
        "command": "tumorlens evaluate DATA",
        "accuracy": {"value": 0.5, "interval": [0.25, 0.75]},
        "all": {"count": 7, "auc": None, "per_class": {"glioma": {"f1": 0.5}}},
        "per_dataset": {"a": {"count": 1}, "b": {"count": 2}},
    }
    assert list(score_tables(replace(tiny_card(b""), scores=scores))) == [
        ("overall", [{"accuracy": "0.500 (0.250 to 0.750)"}]),
        ("all", [{"count": "7", "auc": "-"}]),
        ("all, per class", [{"": "glioma", "f1": "0.500"}]),
        ("per dataset", [{"": "a", "count": "1"}, {"": "b", "count": "2"}]),
    ]
