import numpy as np
import pytest

from tumorlens.preparation import percentile, percentiles


@pytest.mark.parametrize("percent", [0, 0.5, 33.3, 50, 99.5, 100])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (40, 31)])
def test_equals_numpys(percent: float, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).normal(0, 100, shape).astype(np.float32)
    assert percentile(pixels, percent) == pytest.approx(np.percentile(pixels, percent), rel=1e-4)


def test_several_at_once_are_the_same() -> None:
    pixels = np.random.default_rng(2).normal(0, 100, (13, 7)).astype(np.float32)
    percents = (0, 99.5, 0.5, 100)
    assert percentiles(pixels, *percents) == tuple(percentile(pixels, one) for one in percents)
