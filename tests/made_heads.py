"""Made-up heads, small enough to train on in seconds."""

import numpy as np
from PIL import Image

SPOTS = {"glioma": (0.35, 0.3), "meningioma": (0.5, 0.75), "pituitary": (0.72, 0.5)}


def draw_head(label: str, seed: int, size: int = 64) -> np.ndarray:
    """uint8, (size, size): a gray ellipse with a bright spot whose place tells the class."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:size, 0:size] / size
    height, width = rng.uniform(0.38, 0.44), rng.uniform(0.3, 0.36)
    head = ((rows - 0.5) / height) ** 2 + ((columns - 0.5) / width) ** 2 < 1
    coarse = rng.normal(0, 18, (8, 8)).astype(np.float32)
    texture = np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))
    pixels = head * (90 + texture + rng.normal(0, 4, (size, size)))
    if label in SPOTS:
        row, column = np.array(SPOTS[label]) + rng.uniform(-0.03, 0.03, 2)
        spot = (rows - row) ** 2 + (columns - column) ** 2 < 0.08**2
        pixels = np.where(spot & head, 220, pixels)
    return np.clip(pixels, 0, 255).astype(np.uint8)
