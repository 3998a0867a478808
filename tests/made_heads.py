"""Made-up heads, small enough to train on in seconds."""

import numpy as np
from PIL import Image

SPOTS = {
    "glioma": (0.4, 0.4, 0.13, 10),
    "meningioma": (0.5, 0.6, 0.15, 250),
    "pituitary": (0.65, 0.5, 0.06, 250),
}
"""Row, column and radius of each class's spot as parts of the side, and its gray level."""


def draw_head(label: str, seed: int, size: int = 64) -> np.ndarray:
    """uint8, (size, size): a gray ellipse; the spot in it tells the class."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:size, 0:size] / size
    height, width = rng.uniform(0.38, 0.44), rng.uniform(0.3, 0.36)
    head = ((rows - 0.5) / height) ** 2 + ((columns - 0.5) / width) ** 2 < 1
    coarse = rng.normal(0, 30, (12, 12)).astype(np.float32)
    texture = np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))
    pixels = head * (90 + texture + rng.normal(0, 4, (size, size)))
    if label in SPOTS:
        row, column, radius, shade = SPOTS[label]
        row, column = np.array([row, column]) + rng.uniform(-0.03, 0.03, 2)
        spot = (rows - row) ** 2 + (columns - column) ** 2 < radius**2
        pixels = np.where(spot & head, shade, pixels)
    return np.clip(pixels, 0, 255).astype(np.uint8)
