"""Made-up heads: as numbers, and as a folder of slices with its split."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.lab.evaluation.made_set import draw_skull, tumor_mask, write_split
from tumorlens.lab.slice_sequence.heads import Head

CHANNELS = 6
SLICES = 9


def made_head(seed: int, *, views: int = 2, dataset: str = "lgg") -> Head:
    """The embedding shows the tumor in one channel; the classifier itself is hardly better
    than chance."""
    random = np.random.default_rng(seed)
    has_tumor = np.zeros(24, bool)
    start = int(random.integers(2, 16))
    has_tumor[start : start + 6] = True
    embeddings = random.normal(0, 1, (views, 24, CHANNELS)).astype(np.float32)
    embeddings[..., 0] = 3 * has_tumor + random.normal(0, 1, (views, 24))
    tumor = np.clip(0.1 * has_tumor + random.uniform(0.05, 0.85, (views, 24)), 0, 1)
    return Head(
        dataset, "flair", f"patient{seed // 2}", has_tumor, embeddings, tumor.astype(np.float32)
    )


def write_heads(root: Path, *, patients: int = 6) -> Path:
    """``slices/``: BraTS 2013 patients of `SLICES` slices, the middle three with tumor."""
    for patient in range(patients):
        folder = root / "slices" / f"pat{patient:04d}"
        folder.mkdir(parents=True)
        for number in range(SLICES):
            tumor = tumor_mask(column=0.38 + 0.04 * (patient % 3)) & (3 <= number <= 5)
            for sequence in ("flair", "t1ce"):
                picture = np.where(tumor, 255, draw_skull(seed=20 * patient + number))
                Image.fromarray(picture.astype(np.uint8)).save(
                    folder / f"{sequence}_{number:03d}.jpg", quality=95
                )
            Image.fromarray(tumor.astype(np.uint8) * 4).save(folder / f"seg_{number:03d}.png")
    return root


def split_heads(path: Path, *, patients: int = 6) -> Path:
    """Every second patient validates."""
    return write_split(
        path,
        {
            f"slices/pat{patient:04d}/{sequence}_{number:03d}.jpg": (
                f"slices:pat{patient:04d}",
                "validation" if patient % 2 else "training",
            )
            for patient in range(patients)
            for sequence in ("flair", "t1ce")
            for number in range(SLICES)
        },
    )
