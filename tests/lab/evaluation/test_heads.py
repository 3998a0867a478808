from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation.heads import ALL, HeadSlices, both_kinds, joined, score_heads


def slices(source: str, heads: int = 8, each: int = 10, sequence: str = "flair") -> HeadSlices:
    count = heads * each
    return HeadSlices(
        np.zeros((count, 4, 4), np.uint8),
        np.zeros((count, 4, 4), np.uint8),
        np.arange(count) % 2 == 0,
        (source,) * count,
        (sequence,) * count,
        tuple(f"{source}:{number // each}" for number in range(count)),
    )


def test_scores_counted_by_hand() -> None:
    tumor = np.array([0.9, 0.2, 0.8, 0.7, 0.6, 0.1, 0.3, 0.1, 0.9, 0.2] * 8, np.float32)
    rows = {row.sequence: row for row in score_heads(slices("a"), tumor)}
    row = rows["flair"]
    assert (row.heads, row.with_tumor, row.without_tumor) == (8, 40, 40)
    assert row.sensitivity == pytest.approx(4 / 5)
    assert row.specificity == pytest.approx(4 / 5)
    # 90 % of five kinds of tumor slices means all five: the threshold is 0.3
    assert row.specificity_at_90 == pytest.approx(4 / 5)
    assert row.auc == pytest.approx((5 * 5 - 2) / 25)  # 0.7 beats 0.6 and 0.3
    assert rows[ALL].auc == row.auc


def test_sources_not_trained_on_are_also_told_together() -> None:
    both = joined([slices("a"), slices("b"), slices("a", sequence="t2"), slices("seen")])
    tumor = np.where(both.has_tumor, 0.9, 0.1).astype(np.float32)
    rows = score_heads(both, tumor, seen=["seen"])
    named = {(row.source, row.sequence): row for row in rows}
    assert named["a + b", ALL].heads == 16
    assert ("a + b", "flair") in named
    assert ("a + b", "t2") not in named  # only one of the two has it
    assert not named["a + b", ALL].seen_in_training
    assert named["seen", ALL].seen_in_training
    assert named["seen", ALL].auc == 1.0


def test_few_heads_have_figures_but_no_interval() -> None:
    two = slices("a", heads=2)
    row = score_heads(two, np.where(two.has_tumor, 0.9, 0.1).astype(np.float32))[0]
    assert row.auc == 1.0
    assert set(row.intervals.values()) == {None}


def test_intervals_hold_the_figures() -> None:
    made = slices("a", heads=30)
    random = np.random.default_rng(0)
    tumor = (made.has_tumor * 0.2 + random.random(300) * 0.8).astype(np.float32)
    row = score_heads(made, tumor)[0]
    for name in ("sensitivity", "specificity", "auc", "specificity_at_90"):
        ends = row.intervals[name]
        assert ends is not None
        assert ends[0] <= getattr(row, name) <= ends[1]


def test_only_patients_with_slices_of_both_kinds_are_kept() -> None:
    one = Example(Path("x"), "set/x", "glioma", "set:1", "1", "set")
    examples = [
        one,
        replace(one, label="no_tumor"),
        replace(one, patient="2", group="set:2"),
        replace(one, patient=None, label="no_tumor"),
    ]
    assert both_kinds(examples) == [0, 1]
