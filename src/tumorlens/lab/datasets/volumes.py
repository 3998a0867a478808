"""Volumes of a data set, slice by slice: images, and labels on the same grid.

An image is cut and turned as `tumorlens.reading` does it. Labels lie on their image's grid, and
so are cut and turned by the image's header, never by their own, which some tools spoil.
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

from tumorlens.errors import DataError
from tumorlens.reading import read_scan
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
        DataError: A file is damaged, or the two have different sizes.
    """
    return _kept(_read_on_grid, path, like)


def plane_of(path: Path) -> Plane | None:
    """The plane of an image's slices, by its header."""
    header = _opened(path)
    shown = orient(
        np.broadcast_to(np.float32(0), header.shape), header.affine, source="", sequence=None
    )
    return shown.plane if isinstance(shown, Volume) else None


def slice_areas(path: Path, *, like: Path) -> npt.NDArray[np.int64]:
    """How many voxels of each slice are above 0, in the order of ``read_volume(like)``.

    Raises:
        DataError: As `read_labels`.
    """
    return np.asarray((_read_on_grid(path, like) > 0).sum(axis=(1, 2)), np.int64)


def check_same_grid(paths: list[Path]) -> None:
    """All volumes of one head have one size; only their headers are read.

    Raises:
        DataError: One has another size, or is damaged.
    """
    first = _opened(paths[0]).shape
    for path in paths[1:]:
        _check_shape(path, _opened(path).shape, paths[0], first)


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
    labels, grid = _opened(path), _opened(like)
    _check_shape(path, labels.shape, like, grid.shape)
    try:
        values = np.asarray(labels.dataobj, np.float32)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _broken(path, "a whole NIfTI file", "a truncated or damaged one") from error
    shown = orient(values, grid.affine, source=str(path), sequence=None)
    if isinstance(shown, Volume):
        return shown.voxels
    raise _broken(path, "a volume", "one slice")


def _opened(path: Path) -> Any:
    """The header of a NIfTI file; its voxels are not read yet."""
    try:
        return nibabel.load(path)
    except (OSError, EOFError, ImageFileError, zlib.error) as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else "a damaged one"
        raise _broken(path, "a NIfTI file", found) from error


def _check_shape(
    path: Path, shape: tuple[int, ...], other: Path, expected: tuple[int, ...]
) -> None:
    if shape != expected or len(shape) != 3:
        sides = " x ".join(map(str, expected))
        raise _broken(
            path, f"{sides} voxels like {other.name}", " x ".join(map(str, shape)) + " voxels"
        )


def _broken(path: Path, expected: str, found: str) -> DataError:
    return DataError(
        expected=expected,
        found=found,
        remedy="Download this case again, or delete its folder.",
        source=str(path),
    )
