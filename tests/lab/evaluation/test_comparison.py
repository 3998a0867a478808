import numpy as np
import pytest
from scipy.stats import binomtest

from tumorlens.errors import DataError
from tumorlens.lab.evaluation.comparison import compare_models
from tumorlens.labels import CLASSES


def answers(called: np.ndarray) -> np.ndarray:
    rows = np.full((len(called), 4), 0.1, np.float32)
    rows[np.arange(len(called)), called] = 0.7
    return rows


TARGETS = np.tile(np.arange(4), 50)
GROUPS = [str(number // 4) for number in range(200)]


def test_a_better_model_is_found_better() -> None:
    worse = TARGETS.copy()
    worse[::5] = (worse[::5] + 1) % 4
    found = compare_models(answers(TARGETS), answers(worse), TARGETS, CLASSES, GROUPS)
    assert (found.only_ours, found.only_theirs) == (40, 0)
    assert found.mcnemar_p == pytest.approx(binomtest(0, 40).pvalue)
    accuracy = found.differences["accuracy"]
    assert accuracy.difference == pytest.approx(0.2)
    assert accuracy.interval is not None
    assert 0 < accuracy.interval[0] < 0.2 < accuracy.interval[1]
    assert accuracy.p is not None
    assert accuracy.p < 0.05
    assert found.differences["auc"].ours == 1.0


def test_a_model_is_no_better_than_itself() -> None:
    worse = TARGETS.copy()
    worse[::5] = 0
    found = compare_models(answers(worse), answers(worse), TARGETS, CLASSES, GROUPS)
    assert found.mcnemar_p == 1.0
    for one in found.differences.values():
        assert one.difference == 0.0
        assert one.p == 1.0


def test_one_patient_who_differs_is_not_a_difference() -> None:
    """Forty slices of one patient impress McNemar, not the bootstrap by patient."""
    worse = TARGETS.copy()
    worse[:40] = (worse[:40] + 1) % 4
    groups = ["one patient"] * 40 + [str(number) for number in range(160)]
    found = compare_models(answers(TARGETS), answers(worse), TARGETS, CLASSES, groups)
    assert found.mcnemar_p < 1e-6
    assert found.differences["accuracy"].p is not None
    assert found.differences["accuracy"].p > 0.1


def test_models_of_other_classes_are_refused() -> None:
    with pytest.raises(DataError, match="same classes"):
        compare_models(answers(TARGETS), answers(TARGETS)[:, :3], TARGETS, CLASSES, GROUPS)
