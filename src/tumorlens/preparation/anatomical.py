"""Volumes in the one orientation that stripping methods were made for, and the way back."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ScanContentError, TumorlensError
from tumorlens.preparation.head_size import SIDES_MM, impossible_size
from tumorlens.scan import FloatArray, Plane, Volume

BoolArray = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]

# How `Volume` shows each plane, turned to (to the head, to the front, to the left).
_TURNS: dict[Plane, tuple[tuple[int, int, int], tuple[int, ...]]] = {
    "axial": ((0, 1, 2), (1,)),
    "coronal": ((1, 0, 2), (0,)),
    "sagittal": ((1, 2, 0), (0, 1, 2)),
}

_ALONE = threading.Lock()


@contextmanager
def quiet() -> Iterator[None]:
    """Let a method that tells its progress keep it to itself.

    Answers go to standard output, which belongs to all threads: one at a time is quiet.
    """
    with _ALONE, redirect_stdout(io.StringIO()):
        yield


def find_upright(volume: Volume, find: Callable[[FloatArray, Spacing], BoolArray]) -> BoolArray:
    """Find the brain in a turned copy of a volume.

    Args:
        volume: Shown in any plane; as axial where the plane is unknown.
        find: Takes voxels, float32, with axes to the patient's head, front and left, as in the
            MNI152 template, and their spacing in mm; returns a mask of their shape.

    Returns:
        bool, (slices, rows, columns) of the volume.

    Raises:
        ScanContentError: The volume's spacing is unknown, or none of a head; or the method fails.
    """
    if size := impossible_size(volume):
        raise ScanContentError(
            expected=f"a head: sides of {SIDES_MM[0]} to {SIDES_MM[1]} mm",
            found=f"a volume of {size}",
            remedy="Check the voxel sizes in the file's header, or strip with radial.",
            source=volume.source,
        )
    if volume.spacing_mm is None:
        raise ScanContentError(
            expected="a volume that tells its spacing, which skull stripping needs",
            found="one without",
            remedy="Give the original NIfTI or DICOM files, or strip with radial.",
            source=volume.source,
        )
    order, flips = _TURNS[volume.plane or "axial"]
    upright = np.ascontiguousarray(np.flip(volume.voxels.transpose(order), flips))
    across, down, along = (volume.spacing_mm[axis] for axis in order)
    try:
        mask = find(upright, (across, down, along))
    except TumorlensError:
        raise
    except Exception as error:  # methods fail in many ways where there is no whole head
        raise ScanContentError(
            expected="a whole head, which the method can strip",
            found=f"one on which it fails: {type(error).__name__}: {error}",
            remedy="Check that the volume shows the brain, choose another method, or do without.",
            source=volume.source,
        ) from error
    return np.ascontiguousarray(np.flip(mask, flips).transpose(np.argsort(order)))
