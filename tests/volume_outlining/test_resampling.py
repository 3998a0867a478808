import numpy as np
import pytest

from tumorlens.volume_outlining.resampling import new_length, resample


def test_it_keeps_a_ramp_and_a_mean() -> None:
    ramp = np.arange(12, dtype=np.float32)[:, None, None] * np.ones((1, 4, 5), np.float32)
    finer = resample(ramp, (24, 4, 5))
    np.testing.assert_allclose(finer[4:-4, 0, 0], np.arange(4, 20) / 2 - 0.25, atol=1e-5)
    coarser = resample(ramp[None], (4, 2, 5))
    assert coarser.shape == (1, 4, 2, 5)
    assert coarser.mean() == pytest.approx(ramp.mean(), abs=1e-4)


def test_coarser_grids_do_not_alias() -> None:
    stripes = np.tile(np.array([0, 1], np.float32), 16)[:, None, None] * np.ones((1, 2, 2))
    found = resample(stripes.astype(np.float32), (8, 2, 2))
    np.testing.assert_allclose(found[1:-1], 0.5, atol=1e-5)


@pytest.mark.parametrize(
    ("length", "own", "wanted", "expected"),
    [(155, 1.0, 2.0, 78), (24, 6.0, 1.0, 144), (1, 1, 9, 1)],
)
def test_the_extent_stays(length: int, own: float, wanted: float, expected: int) -> None:
    assert new_length(length, own, wanted) == expected
