import numpy as np
import pytest

from tests.made_heads import draw_head
from tumorlens.errors import DataError
from tumorlens.lab.evaluation.surroundings import (
    SHOWN,
    regress_silhouettes,
    score_surroundings,
)
from tumorlens.labels import CLASSES


def ellipses(height: float, count: int) -> np.ndarray:
    rows, columns = np.mgrid[:64, :64] / 64 - 0.5
    shifts = np.random.default_rng(0).uniform(-0.03, 0.03, count)
    inside = [((rows - s) / height) ** 2 + (columns / 0.3) ** 2 < 1 for s in shifts]
    return (np.stack(inside) * 150).astype(np.uint8)


@pytest.mark.parametrize("shown", SHOWN)
def test_nothing_of_the_brain_is_left(shown: str) -> None:
    first, second = (draw_head("glioma", seed=1), draw_head("glioma", seed=1))
    second[26:38, 26:38] = 255 - second[26:38, 26:38]
    assert (SHOWN[shown](first) == SHOWN[shown](second)).all()


def test_the_regression_finds_what_outlines_give_away() -> None:
    tall, wide = ellipses(0.45, 20), ellipses(0.3, 20)
    pictures = np.concatenate([tall, wide])
    labels = ["glioma"] * 20 + ["no_tumor"] * 20
    answers = regress_silhouettes(pictures, labels, pictures, CLASSES)
    assert answers.shape == (40, 4)
    assert (answers.argmax(axis=1) == [0] * 20 + [3] * 20).all()
    assert not answers[:, 1:3].any()


def test_one_class_cannot_be_learnt() -> None:
    with pytest.raises(DataError, match="only glioma"):
        regress_silhouettes(ellipses(0.4, 3), ["glioma"] * 3, ellipses(0.4, 3), CLASSES)


def test_scores_counted_by_hand() -> None:
    answers = np.array([[0.9, 0, 0, 0.1], [0.8, 0, 0, 0.2], [0.7, 0, 0, 0.3], [0.1, 0, 0, 0.9]])
    rows = score_surroundings(
        "outside",
        answers.astype(np.float32),
        np.array([0, 3, 3, 3]),
        CLASSES,
        datasets=["a", "a", "b", "b"],
        groups=list("wxyz"),
    )
    named = {row.dataset: row for row in rows}
    assert named["all"].accuracy == 0.5
    assert named["all"].chance == 0.75
    assert named["all"].auc == 1.0
    assert named["b"].auc is None
    assert named["all"].intervals == {"accuracy": None, "auc": None}
