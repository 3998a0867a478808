"""Pictures: JPEG, PNG, TIFF, BMP, WebP.

Colour becomes luminance (ITU-R BT.601, as Pillow's ``L``, but unrounded); what is transparent is
laid over black; an EXIF rotation is applied. A TIFF of several pages of one size is a volume
without known geometry. A moving PNG or WebP is refused, since no one frame is *the* picture.
"""

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import PurePath

import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.Image import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from tumorlens.errors import ScanContentError
from tumorlens.reading.checks import check_shape, check_slices, check_values
from tumorlens.reading.decoding import decoding
from tumorlens.reading.limits import Limits
from tumorlens.reading.sequence import guess_sequence
from tumorlens.reading.tiff_pages import count_pages
from tumorlens.scan import FloatArray, Scan, Volume

# The classes themselves and not `PIL.Image.open`, which compares the size with a limit of its
# own (a global) before we could compare it with ours.
_FORMATS: dict[bytes, tuple[str, type[ImageFile]]] = {
    b"\xff\xd8": ("JPEG picture", JpegImageFile),
    b"\x89P": ("PNG picture", PngImageFile),
    b"II": ("TIFF picture", TiffImageFile),
    b"MM": ("TIFF picture", TiffImageFile),
    b"BM": ("BMP picture", BmpImageFile),
    b"RI": ("WebP picture", WebPImageFile),
}
_LUMINANCE = (299, 587, 114)
_EXIF_ORIENTATION = 0x0112
_UPRIGHT: dict[int, Callable[[FloatArray], FloatArray]] = {
    1: lambda pixels: pixels,
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).T,
    8: np.rot90,
}
_TIFF_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0
_SCALAR = {"L", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"}
_ALPHA = {"P", "PA", "LA", "La", "RGBA", "RGBa"}


def read(data: bytes, *, source: str, limits: Limits) -> Scan | Volume:
    """Decode the bytes of one picture.

    Args:
        data: The whole file.
        source: Its name, passed on; the MR sequence is guessed from it.
        limits: How many pixels it may have.

    Returns:
        A `Scan` in 0..255 (8 bits), 0..65535 (16 bits) or the file's own units (32 bits, float)
        without spacing; or a `Volume` for a TIFF of several pages.

    Raises:
        ScanCorruptError: It cannot be decoded.
        ScanTooLargeError: It has more pixels or pages than allowed; nothing was decoded.
        ScanContentError: It moves, its pages differ in size, or its values are no picture.
    """
    kind, opener = _FORMATS[data[:2]]
    if opener is WebPImageFile:
        check_shape(_webp_shape(data, source), source=source, limits=limits)
    with decoding(kind, source=source):
        picture = opener(BytesIO(data))
        check_shape(picture.size[::-1], source=source, limits=limits)
        if opener is TiffImageFile:
            pages = count_pages(data, most=limits.max_slices)
            check_slices(pages, source=source, limits=limits)
        count = int(getattr(picture, "n_frames", 1))
    if count > 1 and opener is not TiffImageFile:
        raise ScanContentError(
            expected="a still picture",
            found=f"a moving one of {count} frames",
            remedy="Save the frame that matters as a PNG.",
            source=source,
        )
    check_shape((count, *picture.size), source=source, limits=limits)
    with decoding(kind, source=source):
        shown = [_page(picture, index, source=source, limits=limits) for index in range(count)]
    sequence = guess_sequence(PurePath(source).name)
    if count == 1:
        check_values(shown[0], source=source)
        return Scan(shown[0], source, sequence=sequence)
    voxels = _stacked(shown, source)
    check_values(voxels, source=source)
    return Volume(voxels, source, sequence=sequence)


def _page(picture: ImageFile, index: int, *, source: str, limits: Limits) -> FloatArray:
    """float32, (rows, columns): one page of the file, upright."""
    if index:
        picture.seek(index)
        check_shape(picture.size[::-1], source=source, limits=limits)
    white_is_zero = _white_is_zero(picture)
    picture.load()
    pixels = _UPRIGHT[_exif_orientation(picture)](_gray(picture))
    return np.ascontiguousarray(pixels.max() + pixels.min() - pixels if white_is_zero else pixels)


def _stacked(pages: list[FloatArray], source: str) -> FloatArray:
    """float32, (pages, rows, columns)."""
    first = pages[0].shape
    for number, page in enumerate(pages, 1):
        if page.shape != first:
            raise ScanContentError(
                expected="pages of one size",
                found=f"page 1 of {first[1]} x {first[0]}, page {number} of "
                f"{page.shape[1]} x {page.shape[0]}",
                remedy="Save the page that matters as a picture of its own.",
                source=source,
            )
    return np.stack(pages)


def _gray(picture: Image) -> FloatArray:
    """float32, (rows, columns): the luminance of a picture of any mode."""
    keyed = "transparency" in picture.info and picture.mode in {"1", "L", "RGB"}
    if picture.mode == "1" and not keyed:
        picture = picture.convert("L")
    if picture.mode in _SCALAR and not keyed:
        return np.asarray(picture, np.float32)
    target = "RGBA" if keyed or picture.mode in _ALPHA else "RGB"
    channels = np.asarray(picture.convert(target), np.float32)
    gray = luminance(channels)
    if target == "RGBA":
        gray *= channels[..., 3] / 255
    return gray


def luminance(channels: FloatArray) -> FloatArray:
    """The luminance of colours after ITU-R BT.601; of grey ones exactly that grey.

    Args:
        channels: float32, (..., 3 or more): red, green, blue.

    Returns:
        float32, (...), in the same units.
    """
    red, green, blue = _LUMINANCE
    total = channels[..., 0] * red + channels[..., 1] * green + channels[..., 2] * blue
    return np.asarray(total / 1000, np.float32)


def _exif_orientation(picture: ImageFile) -> int:
    try:
        value = picture.getexif().get(_EXIF_ORIENTATION, 1)
        return int(value) if value in range(1, 9) else 1
    except Exception:  # damaged metadata must not cost the picture
        return 1


def _white_is_zero(picture: ImageFile) -> bool:
    """Whether a TIFF stores dark as bright in a way that Pillow leaves as it is."""
    if not isinstance(picture, TiffImageFile) or picture.mode not in {"I;16", "I;16B", "I", "F"}:
        return False
    return bool(picture.tag_v2.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO)


def _webp_shape(data: bytes, source: str) -> tuple[int, int]:
    """(rows, columns) from a WebP header: Pillow reserves the canvas before it tells the size."""
    with decoding("WebP picture", source=source):
        if data[12:16] == b"VP8X":
            columns = int.from_bytes(data[24:27], "little") + 1
            return int.from_bytes(data[27:30], "little") + 1, columns
        if data[12:16] == b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
        columns, rows = struct.unpack_from("<HH", data, 26)
        return rows & 0x3FFF, columns & 0x3FFF
