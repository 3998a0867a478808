"""A volume's mask or labels as a NIfTI label map, on the grid of the volume's file."""

from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt

from tumorlens.reading.nifti import affine_read_by
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
    original = nibabel.load(like)
    shape = (*original.shape, 1, 1)[:3]
    numbers = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
    # The numbers of the voxels take the same way as the voxels did.
    shown = orient(numbers, affine_read_by(original.header), source="", sequence=None)
    taken_from = shown.voxels if isinstance(shown, Volume) else shown.pixels
    stored = np.zeros(numbers.size, np.uint8)
    stored[taken_from.ravel()] = labels.ravel()
    header = original.header.copy()
    header.set_data_dtype(np.uint8)
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["cal_max"], header["cal_min"] = 0, 0
    for free_text in _FREE_TEXT.intersection(header.keys()):
        header[free_text] = b""
    header.extensions.clear()
    kind = type(original)
    return kind(stored.reshape(original.shape), original.affine, header)
