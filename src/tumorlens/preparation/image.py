"""What a network sees of a slice, and the way back to the slice's own pixels."""

from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from PIL import Image as Pillow

from tumorlens.preparation.head import find_head
from tumorlens.preparation.percentiles import percentiles, scale_between
from tumorlens.preparation.skull_stripping import strip_skull, stripper
from tumorlens.scan import FloatArray, Scan


@dataclass(frozen=True, slots=True)
class Preparation:
    """The settings of `prepare`; they travel in the model's card.

    Attributes:
        size: Side of the square picture in pixels.
        percentiles: Intensities (low, high) within the head's rectangle that become 0 and 1,
            in percent.
        head_threshold: What counts as head when the border is cropped; see `find_head`.
        margin: Kept around the head, as a fraction of its side.
        skull_strip: The name in `SKULL_STRIPPERS` by which the skull is taken off first; None to
            leave it on. One that takes volumes is used by `tumorlens.predict`, before a volume
            is cut into slices.

    Raises:
        ConfigError: There is no such method.
    """

    size: int = 224
    percentiles: tuple[float, float] = (0.5, 99.5)
    head_threshold: float = 0.1
    margin: float = 0.02
    skull_strip: str | None = None

    def __post_init__(self) -> None:
        if self.skull_strip is not None:
            stripper(self.skull_strip)

    def unstripping(self) -> "Preparation":
        """The same for what is already stripped, or prepared."""
        return replace(self, skull_strip=None)

    def to_json(self) -> dict[str, Any]:
        """The settings by name, as they stand in the card.

        ``skull_strip`` is there only if it is set, so that older versions read other cards.
        """
        told = asdict(self) | {"percentiles": list(self.percentiles)}
        if self.skull_strip is None:
            del told["skull_strip"]
        return told


class Box(NamedTuple):
    """A rectangle in pixels; ``bottom`` and ``right`` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the prepared picture came from, so that a map can be laid back on the scan.

    Attributes:
        shape: (rows, columns) of the scan.
        crop: The part of the scan that was kept, in the scan's pixels.
        inset: Where that part lies in the square picture, in the picture's pixels.
        size: Side of the square picture.
    """

    shape: tuple[int, int]
    crop: Box
    inset: Box
    size: int

    def to_square(self, on_scan: FloatArray) -> FloatArray:
        """Lay a map of the scan's own grid on the square picture, as the scan itself was.

        Args:
            on_scan: float32, (rows, columns) of the scan, such as a tumor's mask.

        Returns:
            float32, (size, size), interpolated linearly; 0 where nothing was scanned.
        """
        crop, inset = self.crop, self.inset
        part = on_scan[crop.top : crop.bottom, crop.left : crop.right]
        square = np.zeros((self.size, self.size), np.float32)
        square[inset.top : inset.bottom, inset.left : inset.right] = _resize(
            part, (inset.bottom - inset.top, inset.right - inset.left)
        )
        return square

    def to_scan(self, square: FloatArray) -> FloatArray:
        """Lay a map of the square picture back on the scan's own grid.

        Args:
            square: float32, (h, w), any resolution; it covers the whole square picture.

        Returns:
            float32, (rows, columns) of the scan, interpolated linearly; 0 outside the part
            of the scan that the network saw.
        """
        full = _resize(square, (self.size, self.size))
        part = full[self.inset.top : self.inset.bottom, self.inset.left : self.inset.right]
        crop = self.crop
        on_scan = np.zeros(self.shape, np.float32)
        on_scan[crop.top : crop.bottom, crop.left : crop.right] = _resize(
            part, (crop.bottom - crop.top, crop.right - crop.left)
        )
        return on_scan


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A prepared slice.

    Attributes:
        pixels: float32, (size, size), 0..1 in steps of 1/255, black where nothing was scanned.
        placement: The way back to the scan.
    """

    pixels: FloatArray
    placement: Placement


def prepare(scan: Scan, preparation: Preparation | None = None) -> Image:
    """Make of a slice what a network sees.

    The skull is taken off if that is set, the black border is cropped to the head, intensities
    are scaled between two percentiles to 0..1, the slice is resized with its physical aspect kept
    (non-square pixels are made square where ``spacing_mm`` is known) and centred on a black square.

    Args:
        scan: The slice, as read.
        preparation: The settings; the defaults where None.

    Returns:
        The picture, with 256 grey levels, so that it can be kept as uint8 without loss.

    Raises:
        ScanContentError: The skull cannot be taken off this slice, by a method for volumes say.
        MissingExtraError: The method is not installed.
    """
    preparation = preparation or Preparation()
    if preparation.skull_strip is not None:
        scan = strip_skull(scan, preparation.skull_strip)
    crop = Box(
        *find_head(scan.pixels, threshold=preparation.head_threshold, margin=preparation.margin)
    )
    head = scan.pixels[crop.top : crop.bottom, crop.left : crop.right]
    inset = _inset(head.shape, scan.spacing_mm, preparation.size)
    square = np.zeros((preparation.size, preparation.size), np.float32)
    scaled = _resize(
        _scale_intensity(head, preparation.percentiles),
        (inset.bottom - inset.top, inset.right - inset.left),
    )
    square[inset.top : inset.bottom, inset.left : inset.right] = np.rint(scaled * 255) / 255
    return Image(square, Placement(scan.pixels.shape, crop, inset, preparation.size))


def _scale_intensity(pixels: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """float32 in 0..1; all 0 where the percentiles coincide."""
    low, high = percentiles(pixels, *ends)
    if high <= low:
        return np.zeros_like(pixels)
    return scale_between(pixels, low, high)


def _inset(shape: tuple[int, ...], spacing_mm: tuple[float, float] | None, size: int) -> Box:
    """The largest centred rectangle of the head's physical aspect in a square of ``size``."""
    per_row, per_column = spacing_mm or (1.0, 1.0)
    height, width = shape[0] * per_row, shape[1] * per_column
    scale = size / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (size - rows) // 2, (size - columns) // 2
    return Box(top, left, top + rows, left + columns)


def _resize(pixels: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Linear interpolation, averaging where it shrinks; float32 in, float32 out."""
    picture = Pillow.fromarray(np.ascontiguousarray(pixels, np.float32))
    resized = picture.resize((shape[1], shape[0]), Pillow.Resampling.BILINEAR)
    return np.asarray(resized, np.float32)
