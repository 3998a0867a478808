"""LGG segmentation: whole slice sequences of 110 lower-grade glioma patients, with masks.

M. Buda and others, "Association of genomic subtypes of lower-grade gliomas with shape features
automatically extracted by a deep learning algorithm", Computers in Biology and Medicine 109,
2019, doi:10.1016/j.compbiomed.2019.05.002; Kaggle ``mateuszbuda/lgg-mri-segmentation``
(3,929 slices, 1,373 with tumor; CC BY-NC-SA 4.0). The patients are of TCGA-LGG, as are some of
BraTS. The colour channels are MR sequences: red T1, green FLAIR, blue T1 with contrast; where
one is missing FLAIR is repeated. Read as downloaded (``kaggle_3m/TCGA_X/TCGA_X_k.tif`` and
``TCGA_X_k_mask.tif``) or in any other picture format under the same names.
"""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from tumorlens import labels
from tumorlens.errors import DataError
from tumorlens.lab.datasets.example import (
    MIN_TUMOR_PIXELS,
    About,
    Example,
    folders_in,
    picture_name,
    pictures_in,
)

__all__ = [
    "ABOUT",
    "MIN_TUMOR_PIXELS",
    "SEQUENCES",
    "leaves_out",
    "matches",
    "outlined",
    "patients",
    "read",
    "shows",
]

ABOUT = About(
    title="LGG segmentation (kaggle_3m)",
    content="whole axial series of T1, FLAIR and T1 with contrast, skull on, outlines; .tif",
    count="3,929 slices of 110 patients",
    labels="glioma 1,373 slices, no_tumor 2,556 slices of the same heads",
    patients=True,
    licence="CC BY-NC-SA 4.0",
    address="https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation",
    recognised_by="patient folders named TCGA_..., also inside kaggle_3m/",
    kaggle="mateuszbuda/lgg-mri-segmentation",
)

SEQUENCES = ("t1", "flair", "t1c")
"""The sequence in each colour channel."""

_SLICE = re.compile(r"(TCGA_\w+)_(\d+)$")
_WRAPPERS = {"kaggle_3m", "lgg-mri-segmentation"}


def matches(folder: Path) -> bool:
    """Whether patient folders named ``TCGA_...`` lie in it, or in its ``kaggle_3m/``."""
    return bool(patients(folder))


def read(folder: Path) -> list[Example]:
    """One example a slice and sequence: glioma where the mask is set, else no_tumor.

    Raises:
        DataError: A patient has no slices, or slices have no mask.
    """
    return [
        example
        for patient in patients(folder)
        for path, mask in outlined(patient).items()
        for example in _examples(folder, path, mask)
    ]


def leaves_out(path: Path) -> bool:
    """Slices with a small outline, and the copy of the patients in Kaggle's archive."""
    return _SLICE.match(path.stem) is not None


def patients(folder: Path) -> list[Path]:
    """The patients' folders.

    Kaggle's archive wraps them, and holds the same ones twice.
    """
    inner = folders_in(folder)
    named = [path for path in inner if path.name.startswith("TCGA_")]
    if named or not {path.name for path in inner} <= _WRAPPERS:
        return named
    return next((found for path in inner if (found := patients(path))), [])


def outlined(patient: Path) -> dict[Path, Path]:
    """A patient's slices in order, each with its mask.

    Raises:
        DataError: There are no slices, or some have no mask.
    """
    files = {path.stem: path for path in pictures_in(patient)}
    slices = [path for stem, path in files.items() if _SLICE.match(stem)]
    if not slices:
        raise DataError(
            expected=f"slices such as {patient.name}_1.tif",
            found="none",
            remedy="Download this patient again, or delete the folder.",
            source=str(patient),
        )
    absent = [path for path in slices if f"{path.stem}_mask" not in files]
    if absent:
        raise DataError(
            expected="a mask beside every slice (TCGA_..._1_mask beside TCGA_..._1)",
            found=f"{len(absent)} slices without one, the first {absent[0].name}",
            remedy=f"Download the data set again: {ABOUT.address}",
            source=str(patient),
        )
    return {path: files[f"{path.stem}_mask"] for path in sorted(slices, key=_slice_number)}


def _slice_number(path: Path) -> int:
    match = _SLICE.match(path.stem)
    return int(match[2]) if match else -1


def _examples(folder: Path, path: Path, mask: Path) -> list[Example]:
    """The slice's examples, one a sequence that is not a copy of FLAIR."""
    area = _area(mask)
    if 0 < area < MIN_TUMOR_PIXELS:
        return []
    with Pillow.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"), np.int16)
    return [
        Example(
            path=path,
            picture=picture_name(path, root=folder),
            label=labels.GLIOMA if area else labels.NO_TUMOR,
            group=f"{folder.name}:{path.parent.name}",
            patient=path.parent.name,
            dataset=folder.name,
            whole_head=True,
            channel=channel,
            mask=mask if area else None,
            sequence=sequence,
            plane="axial",
        )
        for channel, sequence in enumerate(SEQUENCES)
        if shows(pixels, channel)
    ]


def shows(pixels: npt.NDArray[np.int16], channel: int) -> bool:
    """Whether a channel holds a sequence of its own: no copy of FLAIR, which stands for none.

    Args:
        pixels: int16, (..., 3), 0..255: a slice, or several.
        channel: Index into `SEQUENCES`.
    """
    flair = SEQUENCES.index("flair")
    return channel == flair or bool(np.abs(pixels[..., channel] - pixels[..., flair]).mean() > 2)


def _area(mask: Path) -> int:
    """Pixels of the tumor in a mask."""
    with Pillow.open(mask) as picture:
        return int((np.asarray(picture.convert("L")) > 127).sum())
