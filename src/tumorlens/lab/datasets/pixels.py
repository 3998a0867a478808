"""The pixels of an example, and its outline, from whatever kind of file it lies in.

Slices of one volume are cheap to read one after the other: the last volumes are kept unpacked.
"""

import importlib
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from tumorlens.errors import DataError, MissingExtraError
from tumorlens.lab.datasets.example import Example
from tumorlens.reading import read_scan
from tumorlens.scan import FloatArray, Plane, Volume

MATLAB_SUFFIX = ".mat"


def read_pixels(example: Example) -> FloatArray:
    """The example's picture.

    Returns:
        float32, (rows, columns), in the file's own units: 0..255 for most pictures (0..65535
        for 16-bit ones, 0..1 for those of floats), any for volumes and ``.mat`` files; upright
        and, in volumes, turned as `tumorlens.scan.Volume` says.

    Raises:
        ScanError: The file is absent, damaged, or no scan.
        DataError: A volume where one picture was expected, or a slice that it does not have.
        MissingExtraError: A ``.mat`` file, and h5py is not installed.
        OSError: A picture with channels cannot be opened.
    """
    if example.path.suffix.lower() == MATLAB_SUFFIX:
        return load_matlab().read_image(example.path)
    if example.slice_index is not None:
        return _slice(load_volumes().read_volume(example.path), example)
    if example.channel is not None:
        with Pillow.open(example.path) as picture:
            return np.asarray(picture.convert("RGB").getchannel(example.channel), np.float32)
    scan = read_scan(example.path)
    if isinstance(scan, Volume):
        raise DataError(
            expected="one slice a file",
            found=f"a volume of {len(scan.voxels)} slices",
            remedy="Save its slices as pictures, or leave it out.",
            source=example.picture,
        )
    return scan.pixels


def read_mask(example: Example) -> FloatArray | None:
    """The example's outline.

    Returns:
        float32, (rows, columns) as `read_pixels` gives them: 1 where there is tumor, else 0.
        None where the example has no outline.

    Raises:
        DataError: The volume with the outline has another size, lies elsewhere, or lacks the
            slice.
        OSError: The outline's file cannot be opened.
    """
    if example.mask is None:
        return None
    if example.mask.suffix.lower() == MATLAB_SUFFIX:
        return load_matlab().read_outline(example.mask)
    if example.slice_index is not None:
        values = load_volumes().read_labels(example.mask, like=example.path)
        return _slice(values, example, above=example.mask_above)
    with Pillow.open(example.mask) as picture:
        return (np.asarray(picture.convert("L")) > example.mask_above).astype(np.float32)


def is_one_picture(example: Example) -> bool:
    """Whether the example is a picture file, no slice of a volume and no ``.mat`` file."""
    return example.slice_index is None and example.path.suffix.lower() != MATLAB_SUFFIX


def _slice(voxels: FloatArray, example: Example, above: float | None = None) -> FloatArray:
    """A copy of one slice, so that nobody writes into a volume that is kept."""
    index = example.slice_index
    if index is None or not 0 <= index < len(voxels):
        raise DataError(
            expected=f"a slice from 0 to {len(voxels) - 1}",
            found=str(index),
            remedy="Read the data set's folder again: the file has changed.",
            source=example.picture,
        )
    chosen = voxels[index] if above is None else voxels[index] > above
    return np.array(chosen, np.float32)


class MatlabModule(Protocol):
    """What `tumorlens.lab.datasets.matlab` offers."""

    def read_record(self, path: Path) -> tuple[str, str]:
        """Label and patient of one file."""

    def read_image(self, path: Path) -> FloatArray:
        """The picture of one file."""

    def read_outline(self, path: Path) -> FloatArray:
        """The outline of one file, 0 and 1."""


class VolumesModule(Protocol):
    """What `tumorlens.lab.datasets.volumes` offers."""

    def read_volume(self, path: Path) -> FloatArray:
        """The voxels of a volume."""

    def read_labels(self, path: Path, *, like: Path) -> FloatArray:
        """The tissue labels of the voxels of another volume."""

    def slice_areas(self, path: Path, *, like: Path) -> npt.NDArray[np.int64]:
        """How many voxels of each slice are above 0."""

    def plane_of(self, path: Path) -> Plane | None:
        """The plane of a volume's slices."""

    def check_same_grid(self, images: list[Path]) -> None:
        """Refuse images of different sizes or places."""


def load_volumes() -> VolumesModule:
    """The reader of volumes: nibabel is slow to import, and most data sets are pictures."""
    return cast(VolumesModule, importlib.import_module("tumorlens.lab.datasets.volumes"))


def load_matlab() -> MatlabModule:
    """The reader of ``.mat`` files.

    Raises:
        MissingExtraError: h5py is not installed.
    """
    try:
        return cast(MatlabModule, importlib.import_module("tumorlens.lab.datasets.matlab"))
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            expected="h5py, which reads MATLAB 7.3 files",
            found=f"no module {error.name}",
            remedy="Install it: pip install 'tumorlens[lab]'",
        ) from error
