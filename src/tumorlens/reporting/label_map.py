"""A volume's mask or labels as a NIfTI label map, on the grid of the volume's file."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt

from tumorlens.reading.nifti_header import (
    FORMS,
    affine_read_by,
    read_header,
    usable_affine,
    volume_shape,
)
from tumorlens.reading.orientation import orient
from tumorlens.reporting.folder import writing
from tumorlens.scan import Volume

_FREE_TEXT = {"descrip", "aux_file", "db_name", "intent_name"}
"""Fields of a NIfTI header that may name the patient."""

Labels = npt.NDArray[np.bool_] | npt.NDArray[np.uint8]


def write_label_map(path: Path, mask: Labels, volume: Volume, *, like: Path | None) -> None:
    """Write a mask or labels as uint8: aside first, then renamed.

    Args:
        path: A ``.nii.gz``.
        mask: (slices, rows, columns) of the volume: bool, which becomes 0 and 1, or labels.
        volume: What the mask belongs to.
        like: The NIfTI file the volume was read from, whose shape, affine and codes the label
            map takes, but no free text, in which patients are sometimes named; None for other
            formats: then the volume's own axes and affine.

    Raises:
        ConfigError: The file cannot be written.
    """
    labels = mask.astype(np.uint8)
    image = _as_shown(labels, volume) if like is None else _as_in_file(labels, like)
    aside = path.with_name(f".partial-{path.name}")
    try:
        with writing(path):
            nibabel.save(image, aside)
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _as_shown(labels: npt.NDArray[np.uint8], volume: Volume) -> nibabel.Nifti1Image:
    affine = volume.affine
    if affine is None:
        affine = np.diag([*(volume.spacing_mm or (1.0, 1.0, 1.0)), 1.0])
    return nibabel.Nifti1Image(labels, affine)


def _as_in_file(labels: npt.NDArray[np.uint8], like: Path) -> nibabel.Nifti1Image:
    """Each shown voxel goes back to where reading took it from."""
    header = read_header(like)
    shape = volume_shape(header, source=str(like))
    numbers: npt.NDArray[Any] = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
    # The numbers of the voxels take the same way as the voxels did.
    shown = orient(numbers, affine_read_by(header), source="", sequence=None)
    taken_from = shown.voxels if isinstance(shown, Volume) else shown.pixels
    stored = np.zeros(numbers.size, np.uint8)
    stored[taken_from.ravel()] = labels.ravel()
    kind = nibabel.Nifti2Image if isinstance(header, nibabel.Nifti2Header) else nibabel.Nifti1Image
    # Without an affine of its own the image leaves the header's as they are.
    return kind(stored.reshape(header.get_data_shape()), None, _header_like(header))


def _header_like(header: Any) -> Any:
    """The header of labels beside a file: its axes without its texts, and without what is broken.

    An affine that reading cannot use is left out: nibabel would refuse the label map for it.
    """
    header = header.copy()
    header.set_data_dtype(np.uint8)
    header["vox_offset"] = 0  # right behind the header
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["cal_max"], header["cal_min"] = 0, 0
    for free_text in _FREE_TEXT.intersection(header.keys()):
        header[free_text] = b""
    steps = np.abs(header["pixdim"][1:4])
    header["pixdim"][1:4] = np.where(np.isfinite(steps) & (steps > 0), steps, 1)
    for form, fields in FORMS.items():
        if header[f"{form}_code"] > 0 and usable_affine(header, form) is None:
            for field in (f"{form}_code", *fields):
                header[field] = 0
    return header
