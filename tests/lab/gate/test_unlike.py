import numpy as np
import pytest

from tests.made_heads import draw_head
from tumorlens.lab.gate.unlike import ALTERED, UNLIKE, computed_tomography, stripped

HEADS = np.stack([draw_head("no_tumor", seed=seed) for seed in range(4)])


@pytest.mark.parametrize("name", [*UNLIKE, *ALTERED])
def test_every_maker_makes_pictures_that_differ_and_can_be_repeated(name: str) -> None:
    make = (UNLIKE | ALTERED)[name]
    before = HEADS.copy()
    made = [make(HEADS, np.random.default_rng(seed)) for seed in (0, 0, *range(1, 9))]
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(HEADS, before)
    for picture in made:
        assert picture.ndim == 2
        assert picture.dtype == np.float32
        assert np.isfinite(picture).all()
        assert np.ptp(picture) > 30
    assert len({picture.tobytes() for picture in made}) == 9


def test_a_ct_has_a_white_ring_around_the_brain() -> None:
    picture = computed_tomography(HEADS, np.random.default_rng(0))
    middle = picture[28:36, 28:36].mean()
    assert (picture > 240).mean() > 0.03
    assert 20 < middle < 200
    assert (HEADS > 240).mean() < 0.01


def test_a_stripped_head_is_smaller_but_still_there() -> None:
    for seed in range(5):
        picture = stripped(HEADS, np.random.default_rng(seed))
        inside = (picture > 20).mean()
        assert 0.1 < inside < (HEADS > 20).mean()
