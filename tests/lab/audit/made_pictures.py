"""Made-up heads with enough detail to be told apart, and what copying does to them."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from scipy.ndimage import gaussian_filter

from tumorlens.lab.audit.entry import Entry
from tumorlens.lab.datasets import Example

SIZE = 160


def draw(seed: int, size: int = SIZE) -> Image.Image:
    """A gray ellipse with a texture of its own, on black."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:size, 0:size] / size - 0.5
    head = (rows / 0.42) ** 2 + (columns / 0.35) ** 2 < 1
    noise = [gaussian_filter(rng.normal(0, 1, (size, size)), sigma) * sigma for sigma in (2, 4, 8)]
    pixels = np.where(head, 110 + 60 * sum(noise), 0)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def encode(picture: Image.Image) -> Image.Image:
    coded = io.BytesIO()
    picture.save(coded, "JPEG", quality=50)
    return Image.open(coded)


ALTERATIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "encoded": encode,
    "smaller": lambda picture: picture.resize((110, 110)),
    "larger": lambda picture: picture.resize((400, 400)),
    "stretched": lambda picture: picture.resize((SIZE, int(SIZE * 1.15))),
    "cropped": lambda picture: picture.crop((30, 20, SIZE - 10, SIZE - 25)),
    "padded": lambda picture: ImageOps.expand(picture, (60, 5, 10, 40), fill=9),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside_down": lambda picture: picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "turned": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.4),
    "less_contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(0.6),
    "all": lambda picture: encode(
        ImageEnhance.Brightness(
            picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((20, 10, 150, 150))
        )
        .enhance(1.3)
        .resize((230, 240))
    ),
}


def entry(
    path: Path,
    *,
    dataset: str = "made",
    label: str | None = None,
    patient: str | None = None,
    half: str | None = None,
) -> Entry:
    """An entry for a file, whether it is there or not."""
    example = Example(path, path.name, label or "", path.name, patient, dataset)
    return Entry(example, dataset, label=label, patient=patient, half=half)
