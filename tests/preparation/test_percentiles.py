import numpy as np
import pytest

from tumorlens.preparation import percentile, percentiles, scale_between


@pytest.mark.parametrize("percent", [0, 0.5, 33.3, 50, 99.5, 100])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (40, 31)])
def test_equals_numpys(percent: float, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).normal(0, 100, shape).astype(np.float32)
    assert percentile(pixels, percent) == pytest.approx(np.percentile(pixels, percent), rel=1e-4)


def test_several_at_once_are_the_same() -> None:
    pixels = np.random.default_rng(2).normal(0, 100, (13, 7)).astype(np.float32)
    percents = (0, 99.5, 0.5, 100)
    assert percentiles(pixels, *percents) == tuple(percentile(pixels, one) for one in percents)


def test_scaled_between_two_values_and_cut_off_beyond() -> None:
    pixels = np.array([[-40.0, 10.0, 15.0], [20.0, 30.0, 1e9]], np.float32)
    expected = [[0.0, 0.0, 0.25], [0.5, 1.0, 1.0]]
    np.testing.assert_array_equal(scale_between(pixels, 10, 30), np.array(expected, np.float32))


@pytest.mark.parametrize("size", [3e38, 1e-44])
def test_scaled_where_float32_ends(size: float) -> None:
    pixels = (np.linspace(-1, 1, 9) * size).astype(np.float32)
    scaled = scale_between(pixels, float(pixels[0]), float(pixels[-1]))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, np.linspace(0, 1, 9), atol=0.1)


def test_what_lies_far_outside_is_cut_off() -> None:
    pixels = np.array([-3e38, 2e38, 2.5e38, 3e38], np.float32)
    np.testing.assert_allclose(scale_between(pixels, 2e38, 3e38), [0, 0, 0.5, 1], atol=1e-6)
