import numpy as np
import pytest

from tumorlens.lab.evaluation import score
from tumorlens.labels import CLASSES


def made(pictures: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Answers that are right about four times in five, of patients with four slices each."""
    random = np.random.default_rng(seed)
    targets = np.repeat(random.integers(4, size=pictures // 4), 4)
    logits = random.normal(0, 1, (pictures, 4))
    logits[np.arange(pictures), targets] += 2
    powers = np.exp(logits)
    rows = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return rows, targets, [f"patient {number // 4}" for number in range(pictures)]


def test_every_figure_has_an_interval_that_holds_it() -> None:
    rows, targets, groups = made()
    scores = score(rows, targets, CLASSES, groups=groups).to_json()
    ends = scores["intervals"]
    for name in ("accuracy", "precision", "recall", "f1", "auc"):
        assert ends[name][0] < scores[name] < ends[name][1]
        assert ends[name][1] - ends[name][0] < 0.2
    for label, one in scores["per_class"].items():
        for name in ("precision", "recall", "f1", "auc"):
            assert ends["per_class"][label][name][0] < one[name] < ends["per_class"][label][name][1]
    for name in ("sensitivity", "specificity", "auc"):
        assert ends["binary"][name][0] < scores["binary"][name] < ends["binary"][name][1]


def test_the_same_answers_give_the_same_intervals() -> None:
    rows, targets, groups = made()
    first, again = (score(rows, targets, CLASSES, groups=groups).intervals for _ in range(2))
    assert first == again


def test_what_is_absent_has_no_interval() -> None:
    rows, targets, groups = made()
    only = targets == 3
    kept = [group for group, chosen in zip(groups, only, strict=True) if chosen]
    ends = score(rows[only], targets[only], CLASSES, groups=kept).intervals
    assert ends["per_class"]["glioma"]["recall"] is None
    assert ends["binary"]["sensitivity"] is None
    assert ends["auc"] is None
    assert ends["binary"]["specificity"] is not None
    assert score(rows, targets, CLASSES).intervals == {}


def test_a_thousand_resamples_of_many_pictures_are_quick() -> None:
    import time

    rows, targets, groups = made(8000)
    start = time.process_time()
    score(rows, targets, CLASSES, groups=groups)
    assert time.process_time() - start < 20  # about 2 s alone on one core


@pytest.mark.parametrize("name", ["accuracy", "recall"])
def test_more_patients_make_it_narrower(name: str) -> None:
    few, many = (
        score(*made(n)[:2], CLASSES, groups=made(n)[2]).intervals[name] for n in (80, 2000)
    )
    assert few[1] - few[0] > 2 * (many[1] - many[0])
