from dataclasses import replace

import numpy as np
import pytest

from tests.lab.slice_sequence.made import made_head
from tumorlens.errors import DataError
from tumorlens.lab.slice_sequence.choosing import choose, fit_line, left_out_answers, slice_range
from tumorlens.lab.slice_sequence.heads import LEAST
from tumorlens.lab.slice_sequence.measuring import measure_sequence
from tumorlens.lab.slice_sequence.stretches import draw_stretch
from tumorlens.lab.slice_sequence.training import (
    Answers,
    SequenceSettings,
    Trained,
    train_sequence,
    validation_loss,
)
from tumorlens.slice_sequence import log_odds

SETTINGS = SequenceSettings(epochs=6, learning_rate=0.01, batch=4, noise=0.3)
HELD = [made_head(seed) for seed in range(100, 112)]


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train_sequence([made_head(seed) for seed in range(16)], HELD, SETTINGS)


def test_it_learns_what_the_classifier_does_not_say(trained: Trained) -> None:
    losses = [validation_loss(one, HELD).mean() for one in trained.answers]
    assert len(losses) == SETTINGS.epochs + 1
    assert min(losses) < 0.7 * losses[0]
    chosen = choose(trained.answers, HELD, np.arange(len(HELD)))
    assert chosen.epoch == int(np.argmin(losses)) > 0


def test_it_is_measured_against_the_classifier_by_patient(trained: Trained) -> None:
    left_out = left_out_answers(trained.answers, HELD)
    assert left_out is not None
    measured = measure_sequence(HELD, left_out, seen=["lgg"])
    assert measured["patients"] == 6
    slices = measured["slices"]
    ours, theirs, alone = (
        slices[way][0]["auc"] for way in ("sequence", "with_neighbours", "slice_by_slice")
    )
    assert ours > theirs + 0.05
    assert theirs > alone + 0.05  # its neighbours make noise smaller
    assert slices["sequence"][0]["with_tumor"] == 12 * 6
    difference = slices["difference"]["all"]["differences"]["auc"]
    assert difference["interval"][0] > 0
    assert measured["heads"]["sequence"][0]["without_tumor"] == 12
    assert 0.5 <= measured["heads"]["sequence"][0]["auc"] <= 1


def test_a_patient_chooses_nothing_of_what_it_is_scored_by(trained: Trained) -> None:
    flipped = [
        replace(head, has_tumor=~head.has_tumor) if head.group == HELD[0].group else head
        for head in HELD
    ]
    first, second = (left_out_answers(trained.answers, heads) for heads in (HELD, flipped))
    assert first is not None
    assert second is not None
    for index, head in enumerate(HELD):
        where = slice_range(HELD, index)
        same = np.allclose(first.slices[where], second.slices[where])
        assert same or head.group != HELD[0].group
    assert not np.allclose(first.slices, second.slices)


def test_one_patient_cannot_be_left_out(trained: Trained) -> None:
    answers = [Answers(np.zeros(48), np.zeros(2), np.zeros(2))]
    assert left_out_answers(answers, HELD[:2]) is None


def test_the_same_seed_gives_the_same_network() -> None:
    heads = [made_head(seed) for seed in range(4)]
    settings = replace(SETTINGS, epochs=1)
    first, second = (train_sequence(heads, heads[:1], settings) for _ in range(2))
    np.testing.assert_array_equal(first.answers[-1].slices, second.answers[-1].slices)


def test_training_stops_where_nothing_gets_better() -> None:
    heads = [made_head(seed) for seed in range(4)]
    settings = SequenceSettings(epochs=30, patience=2, learning_rate=0.0)
    steps: list[int] = []
    done = train_sequence(heads, heads, settings, progress=lambda at, _: steps.append(at))
    assert len(done.answers) == 3  # untrained, and two epochs in vain
    assert steps[-1] == 30


@pytest.mark.parametrize("sides", [([], HELD), (HELD, [])])
def test_sides_without_heads_are_refused(sides: tuple[list, list]) -> None:
    with pytest.raises(DataError, match="whole heads"):
        train_sequence(*sides, SETTINGS)


def test_stretches_are_neighbours_and_a_third_has_no_tumor() -> None:
    head = made_head(3)
    random = np.random.default_rng(0)
    drawn = [draw_stretch(head, random, noise=0) for _ in range(300)]
    odds = [log_odds(view) for view in head.tumor]
    free = 0
    for one in drawn:
        assert LEAST <= len(one.has_tumor) <= 24
        view = next(v for v in range(2) if np.isin(one.log_odds, odds[v]).all())
        places = [int(np.flatnonzero(odds[view] == value)[0]) for value in one.log_odds]
        assert places in (sorted(places), sorted(places, reverse=True))
        np.testing.assert_array_equal(one.has_tumor, head.has_tumor[places])
        np.testing.assert_array_equal(one.embeddings, head.embeddings[view][places])
        free += not one.has_tumor.any()
    assert 80 < free < 170


def test_fine_slices_are_drawn_at_the_spacing_of_the_others() -> None:
    head = made_head(3)
    fine = replace(
        head,
        has_tumor=np.repeat(head.has_tumor, 5),
        embeddings=np.repeat(head.embeddings, 5, axis=1),
        tumor=np.repeat(head.tumor, 5, axis=1),
    )
    random = np.random.default_rng(0)
    assert max(len(draw_stretch(fine, random, noise=1).has_tumor) for _ in range(50)) == 24


def test_a_line_makes_log_odds_right() -> None:
    random = np.random.default_rng(0)
    odds = random.normal(0, 3, 4000)
    truth = random.random(4000) < 1 / (1 + np.exp(-(0.5 * odds + 1)))
    slope, offset = fit_line(odds, truth)
    assert slope == pytest.approx(0.5, abs=0.08)
    assert offset == pytest.approx(1, abs=0.15)
    assert fit_line(odds, np.ones(4000, bool)) == (1.0, 0.0)
