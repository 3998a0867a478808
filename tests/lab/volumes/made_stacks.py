"""Made-up series of pictures, as LGG and BraTS 2013 have them."""

from pathlib import Path

import numpy as np
from PIL import Image

SLICES, SIDE = 10, 64


def _head(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A slice and its outline; the tumor lies to the picture's right and top, in slices 3 to 7."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    pixels = np.where(np.hypot(rows - 31.5, columns - 31.5) < 28, 90, 0)
    tumor = (np.hypot(rows - 22, columns - 42) < 7) & (3 <= number <= 7)
    return np.where(tumor, 220, pixels).astype(np.uint8), tumor


def make_lgg(folder: Path, patients: int = 3, *, t1c: bool = True, noise: int = 0) -> Path:
    """``TCGA_M_n/TCGA_M_n_k.png`` with masks; k from 1."""
    for patient in range(patients):
        place = folder / f"TCGA_M_{patient}"
        place.mkdir(parents=True)
        for number in range(SLICES):
            flair, tumor = _head(number)
            random = np.random.default_rng(number)
            flair = flair + random.integers(0, noise + 1, flair.shape, np.uint8)
            last = flair // 2 if t1c else flair
            rgb = np.stack([flair // 3, flair, last], axis=-1)
            Image.fromarray(rgb).save(place / f"TCGA_M_{patient}_{number + 1}.png")
            mask = Image.fromarray(tumor.astype(np.uint8) * 255)
            mask.save(place / f"TCGA_M_{patient}_{number + 1}_mask.png")
    return folder


def make_brats2013(folder: Path, patients: int = 1) -> Path:
    """``patNNNN/flair_k.png`` and the like, upside down."""
    for patient in range(1, patients + 1):
        place = folder / f"pat{patient:04d}"
        place.mkdir(parents=True)
        for number in range(SLICES):
            flair, tumor = _head(number)
            planes = {"flair": flair, "t1ce": flair // 2, "seg": tumor.astype(np.uint8) * 4}
            for name, plane in planes.items():
                Image.fromarray(plane[::-1].copy()).save(place / f"{name}_{number:03d}.png")
    return folder
