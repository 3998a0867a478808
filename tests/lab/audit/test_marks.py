import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tumorlens.lab.audit.marks import has_marks, share_of_colour

from .made_pictures import draw


def written(text: str, place: tuple[int, int]) -> np.ndarray:
    picture = draw(0, size=256)
    ImageDraw.Draw(picture).text(place, text, fill=255, font=ImageFont.load_default(14))
    return np.asarray(picture, np.float32)


@pytest.mark.parametrize("text", ["R", "W: 803 L: 437"])
def test_letters_beside_the_head_are_found(text: str) -> None:
    assert has_marks(written(text, (4, 4)))


def test_a_head_alone_has_no_marks() -> None:
    for seed in range(10):
        assert not has_marks(np.asarray(draw(seed), np.float32))
    assert not has_marks(np.zeros((50, 60), np.float32))


def test_noise_is_no_writing() -> None:
    noise = np.random.default_rng(0).normal(20, 8, (256, 256))
    assert not has_marks((np.asarray(draw(0, size=256)) + noise).astype(np.float32))


def test_colours_are_counted() -> None:
    grey = np.repeat(np.asarray(draw(0))[..., np.newaxis], 3, axis=2)
    assert share_of_colour(grey) == 0
    red = grey.copy()
    red[:16, :, 0] = 255
    assert share_of_colour(red) == pytest.approx(0.1)
    assert share_of_colour(np.asarray(Image.fromarray(red).convert("L").convert("RGB"))) == 0
