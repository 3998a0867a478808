"""One head in several sequences: read, held to one grid, and turned into what a network sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ScanContentError
from tumorlens.preparation import find_brain, impossible_sides
from tumorlens.preparation.head_size import SIDES_MM
from tumorlens.reading import read_scan
from tumorlens.reading.case import SEQUENCES, Case
from tumorlens.reading.nifti_header import affine_read_by, read_header, volume_shape
from tumorlens.reading.orientation import closest_axes, orient
from tumorlens.scan import FloatArray, Volume
from tumorlens.volume_outlining.resampling import new_length, resample

_SAME_SPACING = 0.02  # spacings that differ by less are not resampled
_SIGN = {"R": 1, "L": -1, "A": 1, "P": -1, "S": 1, "I": -1}
_HAS_BACKGROUND = 0.1
"""Part of a skull-stripped volume's voxels that is 0 at least."""
_LARGEST_BRAIN_ML = 2500
"""With its fluid; masks of MNI152, a large brain, have up to 2,100 ml, whole heads over 3,000."""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A case or a lone volume, read.

    Attributes:
        name: The case's or volume's.
        source: Its folder, or its own source.
        volumes: By sequence, all of one shape and grid, as `tumorlens.scan.Volume` has them.
        affine: float64, (4, 4): maps (slice, row, column, 1) to RAS+ mm; guessed as the reader
            does where the files say nothing usable, with voxels of 1 mm where they tell no size.
        file: Of the first sequence: its grid is that of the answer; None for a lone volume.
    """

    name: str
    source: str
    volumes: Mapping[str, Volume]
    affine: npt.NDArray[np.float64]
    file: Path | None

    @property
    def voxel_ml(self) -> float | None:
        """Volume of one voxel in ml; None where the files do not say."""
        return next(iter(self.volumes.values())).voxel_ml

    @property
    def has_background(self) -> bool:
        """Whether there is a background of zeros."""
        voxels = next(iter(self.volumes.values())).voxels
        return float(np.mean(voxels == 0)) >= _HAS_BACKGROUND

    @property
    def is_stripped(self) -> bool:
        """Whether the skull seems to be off: what is not 0 is no larger than a brain.

        Where the size of the voxels is unknown, a background of zeros is enough.
        """
        shown = int(np.count_nonzero(next(iter(self.volumes.values())).voxels))
        small = self.voxel_ml is None or shown * self.voxel_ml <= _LARGEST_BRAIN_ML
        return self.has_background and small


@dataclass(frozen=True, slots=True, eq=False)
class Turned:
    """A head as a network sees it, and the way back.

    Attributes:
        image: float32, (C, X, Y, Z): each sequence with mean 0 and standard deviation 1 over its
            voxels that are not 0, which stay 0; a sequence that is missing is 0 everywhere. Cut
            to the box around what is not 0.
        axes: Which axis of the volume each of X, Y and Z is.
        flipped: Whether each of them was reversed.
        box: Where the image lay in the turned volume.
        whole: Shape of the turned volume.
        brain: bool, of the box's own shape before resampling: where some sequence is not 0.
    """

    image: FloatArray
    axes: tuple[int, ...]
    flipped: tuple[bool, ...]
    box: tuple[slice, ...]
    whole: tuple[int, ...]
    brain: npt.NDArray[np.bool_]

    def turn(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A volume of the head's shape, turned and cut like the image, but not resampled."""
        return _turn(voxels, self.axes, self.flipped)[self.box]

    def back(self, maps: FloatArray) -> FloatArray:
        """Maps of the image's grid on the head's own: float32, (R, slices, rows, columns).

        0 where no sequence shows anything.
        """
        whole = np.zeros((len(maps), *self.whole), np.float32)
        whole[(slice(None), *self.box)] = resample(maps, self.brain.shape) * self.brain
        flips = tuple(axis + 1 for axis, flip in enumerate(self.flipped) if flip)
        order = np.argsort(self.axes)
        return np.ascontiguousarray(np.flip(whole, flips).transpose(0, *(order + 1)))


def read_head(case: Case) -> Head:
    """Read every sequence of a case.

    Raises:
        ScanError: A file is damaged, no volume, 4-D, holds NaN or nothing.
        ScanContentError: Two sequences hold the same voxels.
    """
    # What a file is in its case counts, whatever else its name speaks of.
    volumes = {name: replace(_read(path), sequence=name) for name, path in case.files.items()}
    file = next(iter(case.files.values()))
    _check_apart(volumes, str(file.parent))
    header = read_header(file)
    shape = volume_shape(header, source=str(file))
    grid = orient(
        np.broadcast_to(np.float32(0), shape), affine_read_by(header), source="", sequence=None
    )
    assert isinstance(grid, Volume)
    assert grid.affine is not None
    return Head(case.name, str(file.parent), volumes, grid.affine, file)


def without_skull(head: Head, method: str) -> Head:
    """The same head, 0 in every sequence where a method finds no brain in one of them.

    Args:
        head: What was read.
        method: A name in `tumorlens.preparation.SKULL_STRIPPERS`. It sees T1 where there is
            one, for which all of them were made, else the next of `SEQUENCES`.

    Raises:
        ConfigError, MissingExtraError, ScanContentError: As `tumorlens.preparation.find_brain`.
    """
    shown = next(name for name in SEQUENCES if name in head.volumes)
    brain = find_brain(head.volumes[shown], method)
    volumes = {
        name: replace(volume, voxels=np.where(brain, volume.voxels, np.float32(0)))
        for name, volume in head.volumes.items()
    }
    return replace(head, volumes=volumes)


def turn(
    head: Head, *, sequences: Sequence[str], axes: str, spacing_mm: tuple[float, float, float]
) -> Turned:
    """Turn, cut, resample and normalise a head.

    Args:
        head: What was read.
        sequences: In the order of the channels; those that it lacks are 0.
        axes: Where the indices of X, Y and Z grow to, such as ``LPS``.
        spacing_mm: Of X, Y and Z.

    Raises:
        ScanContentError: All of these are 0 everywhere, or the files tell of a size that no head
            has.
    """
    _check_size(head)
    order, signs = closest_axes(head.affine)
    flipped = tuple(sign != _SIGN[letter] for sign, letter in zip(signs, axes, strict=True))
    given = [name for name in sequences if name in head.volumes]
    shown = {name: _turn(head.volumes[name].voxels, order, flipped) for name in given}
    some = np.logical_or.reduce([voxels != 0 for voxels in shown.values()])
    if not some.any():
        raise ScanContentError(
            expected="a head",
            found=f"nothing but zeros in {', '.join(given)}",
            remedy="Check the file, and what took the skull off.",
            source=head.source,
        )
    box = _box(some)
    brain = some[box]
    own = [float(np.linalg.norm(head.affine[:3, axis])) for axis in order]
    shape = tuple(map(_length, brain.shape, own, spacing_mm))
    image = np.zeros((len(sequences), *shape), np.float32)
    for channel, name in enumerate(sequences):
        if name in shown:
            image[channel] = _normalised(shown[name][box], shape)
    return Turned(image, tuple(order), flipped, box, some.shape, brain)


def _read(path: Path) -> Volume:
    scan = read_scan(path)
    if isinstance(scan, Volume):
        return scan
    raise ScanContentError(
        expected="a volume of many slices",
        found="one slice",
        remedy="Give the whole volume; `tumorlens segment` outlines slices with a model for them.",
        source=str(path),
    )


def _check_apart(volumes: Mapping[str, Volume], source: str) -> None:
    for one, other in combinations(volumes, 2):
        if np.array_equal(volumes[one].voxels, volumes[other].voxels):
            raise ScanContentError(
                expected="sequences that differ",
                found=f"the same voxels in {one} and {other}",
                remedy="One of them is a copy under a wrong name: put the right file there.",
                source=source,
            )


def _check_size(head: Head) -> None:
    """Refuse what no network's grid in mm fits: a head of kilometres would fill the memory."""
    shape = next(iter(head.volumes.values())).voxels.shape
    size = impossible_sides(shape * np.linalg.norm(head.affine[:3, :3], axis=0))
    if size is not None:
        raise ScanContentError(
            expected=f"a head: sides of {SIDES_MM[0]} to {SIDES_MM[1]} mm",
            found=f"a volume of {size}",
            remedy="Check the voxel sizes in the file's header.",
            source=head.source,
        )


def _turn(
    voxels: npt.NDArray[Any], axes: Sequence[int], flipped: Sequence[bool]
) -> npt.NDArray[Any]:
    return np.flip(voxels.transpose(axes), tuple(a for a, flip in enumerate(flipped) if flip))


def _box(some: npt.NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box around what is True."""
    found = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        along = np.flatnonzero(some.any(axis=others))
        found.append(slice(int(along[0]), int(along[-1]) + 1))
    return tuple(found)


def _length(length: int, own: float, wanted: float) -> int:
    return length if abs(own / wanted - 1) < _SAME_SPACING else new_length(length, own, wanted)


def _normalised(voxels: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Mean 0 and deviation 1 over what is not 0, on a grid of another shape."""
    seen = resample((voxels != 0).astype(np.float32), shape) >= 0.5
    image = resample(voxels, shape) * seen
    values = image[seen]
    if values.size and values.std() > 0:
        image[seen] = (values - values.mean()) / values.std()
    return image
