import numpy as np
import pytest

from tumorlens.lab.evaluation import score
from tumorlens.labels import CLASSES


def probabilities(answers: list[int], sure: float = 0.7) -> np.ndarray:
    rows = np.full((len(answers), 4), (1 - sure) / 3, np.float32)
    rows[np.arange(len(answers)), answers] = sure
    return rows


def test_figures_counted_by_hand() -> None:
    targets = np.array([0, 0, 0, 1, 2, 3, 3, 3])
    scores = score(
        probabilities([0, 0, 1, 1, 2, 3, 3, 0]), targets, CLASSES, groups=list("aabbccdd")
    )
    assert scores.count == 8
    assert scores.groups == 4
    assert scores.accuracy == 6 / 8
    glioma = scores.per_class["glioma"]
    assert glioma.precision == pytest.approx(2 / 3)
    assert glioma.recall == pytest.approx(2 / 3)
    assert glioma.f1 == pytest.approx(2 / 3)
    assert glioma.support == 3
    assert scores.confusion[0] == (2, 1, 0, 0)
    assert scores.binary is not None
    assert scores.binary.sensitivity == 1.0
    assert scores.binary.specificity == pytest.approx(2 / 3)
    assert scores.recall == pytest.approx((2 / 3 + 1 + 1 + 2 / 3) / 4)


def test_auc_is_of_ranks_not_of_calls() -> None:
    tumor = np.array([0.9, 0.6, 0.4, 0.1])
    rows = np.stack([tumor, 0 * tumor, 0 * tumor, 1 - tumor], axis=1).astype(np.float32)
    scores = score(rows, np.array([0, 0, 0, 3]), CLASSES)
    assert scores.binary is not None
    assert scores.binary.auc == 1.0
    assert scores.binary.sensitivity == pytest.approx(2 / 3)


def test_what_cannot_be_known_is_none() -> None:
    scores = score(probabilities([0, 0]), np.array([0, 0]), CLASSES)
    assert scores.per_class["meningioma"].recall is None
    assert scores.auc is None
    assert scores.binary is not None
    assert scores.binary.specificity is None
    assert scores.accuracy == scores.recall == 1.0
    tumors_only = score(probabilities([0, 1])[:, :3], np.array([0, 1]), CLASSES[:3])
    assert tumors_only.binary is None
