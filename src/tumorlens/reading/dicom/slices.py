"""Slices of a DICOM file with their place in space, multi-frame files included."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tumorlens.reading.decoding import decoding
from tumorlens.reading.dicom.header import number, numbers
from tumorlens.reading.dicom.pixels import is_inverted, read_frames
from tumorlens.reading.limits import Limits
from tumorlens.reading.orientation import Affine
from tumorlens.scan import FloatArray

# DICOM's patient axes run to the left and the back, RAS+ to the right and the front.
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One frame, before it is put among the others.

    Attributes:
        pixels: float32, (rows, columns), rescaled.
        inverted: Whether low values are meant to be bright.
        position: float64, (3,): the centre of the first pixel in RAS+ mm; None where unknown.
        directions: float64, (2, 3): unit vectors in RAS+ along which the row index and the
            column index grow; None where unknown.
        spacing: Distance of pixel centres in mm, (row, column); None where unknown.
        thickness: Distance to the next slice, as far as the file tells, in mm.
        number: InstanceNumber or the index of the frame.
    """

    pixels: FloatArray
    inverted: bool
    position: Affine | None
    directions: Affine | None
    spacing: tuple[float, float] | None
    thickness: float
    number: float

    @property
    def normal(self) -> Affine:
        """float64, (3,): the unit normal of a slice whose directions are known."""
        assert self.directions is not None
        return np.cross(self.directions[0], self.directions[1])


def slices_of(dataset: Dataset, *, source: str, limits: Limits) -> list[Slice]:
    """Decode a file to its slices, one a frame.

    Raises:
        ScanError: As `read_frames`.
    """

    def rescale(index: int) -> tuple[float, float]:
        slope = _frame_number(dataset, index, "PixelValueTransformationSequence", "RescaleSlope")
        shift = _frame_number(
            dataset, index, "PixelValueTransformationSequence", "RescaleIntercept"
        )
        # A slope of 0 would erase the picture; files that have it mean "none".
        return slope or 1.0, shift or 0.0

    # Sequences are parsed when asked for, and damaged ones fail then.
    with decoding("DICOM image", source=source):
        frames = read_frames(dataset, rescale=rescale, source=source, limits=limits)
    return frames_of(dataset, frames, source=source)


def frames_of(dataset: Dataset, frames: FloatArray, *, source: str) -> list[Slice]:
    """Give the frames of a file their places in space.

    Args:
        dataset: The file.
        frames: (frames, rows, columns), what is known of its pixels.
        source: For messages.

    Raises:
        ScanCorruptError: The header cannot be read.
    """
    with decoding("DICOM image", source=source):
        inverted = is_inverted(dataset)
        first = number(dataset, "InstanceNumber") or 0.0
        return [
            _slice(dataset, index, pixels, inverted, first + index)
            for index, pixels in enumerate(frames)
        ]


def _slice(
    dataset: Dataset, index: int, pixels: FloatArray, inverted: bool, instance: float
) -> Slice:
    measures = "PixelMeasuresSequence"
    position = _frame_numbers(dataset, index, "PlanePositionSequence", "ImagePositionPatient", 3)
    cosines = _frame_numbers(
        dataset, index, "PlaneOrientationSequence", "ImageOrientationPatient", 6
    )
    spacing = _frame_numbers(dataset, index, measures, "PixelSpacing", 2)
    known = spacing is not None and all(1e-3 < step < 1e3 for step in spacing)
    thickness = _frame_number(dataset, index, measures, "SpacingBetweenSlices")
    thickness = thickness or _frame_number(dataset, index, measures, "SliceThickness") or 1.0
    return Slice(
        pixels,
        inverted,
        None if position is None else np.array(position) * _LPS_TO_RAS,
        None if cosines is None else directions_from(cosines),
        (spacing[0], spacing[1]) if spacing is not None and known else None,
        min(max(abs(thickness), 1e-2), 1e3),
        instance,
    )


def directions_from(cosines: tuple[float, ...]) -> Affine | None:
    """Unit vectors of growing row and column index, if the six numbers are two of them.

    Args:
        cosines: ImageOrientationPatient.

    Returns:
        As `Slice.directions`.
    """
    # The first three run along a row, so along growing column index.
    column, row = np.array(cosines[:3]), np.array(cosines[3:])
    lengths = np.array([np.linalg.norm(row), np.linalg.norm(column)])
    if np.abs(lengths - 1).max() > 0.1 or abs(float(row @ column)) > 0.1:
        return None
    directions: Affine = np.stack([row, column]) / lengths[:, None] * _LPS_TO_RAS
    return directions


def _frame_number(dataset: Dataset, index: int, group: str, keyword: str) -> float | None:
    values = _frame_numbers(dataset, index, group, keyword, 1)
    return values[0] if values else None


def _frame_numbers(
    dataset: Dataset, index: int, group: str, keyword: str, count: int
) -> tuple[float, ...] | None:
    """A value of one frame: of its own functional group, else the shared one, else the file's."""
    for home in _homes(dataset, index, group):
        values = numbers(home, keyword, count)
        if values is not None:
            return values
    return None


def _homes(dataset: Dataset, index: int, group: str) -> Iterator[Dataset]:
    for name, place in (
        ("PerFrameFunctionalGroupsSequence", index),
        ("SharedFunctionalGroupsSequence", 0),
    ):
        item = _item(_item(dataset, name, place), group, 0)
        if item is not None:
            yield item
    yield dataset


def _item(dataset: Dataset | None, sequence: str, index: int) -> Dataset | None:
    """An item of a sequence; None where there is none."""
    if dataset is None:
        return None
    items = dataset.get(sequence)
    return items[index] if isinstance(items, Sequence) and index < len(items) else None
