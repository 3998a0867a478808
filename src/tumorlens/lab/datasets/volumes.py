"""Volumes of a data set, slice by slice: images, and labels on the same grid.

An image is cut and turned as `tumorlens.reading` does it. Labels are brought into their image's
order of axes by both headers, and then cut and turned like it; they must lie where the image lies.
Labels without an affine, as some tools write them, are taken to be stored as their image is.
"""

import threading
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
from nibabel.filebasedimages import ImageFileError
from nibabel.orientations import apply_orientation
from nibabel.spatialimages import HeaderDataError

from tumorlens.errors import DataError
from tumorlens.lab.datasets.grids import Grid, turning_onto
from tumorlens.reading import read_scan
from tumorlens.reading.nifti_header import affine_read_by, stated_affine
from tumorlens.reading.orientation import orient
from tumorlens.scan import FloatArray, Plane, Volume

_KEPT = 4  # volumes; 36 MB each for BraTS
_LOCK = threading.Lock()


def read_volume(path: Path) -> FloatArray:
    """The voxels of an image.

    Returns:
        float32, (slices, rows, columns), not writable, as `tumorlens.scan.Volume` has them.

    Raises:
        ScanError: The file is absent or damaged.
        DataError: It holds one slice only.
    """
    return _kept(_read_image, path, path)


def read_labels(path: Path, *, like: Path) -> FloatArray:
    """The tissue labels of an image's voxels.

    Args:
        path: The volume of labels.
        like: The image they belong to.

    Returns:
        float32, (slices, rows, columns), not writable, in the order of ``read_volume(like)``;
        0 where there is no tumor.

    Raises:
        DataError: A file is damaged, or the two have different sizes or lie in different places.
    """
    return _kept(_read_on_grid, path, like)


def plane_of(path: Path) -> Plane | None:
    """The plane of an image's slices, by its header."""
    grid = _image_grid(path)
    assert grid.affine is not None
    shown = orient(
        np.broadcast_to(np.float32(0), grid.shape), grid.affine, source="", sequence=None
    )
    return shown.plane if isinstance(shown, Volume) else None


def slice_areas(path: Path, *, like: Path) -> npt.NDArray[np.int64]:
    """How many voxels of each slice are above 0, in the order of ``read_volume(like)``.

    Raises:
        DataError: As `read_labels`.
    """
    return np.asarray((_read_on_grid(path, like) > 0).sum(axis=(1, 2)), np.int64)


def check_same_grid(images: list[Path]) -> None:
    """All images of one head have one size and lie in one place; only their headers are read.

    They may be stored in different orientations.

    Raises:
        DataError: One has another size, lies elsewhere, or is damaged.
    """
    first, *others = map(_image_grid, images)
    for other in others:
        turning_onto(first, other)


def _kept(read: Callable[[Path, Path], FloatArray], path: Path, like: Path) -> FloatArray:
    # One at a time: threads that ask for slices of one volume wait for it, and do not each
    # unpack it. A file that has changed since is read again.
    with _LOCK:
        return _cached(read, path, like, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=2 * _KEPT)
def _cached(
    read: Callable[[Path, Path], FloatArray], path: Path, like: Path, _changed_ns: int
) -> FloatArray:
    voxels = read(path, like)
    voxels.setflags(write=False)
    return voxels


def _read_image(path: Path, _: Path) -> FloatArray:
    scan = read_scan(path)
    if isinstance(scan, Volume):
        return scan.voxels
    raise _broken(path, "a volume", "one slice")


def _read_on_grid(path: Path, like: Path) -> FloatArray:
    labels, image = _opened(path), _opened(like)
    grid = Grid(path, labels.shape, stated_affine(labels.header))
    turning = turning_onto(Grid(like, image.shape, stated_affine(image.header)), grid)
    try:
        values = np.asarray(labels.dataobj, np.float32).reshape(grid.shape)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _broken(path, "a whole NIfTI file", "a truncated or damaged one") from error
    values = apply_orientation(values, turning)
    shown = orient(values, affine_read_by(image.header), source=str(path), sequence=None)
    if isinstance(shown, Volume):
        return shown.voxels
    raise _broken(path, "a volume", "one slice")


def _image_grid(path: Path) -> Grid:
    image = _opened(path)
    return Grid(path, image.shape, affine_read_by(image.header))


def _opened(path: Path) -> Any:
    """The header of a NIfTI file; its voxels are not read yet."""
    try:
        return nibabel.load(path)
    except (OSError, EOFError, ValueError, HeaderDataError, ImageFileError, zlib.error) as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else "a damaged one"
        raise _broken(path, "a NIfTI file", found) from error


def _broken(path: Path, expected: str, found: str) -> DataError:
    return DataError(
        expected=expected,
        found=found,
        remedy="Download this case again, or delete its folder.",
        source=str(path),
    )
