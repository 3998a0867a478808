import numpy as np
import pytest

from tumorlens.preparation import Preparation, prepare
from tumorlens.scan import Scan

RNG = np.random.default_rng(0)


def scan(rows: int, columns: int, spacing: tuple[float, float] | None = None) -> Scan:
    pixels = RNG.uniform(100, 900, (rows, columns)).astype(np.float32)
    return Scan(pixels, "made", spacing)


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (30, 200), (224, 224), (700, 300)])
def test_any_shape_becomes_a_square_of_256_levels(shape: tuple[int, int]) -> None:
    image = prepare(scan(*shape))
    assert image.pixels.shape == (224, 224)
    assert image.pixels.dtype == np.float32
    assert 0 <= image.pixels.min() <= image.pixels.max() <= 1
    levels = image.pixels * 255
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-4)


def test_the_aspect_is_kept_and_the_rest_is_black() -> None:
    image = prepare(scan(100, 50), Preparation(size=64))
    inset = image.placement.inset
    assert (inset.bottom - inset.top, inset.right - inset.left) == (64, 32)
    assert image.pixels[:, : inset.left].max() == 0
    assert image.pixels[:, inset.right :].max() == 0


def test_physical_aspect_counts_where_the_spacing_is_known() -> None:
    image = prepare(scan(50, 100, spacing=(2.0, 1.0)), Preparation(size=64))
    assert image.placement.inset == (0, 0, 64, 64)


def test_percentiles_become_black_and_white_whatever_the_units() -> None:
    made = scan(64, 64)
    shifted = Scan(made.pixels * 7 - 3000, "made")
    np.testing.assert_allclose(prepare(made).pixels, prepare(shifted).pixels, atol=1.01 / 255)
    assert prepare(made).pixels.max() > 0.95


def test_units_as_large_as_float32_has_them() -> None:
    made = scan(64, 64)
    between = (made.pixels - 500) / 400
    vast = Scan((between * 3.3e38).astype(np.float32), "made")
    np.testing.assert_allclose(prepare(made).pixels, prepare(vast).pixels, atol=1.01 / 255)


def test_a_flat_picture_is_black() -> None:
    assert prepare(Scan(np.full((20, 20), 7, np.float32), "made")).pixels.max() == 0


def test_a_map_comes_back_to_where_it_was_seen() -> None:
    pixels = np.zeros((120, 200), np.float32)
    pixels[30:90, 60:160] = 50
    pixels[40:50, 140:150] = 100  # a bright spot near the head's upper right corner
    image = prepare(Scan(pixels, "made"), Preparation(size=96))
    back = image.placement.to_scan(image.pixels)
    assert back.shape == (120, 200)
    brightest = np.unravel_index(back.argmax(), back.shape)
    assert 38 <= brightest[0] < 52
    assert 138 <= brightest[1] < 152
    assert back[:20].max() == 0
    assert back[:, :40].max() == 0


def test_settings_travel_as_json() -> None:
    settings = Preparation(size=99, percentiles=(1.0, 98.0))
    values = settings.to_json()
    assert Preparation(**{**values, "percentiles": tuple(values["percentiles"])}) == settings
