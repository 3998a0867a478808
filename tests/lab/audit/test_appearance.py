import numpy as np
import pytest

from tumorlens.lab.audit.appearance import POINTS, SIDE, describe, mirror, root

from .made_pictures import draw


def pixels(seed: int = 0) -> np.ndarray:
    return np.asarray(draw(seed), np.float32)


def test_the_head_is_kept_and_marked() -> None:
    found = describe(pixels())
    assert max(found.thumbnail.shape) == SIDE
    assert min(found.thumbnail.shape) > SIDE // 2
    assert 20 < len(found.points) <= POINTS
    assert found.descriptors.shape == (len(found.points), 128)
    assert (found.points >= 0).all()
    assert (found.points <= np.array(found.thumbnail.shape)[::-1]).all()


def test_borders_and_brightness_change_little() -> None:
    padded = np.pad(pixels() * 0.5 + 3, ((40, 5), (0, 60)), constant_values=3)
    one, other = describe(pixels()), describe(padded)
    assert one.thumbnail.shape == pytest.approx(other.thumbnail.shape, abs=3)


def test_mirrored_descriptors_are_those_of_the_mirrored_picture() -> None:
    one, other = describe(pixels()), describe(pixels()[:, ::-1])
    alike = root(other.descriptors) @ root(mirror(one.descriptors)).T
    assert np.median(alike.max(axis=1)) > 0.98
    unmirrored = root(other.descriptors) @ root(one.descriptors).T
    assert np.median(unmirrored.max(axis=1)) < 0.95
    np.testing.assert_array_equal(mirror(mirror(one.descriptors)), one.descriptors)


@pytest.mark.parametrize("shape", [(64, 64), (3, 200), (1, 1)])
def test_a_picture_without_anything_has_no_points(shape: tuple[int, int]) -> None:
    found = describe(np.full(shape, 7, np.float32))
    assert found.points.shape == (0, 2)
    assert found.descriptors.shape == (0, 128)
    assert root(found.descriptors).shape == (0, 128)
