import numpy as np
import pytest

from tumorlens.reading.places import farthest_mm, is_same_place

SHAPE = (101, 201, 51)


def test_the_farthest_corner_counts() -> None:
    one = np.diag([1.0, 1.0, 2.0, 1.0])
    assert farthest_mm(one, one, SHAPE) == 0
    other = one.copy()
    other[2, 2] = 2.001
    assert farthest_mm(one, other, SHAPE) == pytest.approx(0.05)
    other[0, 3] = 0.12
    assert farthest_mm(other, one, SHAPE) == pytest.approx(0.13)


@pytest.mark.parametrize(("stretch", "same"), [(4e-4, True), (6e-4, False)])
def test_a_tenth_of_a_mm_is_the_same_place(stretch: float, same: bool) -> None:
    one, other = np.eye(4), np.eye(4)
    other[1, 1] += stretch
    assert is_same_place(one, other, SHAPE) is same
