"""Where each pixel of a scan lies in the DICOM files that it was read from, and their headers.

What is found in a scan can so be said of the source's own images. This is the only road by which
the patient's elements leave the reader; they may only go into other DICOM objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from tumorlens.reading.dicom.header import parse_images
from tumorlens.reading.dicom.pixels import frame_shape
from tumorlens.reading.dicom.slices import Slice, frames_of
from tumorlens.reading.dicom.stack import stack
from tumorlens.reading.limits import DEFAULT_LIMITS, Limits
from tumorlens.scan import FloatArray, Volume

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """The source of one scan or volume.

    Attributes:
        source: Its name, for messages.
        headers: The data sets of the files without their pixels, copies of an image left out.
        shape: (frames, rows, columns) of all files' frames one after another.
        places: int64, (slices, rows, columns) as shown: the index of each pixel among all the
            stored ones.
    """

    source: str
    headers: tuple[Dataset, ...]
    shape: tuple[int, int, int]
    places: npt.NDArray[np.int64]

    def to_stored(self, mask: BoolArray) -> BoolArray:
        """A mask of the scan, laid on the stored frames.

        Args:
            mask: bool, (slices, rows, columns) of the volume or (rows, columns) of the scan.

        Returns:
            bool, (frames, rows, columns), of `shape`.
        """
        stored = np.zeros(self.shape, bool)
        stored.ravel()[self.places.ravel()] = mask.ravel()
        return stored

    def image_of(self, index: int) -> tuple[Dataset, int | None] | None:
        """The one stored image that a shown slice is.

        Args:
            index: Of the slice, 0-based.

        Returns:
            Its header, and the 1-based number of its frame in a file of several; None where the
            slice is cut across the stored ones.
        """
        frames = np.unique(self.places[index] // (self.shape[1] * self.shape[2]))
        if len(frames) > 1:
            return None
        frame = int(frames[0])
        for header in self.headers:
            count = int(header.get("NumberOfFrames", 1) or 1)
            if frame < count:
                return header, (frame + 1 if count > 1 else None)
            frame -= count
        raise AssertionError("more frames than the headers tell of")

    def line_of(self, index: int) -> tuple[Literal["row", "column"], int]:
        """The line of every stored image that a shown slice is cut along.

        Args:
            index: Of a slice that is no stored image (`image_of`), 0-based.

        Returns:
            Whether it is a row or a column, and its 1-based number.
        """
        _, rows, columns = np.unravel_index(self.places[index], self.shape)
        return ("column", int(columns[0, 0]) + 1) if np.ptp(rows) else ("row", int(rows[0, 0]) + 1)


def trace(files: Sequence[Path], *, source: str, limits: Limits = DEFAULT_LIMITS) -> Origin:
    """Find where a scan came from; the pixels are not decoded.

    Args:
        files: Those that the scan was read from, one or a series.
        source: Its name, for messages.
        limits: How large each file may be.

    Raises:
        ScanError: The files cannot be read as one MR scan, as `tumorlens.reading.read_source`.
    """
    headers: list[Dataset] = []
    slices: list[Slice] = []
    start = 0
    for name, dataset in parse_images(files, limits=limits):
        frames, rows, columns = frame_shape(dataset, source=name)
        numbers = start + np.arange(frames * rows * columns, dtype=np.int64)
        start += numbers.size
        # Numbers of pixels take the very same way as the pixels did.
        numbered = cast(FloatArray, numbers.reshape(frames, rows, columns))
        slices += frames_of(dataset, numbered, source=name)
        headers.append(_without_pixels(dataset))
    uninverted = [replace(one, inverted=False) for one in slices]
    shown = stack(uninverted, source=source, sequence=None, limits=limits)
    places = shown.voxels if isinstance(shown, Volume) else shown.pixels[np.newaxis]
    rows, columns = slices[0].pixels.shape
    return Origin(
        source, tuple(headers), (len(slices), rows, columns), places.astype(np.int64, copy=False)
    )


def _without_pixels(dataset: Dataset) -> Dataset:
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if keyword in dataset:
            del dataset[keyword]
    return dataset
