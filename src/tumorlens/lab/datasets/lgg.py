"""LGG segmentation: whole slice sequences of 110 lower-grade glioma patients, with masks.

M. Buda and others, "Association of genomic subtypes of lower-grade gliomas with shape features
automatically extracted by a deep learning algorithm", Computers in Biology and Medicine 109,
2019, doi:10.1016/j.compbiomed.2019.05.002; Kaggle ``mateuszbuda/lgg-mri-segmentation``
(3,929 slices; CC BY-NC-SA 4.0). The colour channels are MR sequences: red T1, green FLAIR,
blue T1 with contrast; where one is missing FLAIR is repeated.
"""

import re
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from tumorlens import labels
from tumorlens.lab.datasets.example import Example, pictures_in

SEQUENCES = ("t1", "flair", "t1c")
"""The sequence in each colour channel."""

MIN_TUMOR_PIXELS = 32
"""Slices with a smaller mask are left out: whether the tumor shows there is a matter of taste."""

_SLICE = re.compile(r"(TCGA_\w+)_(\d+)$")


def matches(folder: Path) -> bool:
    """Whether patient folders named ``TCGA_...`` lie in it."""
    return any(path.is_dir() for path in folder.glob("TCGA_*"))


def read(folder: Path) -> list[Example]:
    """One example a slice and sequence: glioma where the mask is set, else no_tumor."""
    return [
        example
        for patient in sorted(path for path in folder.glob("TCGA_*") if path.is_dir())
        for path in sorted(pictures_in(patient), key=_slice_number)
        if _SLICE.match(path.stem)
        for example in _examples(folder, path)
    ]


def _slice_number(path: Path) -> int:
    match = _SLICE.match(path.stem)
    return int(match[2]) if match else -1


def _examples(folder: Path, path: Path) -> list[Example]:
    """The slice's examples, one a sequence that is not a copy of FLAIR."""
    mask = _mask_of(path)
    area = _area(mask) if mask else 0
    if 0 < area < MIN_TUMOR_PIXELS:
        return []
    with Pillow.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"), np.int16)
    return [
        Example(
            path=path,
            picture=f"{folder.name}/{path.parent.name}/{path.name}",
            label=labels.GLIOMA if area else labels.NO_TUMOR,
            group=f"{folder.name}:{path.parent.name}",
            patient=path.parent.name,
            dataset=folder.name,
            channel=channel,
            mask=mask if area else None,
        )
        for channel, sequence in enumerate(SEQUENCES)
        if sequence == "flair" or np.abs(pixels[..., channel] - pixels[..., 1]).mean() > 2
    ]


def _mask_of(path: Path) -> Path | None:
    return next(iter(path.parent.glob(f"{path.stem}_mask.*")), None)


def _area(mask: Path) -> int:
    """Pixels of the tumor in a mask."""
    with Pillow.open(mask) as picture:
        return int((np.asarray(picture.convert("L")) > 127).sum())
