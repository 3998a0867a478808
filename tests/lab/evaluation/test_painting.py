import numpy as np
import pytest

from tests.made_heads import draw_head
from tumorlens.lab.evaluation import painting
from tumorlens.lab.evaluation.anatomy import head_of
from tumorlens.preparation import Preparation


@pytest.fixture
def head() -> np.ndarray:
    return draw_head("no_tumor", seed=3, size=96)


def disc(row: int, column: int, radius: int, size: int = 96) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    return (rows - row) ** 2 + (columns - column) ** 2 < radius**2


def test_the_head_is_found_without_its_holes() -> None:
    picture = np.where(disc(48, 48, 40), 120, 0).astype(np.uint8)
    picture[disc(48, 48, 10)] = 0
    found = head_of(picture)
    assert (found & disc(48, 48, 38)).sum() == disc(48, 48, 38).sum()
    assert not (found & ~disc(48, 48, 43)).any()
    assert not head_of(np.zeros((96, 96), np.uint8)).any()


def test_a_bright_spot_painted_over_is_gone(head: np.ndarray) -> None:
    spot = disc(40, 40, 8)
    bright = np.where(spot, 250, head).astype(np.uint8)
    painted = painting.paint_over(bright, disc(40, 40, 10))
    assert painted[spot].max() < 180
    assert (painted[~disc(40, 40, 10)] == bright[~disc(40, 40, 10)]).all()


def test_painting_elsewhere_is_as_large_and_clear_of_the_tumor(head: np.ndarray) -> None:
    hole = disc(40, 36, 7)
    placed = painting.place_elsewhere(hole, head_of(head))
    assert placed is not None
    assert placed.sum() == hole.sum()
    assert not (placed & hole).any()
    assert (head_of(head) | ~placed).all()
    assert np.nonzero(placed)[1].mean() > 48  # on the other side


def test_there_may_be_no_room(head: np.ndarray) -> None:
    assert painting.place_elsewhere(disc(48, 48, 30), head_of(head)) is None
    assert painting.place_elsewhere(np.zeros((96, 96), bool), head_of(head)) is None


def test_pictures_without_room_are_left_out(head: np.ndarray) -> None:
    masks = np.stack([disc(48, 48, 30), disc(40, 36, 7)]).astype(np.uint8) * 255
    painted = painting.paint_pictures(np.stack([head, head]), masks, Preparation(size=96))
    assert painted.kept == (1,)
    assert painted.before.shape == painted.over.shape == painted.elsewhere.shape == (1, 96, 96)
    assert (painted.over != painted.elsewhere).any()


def test_other_pictures_shapes_are_painted_inside_the_head(head: np.ndarray) -> None:
    shapes = np.stack([disc(5, 5, 6), disc(48, 48, 60)]).astype(np.uint8) * 255
    pictures = np.stack([head, head])
    painted = painting.paint_upon(pictures, shapes, Preparation(size=96))
    assert painted.kept == (0,)  # the second is larger than the head
    changed = np.flatnonzero((painted.over[0] != painted.before[0]).any(axis=1))
    assert len(changed)
    assert changed.min() > 8  # moved from the corner into the head


def test_scores_counted_by_hand() -> None:
    before = np.array([0.9, 0.8, 0.7, 0.2], np.float32)  # the last was not called tumor
    over = np.array([0.1, 0.6, 0.3, 0.1], np.float32)
    elsewhere = np.array([0.9, 0.8, 0.4, 0.2], np.float32)
    rows = painting.score_painting(list("aabb"), list("wxyz"), before, over, elsewhere)
    total = next(row for row in rows if row.dataset == painting.ALL)
    assert total.count == 3
    assert total.changed == pytest.approx(2 / 3)
    assert total.changed_elsewhere == pytest.approx(1 / 3)
    assert total.drop == pytest.approx((0.8 + 0.2 + 0.4) / 3)
    assert total.drop_elsewhere == pytest.approx(0.1)
    alarms = painting.score_false_alarms(list("abc"), 1 - before[:3], np.array([0.9, 0.1, 0.1]))
    assert alarms is not None
    assert (alarms.count, alarms.changed) == (3, pytest.approx(1 / 3))
    assert painting.score_false_alarms(["a"], before[:1], before[:1]) is None


def test_a_rise_of_the_answer_has_an_interval_below_nothing() -> None:
    before = np.full(8, 0.9, np.float32)
    over = np.zeros(8, np.float32)
    elsewhere = before + np.linspace(0.01, 0.05, 8, dtype=np.float32)
    row = painting.score_painting(["a"] * 8, list("abcdefgh"), before, over, elsewhere)[0]
    ends = row.intervals["drop_elsewhere"]
    assert ends is not None
    assert -0.05 < ends[0] < row.drop_elsewhere < ends[1] < -0.01
    assert row.intervals["drop"] == pytest.approx((0.9, 0.9))
    changed = row.intervals["changed_elsewhere"]  # a share keeps the binomial limit
    assert changed == (0.0, pytest.approx(1 - 0.025 ** (1 / 8)))
