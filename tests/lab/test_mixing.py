"""Members' logits become one: the better one counts more, and nobody scores what he learnt."""

from math import inf, nan

import numpy as np
import pytest

from tumorlens.errors import ConfigError, DataError
from tumorlens.lab.mixing import fit_shares, mix_unseen, stack, vote
from tumorlens.scan import FloatArray


def test_stacking_of_two_classes() -> None:
    targets = np.arange(40) % 2
    logits = np.random.default_rng(0).normal(0, 1, (40, 2)).astype(np.float32)
    logits[np.arange(40), targets] += 2
    mixing = stack([logits, -logits], targets, classes=2)
    answers = mixing.mix([logits, -logits]).argmax(1)
    assert (answers == targets).mean() > 0.8


def test_stacking_wants_every_class() -> None:
    with pytest.raises(DataError, match="2 of them"):
        stack([np.zeros((4, 3), np.float32)], np.array([0, 1, 0, 1]), classes=3)


def test_the_better_member_gets_the_larger_share() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 60)
    good, bad = (rng.normal(0, 1, (60, 3)).astype(np.float32) for _ in range(2))
    good[np.arange(60), targets] += 3
    shares = fit_shares([bad, good], targets)
    assert sum(shares) == pytest.approx(1)
    assert shares[1] > 0.9


@pytest.mark.parametrize("shares", [(1, -1), (0, 0), (nan, 1), (inf, 1)])
def test_shares_that_make_no_sense_are_refused(shares: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="shares"):
        vote(shares, classes=4)


def noise(pictures: int, members: int) -> list[FloatArray]:
    rng = np.random.default_rng(1)
    return [rng.normal(0, 1, (pictures, 3)).astype(np.float32) for _ in range(members)]


def test_stacking_is_no_better_than_guessing_on_groups_it_did_not_learn_from() -> None:
    targets = np.arange(60) % 3
    logits = noise(60, 12)  # they know nothing, and there are many of them

    def fit(some: list[FloatArray], truth: np.ndarray) -> object:
        return stack(some, truth, classes=3)

    learnt = fit(logits, targets).mix(logits)
    unseen = mix_unseen(fit, logits, targets, [str(index) for index in range(60)])
    assert (learnt.argmax(1) == targets).mean() > 0.8
    assert (unseen.argmax(1) == targets).mean() < 0.5
    one_group = mix_unseen(fit, logits, targets, ["one"] * 60)
    np.testing.assert_array_equal(one_group, learnt)


def test_a_vote_that_was_given_is_the_same_on_all_pictures() -> None:
    logits = noise(30, 2)
    targets = np.arange(30) % 3
    mixing = vote([3, 1], classes=3)
    found = mix_unseen(lambda *_: mixing, logits, targets, [str(index) for index in range(30)])
    np.testing.assert_allclose(found, 0.75 * logits[0] + 0.25 * logits[1], atol=1e-6)
