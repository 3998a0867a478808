import numpy as np
import pytest

from tumorlens.lab.evaluation.outlines import draw_outlines, score_false_outlines, score_outlines
from tumorlens.model import Model

SIDE = 16


def square(top: int, left: int, side: int) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_dice_is_mean_and_pooled_and_misses_are_counted() -> None:
    drawn = np.stack([square(0, 0, 4), square(0, 0, 8), square(4, 4, 4)])
    found = np.stack([square(0, 0, 4), square(0, 4, 8), np.zeros((SIDE, SIDE), bool)])
    rows = score_outlines(
        found,
        drawn.astype(np.uint8) * 255,
        labels=["glioma", "glioma", "pituitary"],
        datasets=["a", "a", "a"],
        groups=["1", "2", "3"],
    )
    by_name = {(row.dataset, row.label): row for row in rows}
    assert set(by_name) == {(d, k) for d in ("a", "all") for k in ("glioma", "pituitary", "all")}
    assert by_name["a", "glioma"].dice == pytest.approx((1 + 0.5) / 2)
    assert by_name["a", "glioma"].pooled_dice == pytest.approx((32 + 64) / (32 + 128))
    assert by_name["all", "all"].dice == pytest.approx(0.5)
    assert by_name["all", "all"].missed == pytest.approx(1 / 3)
    assert by_name["a", "pituitary"].dice == 0


def test_intervals_hold_the_mean() -> None:
    random = np.random.default_rng(0)
    drawn = np.stack([square(2, 2, 8)] * 40)
    found = np.stack([square(2, int(shift), 8) for shift in random.integers(0, 6, 40)])
    groups = [str(index // 2) for index in range(40)]
    row = score_outlines(
        found, drawn.astype(np.uint8) * 255, labels=["x"] * 40, datasets=["a"] * 40, groups=groups
    )[-1]
    assert row.dice_interval is not None
    low, high = row.dice_interval
    assert low < row.dice < high


def test_false_outlines_are_a_share_of_each_data_set() -> None:
    found = np.stack([square(0, 0, 2), *[np.zeros((SIDE, SIDE), bool)] * 3])
    rows = score_false_outlines(found, datasets=["a", "a", "b", "b"], groups=list("1234"))
    assert {row.dataset: row.false for row in rows} == {"a": 0.5, "b": 0.0, "all": 0.25}


def test_the_graphs_outline_is_drawn_where_the_answer_is_tumor(outlining: Model) -> None:
    size = outlining.card.preparation.size
    pixels = np.full((3, size, size), 60, np.uint8)
    pixels[:, 16:32, 16:32] = 255
    told: list[tuple[int, int]] = []
    found = draw_outlines(
        outlining,
        pixels,
        np.array([0.9, 0.2, 0.6], np.float32),
        progress=lambda done, total: told.append((done, total)),
    )
    assert found.any(axis=(1, 2)).tolist() == [True, False, True]
    np.testing.assert_array_equal(found[0], pixels[0] == 255)
    assert told[-1] == (3, 3)
