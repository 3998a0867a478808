import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tumorlens.lab.volumes.measuring import CaseScore, score_case, summary, write_scores

REGIONS = ("WT", "TC", "ET")


def box(start: int, end: int, label: int) -> np.ndarray:
    labels = np.zeros((24, 20, 16), np.uint8)
    labels[start:end, 5:15, 4:12] = label
    return labels


def test_dice_and_distance_are_known_for_boxes() -> None:
    score = score_case(
        "a", box(4, 14, 2), box(6, 16, 2), regions=REGIONS, spacing_mm=(3, 1, 1), patient="a"
    )
    assert score.dice["WT"] == pytest.approx(0.8)
    assert score.hd95_mm["WT"] == pytest.approx(6.0)  # two voxels of 3 mm
    assert (score.dice["ET"], score.hd95_mm["ET"]) == (1.0, 0.0)  # neither has any


def test_what_only_one_has_is_the_worst_there_is() -> None:
    score = score_case(
        "a", box(4, 14, 4), box(4, 14, 1), regions=REGIONS, spacing_mm=(1, 1, 1), patient="a"
    )
    assert score.dice == {"WT": 1.0, "TC": 1.0, "ET": 0.0}
    assert score.hd95_mm["ET"] == pytest.approx(np.linalg.norm((24, 20, 16)))


def test_a_perfect_outline_scores_perfectly_and_is_summed_up(tmp_path: Path) -> None:
    truth = box(4, 14, 4)
    scores = [
        score_case(name, found, truth, regions=REGIONS, spacing_mm=(1, 1, 1), patient=name * 2)
        for name, found in (("a", truth), ("b", box(4, 12, 4)))
    ]
    assert scores[0].dice["ET"] == 1.0
    assert scores[0].hd95_mm["ET"] == 0.0
    found = summary(scores)
    assert found["cases"] == 2
    assert found["WT"]["dice"]["mean"] == pytest.approx((1 + 8 / 9) / 2, abs=1e-4)
    write_scores(tmp_path / "scores.csv", scores)
    rows = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert [(row["case"], row["patient"]) for row in rows] == [("a", "aa"), ("b", "bb")]
    assert rows[1]["dice_WT"] == "0.8889"


def test_distances_between_voxels_of_unknown_size_are_unknown(tmp_path: Path) -> None:
    truth, found = box(4, 14, 4), box(4, 12, 4)
    sizes = [(1, 1, 1)] * 6 + [None]
    scores = [
        score_case(str(at), found, truth, regions=REGIONS, spacing_mm=size, patient=str(at))
        for at, size in enumerate(sizes)
    ]
    assert scores[-1].hd95_mm == dict.fromkeys(REGIONS)
    assert scores[-1].dice == scores[0].dice
    both = summary(scores)["WT"]
    alone = summary(scores[:-1])["WT"]
    assert both["hd95_mm"] == alone["hd95_mm"] | {"cases": 6}
    assert both["hd95_mm"]["interval"] is not None
    unknown = summary(scores[-1:])["WT"]["hd95_mm"]
    assert unknown == {"mean": None, "median": None, "interval": None, "cases": 0}
    write_scores(tmp_path / "scores.csv", scores)
    rows = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert (rows[0]["hd95_mm_WT"] != "", rows[-1]["hd95_mm_WT"]) == (True, "")


def scored(dice: Sequence[float], patients: Sequence[str]) -> list[CaseScore]:
    return [
        CaseScore(f"{patient}-{number}", patient, {"WT": value}, {"WT": 20 * (1 - value)})
        for number, (value, patient) in enumerate(zip(dice, patients, strict=True))
    ]


def test_intervals_are_by_patient_and_need_five_of_them() -> None:
    values = [0.9, 0.8, 0.7, 0.6]
    for what in ("dice", "hd95_mm"):
        assert summary(scored(values, "abcd"))["WT"][what]["interval"] is None
        assert summary(scored(values * 2, "abcdabcd"))["WT"][what]["interval"] is None
        assert summary(scored([*values, 0.5], "abcde"))["WT"][what]["interval"] is not None


def test_a_patient_at_several_times_is_no_more_evidence_than_at_one() -> None:
    values = list(np.linspace(0.4, 0.9, 12))
    once = summary(scored(values, "abcdefghijkl"))
    times = summary(scored(values * 5, "abcdefghijkl" * 5))
    assert times["cases"] == 60
    for what in ("dice", "hd95_mm"):
        assert times["WT"][what]["interval"] == once["WT"][what]["interval"]
    low, high = once["WT"]["dice"]["interval"]
    normal = 1.96 * np.std(values) / np.sqrt(12)  # what theory says of a mean
    np.testing.assert_allclose(
        [low, high], [np.mean(values) - normal, np.mean(values) + normal], atol=0.02
    )
    sixty = summary(scored(values * 5, [str(number) for number in range(60)]))
    narrow = np.ptp(sixty["WT"]["dice"]["interval"])
    assert narrow == pytest.approx((high - low) / np.sqrt(5), rel=0.15)


def test_patients_with_more_heads_weigh_more_as_they_do_in_the_mean() -> None:
    found = summary(scored([1.0] * 20 + [0.5] * 5, ["a"] * 20 + list("bcdef")))["WT"]["dice"]
    assert found["mean"] == 0.9
    low, high = found["interval"]
    assert low == 0.5  # a third of the draws are without the patient of twenty heads
    assert high < 1


def test_perfect_heads_of_few_patients_are_no_proof() -> None:
    found = summary(scored([1.0] * 6, "abcdef"))["WT"]
    assert found["dice"]["interval"] == [pytest.approx(0.025 ** (1 / 6), abs=1e-4), 1.0]
    assert found["hd95_mm"]["interval"] == [0.0, 0.0]
