import numpy as np
import pytest

from tumorlens.lab.audit.alignment import align
from tumorlens.lab.audit.appearance import Appearance, describe
from tumorlens.lab.audit.twins import is_same

from .made_pictures import ALTERATIONS, draw


def looks(picture: object) -> Appearance:
    return describe(np.asarray(picture, np.float32))


@pytest.mark.parametrize("name", ALTERATIONS)
def test_altered_copies_agree(name: str) -> None:
    mirrored = name in {"mirrored", "upside_down", "all"}
    found = align(looks(draw(1)), looks(ALTERATIONS[name](draw(1))), mirrored=mirrored)
    assert found is not None
    assert is_same(found)
    assert found.mirrored == mirrored


def test_it_is_told_how_a_copy_was_turned_and_cut() -> None:
    turned = align(looks(draw(1)), looks(ALTERATIONS["turned"](draw(1))), mirrored=False)
    assert turned is not None
    assert abs(turned.turned) == pytest.approx(90, abs=2)
    cropped = draw(1).crop((0, 0, 100, 100))
    cut = align(looks(draw(1)), looks(cropped), mirrored=False)
    assert cut is not None
    assert cut.overlap > 0.9


def test_strangers_do_not_agree() -> None:
    for seed in range(2, 12):
        found = align(looks(draw(1)), looks(draw(seed)), mirrored=False)
        assert found is None or not is_same(found)


def test_pictures_without_points_cannot_be_laid() -> None:
    assert align(looks(np.zeros((64, 64))), looks(draw(1)), mirrored=False) is None
    assert align(looks(draw(1)), looks(np.zeros((64, 64))), mirrored=False) is None
