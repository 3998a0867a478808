import csv
from pathlib import Path

import numpy as np
import pytest

from tumorlens.lab.volumes.measuring import score_case, summary, write_scores

REGIONS = ("WT", "TC", "ET")


def box(start: int, end: int, label: int) -> np.ndarray:
    labels = np.zeros((24, 20, 16), np.uint8)
    labels[start:end, 5:15, 4:12] = label
    return labels


def test_dice_and_distance_are_known_for_boxes() -> None:
    score = score_case("a", box(4, 14, 2), box(6, 16, 2), regions=REGIONS, spacing_mm=(3, 1, 1))
    assert score.dice["WT"] == pytest.approx(0.8)
    assert score.hd95_mm["WT"] == pytest.approx(6.0)  # two voxels of 3 mm
    assert (score.dice["ET"], score.hd95_mm["ET"]) == (1.0, 0.0)  # neither has any


def test_what_only_one_has_is_the_worst_there_is() -> None:
    score = score_case("a", box(4, 14, 4), box(4, 14, 1), regions=REGIONS, spacing_mm=(1, 1, 1))
    assert score.dice == {"WT": 1.0, "TC": 1.0, "ET": 0.0}
    assert score.hd95_mm["ET"] == pytest.approx(np.linalg.norm((24, 20, 16)))


def test_a_perfect_outline_scores_perfectly_and_is_summed_up(tmp_path: Path) -> None:
    truth = box(4, 14, 4)
    scores = [
        score_case(name, found, truth, regions=REGIONS, spacing_mm=(1, 1, 1))
        for name, found in (("a", truth), ("b", box(4, 12, 4)))
    ]
    assert scores[0].dice["ET"] == 1.0
    assert scores[0].hd95_mm["ET"] == 0.0
    found = summary(scores)
    assert found["cases"] == 2
    assert found["WT"]["dice"]["mean"] == pytest.approx((1 + 8 / 9) / 2, abs=1e-4)
    low, high = found["WT"]["dice"]["interval"]
    assert low <= found["WT"]["dice"]["mean"] <= high
    assert summary(scores[:1])["WT"]["dice"]["interval"] is None
    write_scores(tmp_path / "scores.csv", scores)
    rows = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert [row["case"] for row in rows] == ["a", "b"]
    assert rows[1]["dice_WT"] == "0.8889"
