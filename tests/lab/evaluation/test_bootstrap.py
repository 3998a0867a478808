import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tumorlens.lab.evaluation.bootstrap import (
    MIN_GROUPS,
    Resamples,
    auc_interval,
    interval,
    ratio_interval,
    resample_groups,
    resampled_auc,
)


def test_groups_are_drawn_whole_and_as_many_as_there_are() -> None:
    resamples = resample_groups(list("aabbbc"), resamples=50)
    assert resamples.weights.shape == (50, 3)
    assert (resamples.weights.sum(axis=1) == 3).all()
    assert resamples.per_group([1, 1, 1, 1, 1, 1]).tolist() == [2, 3, 1]
    assert resamples.totals(np.ones(6)).tolist() == (resamples.weights @ [2, 3, 1]).tolist()


def test_auc_of_each_resample_is_that_of_the_drawn_pictures() -> None:
    random = np.random.default_rng(0)
    truth = random.random(40) < 0.5
    scores = np.round(random.random(40) + 0.3 * truth, 1).astype(np.float32)  # with ties
    groups = [str(number // 4) for number in range(40)]
    resamples = resample_groups(groups, resamples=7)
    found = resampled_auc(resamples, truth, scores)
    for weights, area in zip(resamples.weights, found, strict=True):
        drawn = weights[resamples.numbers]
        assert area == pytest.approx(roc_auc_score(truth, scores, sample_weight=drawn))


def test_pictures_of_one_patient_make_intervals_wider() -> None:
    random = np.random.default_rng(1)
    right = np.repeat(random.random(20) < 0.7, 25)
    apart = ratio_interval(resample_groups([str(k) for k in range(500)]), right, np.ones(500))
    tied = ratio_interval(resample_groups([str(k // 25) for k in range(500)]), right, np.ones(500))
    assert apart is not None
    assert tied is not None
    assert tied[1] - tied[0] > 3 * (apart[1] - apart[0])


def test_the_interval_of_a_share_covers_it_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    covered = 0
    for seed in range(200):
        chances = np.repeat(random.beta(8, 2, 60), 5)
        right = random.random(300) < chances
        groups = resample_groups([str(k // 5) for k in range(300)], resamples=400, seed=seed)
        ends = ratio_interval(groups, right, np.ones(300))
        assert ends is not None
        covered += ends[0] <= 0.8 <= ends[1]
    assert 0.90 <= covered / 200 <= 0.99


def test_perfection_on_few_patients_proves_little() -> None:
    groups = resample_groups([str(k // 100) for k in range(1000)])
    ends = ratio_interval(groups, np.ones(1000), np.ones(1000))
    assert ends is not None
    assert ends == (pytest.approx(0.025 ** (1 / 10)), 1.0)
    none = ratio_interval(groups, np.zeros(1000), np.ones(1000))
    assert none == (0.0, pytest.approx(1 - 0.025 ** (1 / 10)))


def test_few_patients_have_no_interval() -> None:
    names = [str(k) for k in range(MIN_GROUPS - 1)]
    assert ratio_interval(resample_groups(names), np.ones(4), np.ones(4)) is None
    truth = np.array([True] * 20 + [False] * 2)
    groups = resample_groups([str(k) for k in range(22)])
    assert auc_interval(groups, truth, np.linspace(0, 1, 22, dtype=np.float32)) is None


def test_resamples_that_cannot_say_are_left_out() -> None:
    values = np.array([np.nan, 0.4, 0.5, 0.6])
    assert interval(values, 9) == (pytest.approx(0.405), pytest.approx(0.595))
    assert interval(np.array([np.nan, np.nan, 0.5]), 9) is None


def test_one_resample_of_everything_gives_the_score_itself() -> None:
    whole = Resamples(np.ones((1, 3)), np.array([0, 0, 1, 2]))
    area = resampled_auc(
        whole, np.array([True, False, True, False]), np.array([0.9, 0.1, 0.4, 0.6], np.float32)
    )
    assert area.tolist() == [0.75]
