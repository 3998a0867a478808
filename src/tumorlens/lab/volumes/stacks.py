"""Heads as pictures of their axial slices: the LGG set and BraTS 2013, with outlines.

Such sets say neither how far slices lie apart nor how wide a pixel is. Heads differ less than scans
do, so that both are guessed: a series of LGG shows a whole head, whatever the number of its slices,
in a picture as wide as a usual field of view; BraTS 2013 lies on a grid of 1 mm.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from tumorlens.errors import DataError
from tumorlens.lab.datasets import brats2013_slices, lgg
from tumorlens.lab.volumes.labelled import LabelledHead
from tumorlens.scan import FloatArray, Volume
from tumorlens.volume_outlining.head import Head
from tumorlens.volume_outlining.regions import LABELS, REGIONS, WHOLE, LabelArray

LGG_HEIGHT_MM = 150.0
"""What a series of LGG covers from the first slice to the last, roughly."""

LGG_VIEW_MM = 230.0
"""How wide and high a picture of LGG is, roughly."""

_LABEL_OF_2013 = np.array([0, 1, 2, 1, 4], np.uint8)
"""Necrosis, edema, non-enhancing and enhancing tumor as they are labelled since 2017."""

_ALSO_IN_2018 = {"pat0004": "Brats18_2013_21_1"}
"""Patients whose heads BraTS 2018 holds too, by their names here and there."""

Spacing = tuple[float, float, float]


def find_lgg(folder: Path) -> list[LabelledHead]:
    """The heads of LGG: each patient's series.

    Raises:
        DataError: A patient has no slices, or slices have no mask.
    """
    return [_lgg_head(folder, patient) for patient in lgg.patients(folder)]


def find_brats2013(folder: Path) -> list[LabelledHead]:
    """The heads of BraTS 2013 as slices.

    Raises:
        DataError: A slice lacks its outline or a sequence.
    """
    return [_brats2013_head(folder, path) for path in brats2013_slices.patients(folder)]


def _lgg_head(folder: Path, patient: Path) -> LabelledHead:
    slices = lgg.outlined(patient)
    shown = _stack([_rgb(path) for path in _spread(list(slices))], patient)
    sequences = tuple(
        name for channel, name in enumerate(lgg.SEQUENCES) if lgg.shows(shown, channel)
    )
    files = tuple(path for pair in slices.items() for path in pair)
    return LabelledHead(
        name=patient.name,
        patient=patient.name,
        group=f"{folder.resolve().name}:{patient.name}",
        folder=patient,
        sequences=sequences,
        regions=(WHOLE,),
        files=files,
        read=partial(_read_lgg, patient, slices, sequences),
    )


def _spread(slices: Sequence[Path]) -> list[Path]:
    """A few in the middle of the head, which tell which sequences there are."""
    return [slices[len(slices) * part // 8] for part in (3, 4, 5)]


def _read_lgg(
    patient: Path, slices: dict[Path, Path], sequences: tuple[str, ...]
) -> tuple[Head, LabelArray]:
    pixels = _stack([_rgb(path) for path in slices], patient)
    spacing = (LGG_HEIGHT_MM / len(slices), *(LGG_VIEW_MM / side for side in pixels.shape[1:3]))
    volumes = {
        name: pixels[..., channel].astype(np.float32)
        for channel, name in enumerate(lgg.SEQUENCES)
        if name in sequences
    }
    outline = _stack([_gray(path) for path in slices.values()], patient) > 127
    head = _head(patient, volumes, spacing, file=next(iter(slices)))
    return head, _labels(np.where(outline, LABELS[WHOLE], 0), head, patient)


def _brats2013_head(folder: Path, patient: Path) -> LabelledHead:
    files = brats2013_slices.whole_files(patient)
    every = tuple(path for kind in files.values() for _, path in sorted(kind.items()))
    return LabelledHead(
        name=patient.name,
        patient=_ALSO_IN_2018.get(patient.name, patient.name),
        group=f"{folder.resolve().name}:{patient.name}",
        folder=patient,
        sequences=tuple(brats2013_slices.SEQUENCES.values()),
        regions=tuple(REGIONS),
        files=every,
        read=partial(_read_brats2013, patient, files),
    )


def _read_brats2013(patient: Path, files: dict[str, dict[int, Path]]) -> tuple[Head, LabelArray]:
    def stacked(kind: str) -> npt.NDArray[np.int16]:
        pictures = [_gray(path) for _, path in sorted(files[kind].items())]
        return _stack(pictures, patient)[:, ::-1]  # they lie upside down

    volumes = {
        name: stacked(kind).astype(np.float32) for kind, name in brats2013_slices.SEQUENCES.items()
    }
    head = _head(patient, volumes, (1.0, 1.0, 1.0), file=next(iter(files["flair"].values())))
    tissues = np.asarray(_LABEL_OF_2013[np.clip(stacked("seg"), 0, len(_LABEL_OF_2013) - 1)])
    return head, _labels(tissues, head, patient)


def _head(
    patient: Path, volumes: dict[str, FloatArray], spacing_mm: Spacing, *, file: Path
) -> Head:
    """As `tumorlens.volume_outlining.head.read_head` gives it, from axial slices."""
    up, down, left = spacing_mm
    affine = np.array([[0, 0, -left, 0], [0, -down, 0, 0], [up, 0, 0, 0], [0, 0, 0, 1.0]])
    held = {
        name: Volume(voxels, str(patient), spacing_mm, name, "axial", affine)
        for name, voxels in volumes.items()
    }
    return Head(patient.name, str(patient), held, affine, file)


def _labels(labels: npt.NDArray[np.integer[Any]], head: Head, patient: Path) -> LabelArray:
    shape = next(iter(head.volumes.values())).voxels.shape
    if labels.shape != shape:
        raise _unequal(patient, f"outlines of {labels.shape} for slices of {shape}")
    return labels.astype(np.uint8)


def _rgb(path: Path) -> npt.NDArray[np.int16]:
    return _pixels(path, "RGB")


def _gray(path: Path) -> npt.NDArray[np.int16]:
    return _pixels(path, "L")


def _pixels(path: Path, mode: str) -> npt.NDArray[np.int16]:
    try:
        with Pillow.open(path) as picture:
            return np.asarray(picture.convert(mode), np.int16)
    except (OSError, SyntaxError) as error:
        raise DataError(
            expected="a picture that can be read",
            found=f"a damaged one ({error})",
            remedy="Download it again, or delete this patient's folder.",
            source=str(path),
        ) from error


def _stack(pictures: list[npt.NDArray[np.int16]], patient: Path) -> npt.NDArray[np.int16]:
    """One slice after another, provided that all have one size."""
    shapes = {picture.shape for picture in pictures}
    if len(shapes) > 1:
        raise _unequal(patient, " and ".join(map(str, sorted(shapes))))
    return np.stack(pictures)


def _unequal(patient: Path, found: str) -> DataError:
    return DataError(
        expected="slices and outlines of one size",
        found=found,
        remedy="Download this patient again, or delete the folder.",
        source=str(patient),
    )
