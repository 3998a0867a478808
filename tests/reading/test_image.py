"""Pictures of every mode, by what Pillow itself makes of them."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from tumorlens.errors import (
    ScanContentError,
    ScanCorruptError,
    ScanEmptyError,
    ScanError,
    ScanTooLargeError,
)
from tumorlens.reading import Limits, image
from tumorlens.reading.image import luminance
from tumorlens.reading.limits import DEFAULT_LIMITS
from tumorlens.scan import Scan, Volume

from .made import picture, picture_bytes


def read(data: bytes, source: str = "scan", limits: Limits = DEFAULT_LIMITS) -> np.ndarray:
    scan = image.read(data, source=source, limits=limits)
    assert isinstance(scan, Scan)
    return scan.pixels


def colours() -> Image.Image:
    return Image.fromarray(np.stack([picture(), picture()[::-1], picture()[:, ::-1]], -1))


@pytest.mark.parametrize("suffix", ["PNG", "BMP", "TIFF"])
def test_grey_is_exact(suffix: str) -> None:
    np.testing.assert_array_equal(read(picture_bytes(picture(), suffix)), picture())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "CMYK", "1"])
def test_grey_in_any_mode_is_that_grey(mode: str) -> None:
    grey = Image.fromarray(picture())
    expected = np.asarray(grey.convert("1").convert("L")) if mode == "1" else picture()
    suffix = "TIFF" if mode == "CMYK" else "PNG"
    np.testing.assert_array_equal(read(picture_bytes(grey.convert(mode), suffix)), expected)


def test_colour_is_the_luminance_of_pillow() -> None:
    found = read(picture_bytes(colours()))
    assert np.abs(found - np.asarray(colours().convert("L"))).max() < 1
    assert len(np.unique(found)) > 256


def test_every_grey_is_exact() -> None:
    grey = np.arange(256, dtype=np.float32)
    np.testing.assert_array_equal(luminance(np.stack([grey] * 3, -1)), grey)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_is_black(mode: str) -> None:
    made = Image.fromarray(picture()).convert(mode)
    options = {}
    if mode == "P":
        hidden = np.asarray(made) == np.asarray(made)[3, 4]
        options["transparency"] = int(np.asarray(made)[3, 4])
    else:
        hidden = np.zeros(picture().shape, bool)
        hidden[2:9, 3:7] = True
        made.putalpha(Image.fromarray(np.where(hidden, 0, 255).astype(np.uint8)))
    found = read(picture_bytes(made, **options))
    np.testing.assert_array_equal(found, np.where(hidden, 0, picture()))


def test_a_transparent_grey_of_a_png_is_black() -> None:
    made = np.where(picture() == 0, 1, picture())
    found = read(picture_bytes(made, transparency=int(made[0, 0])))
    np.testing.assert_array_equal(found, np.where(made == made[0, 0], 0, made))


@pytest.mark.parametrize(
    ("dtype", "suffix"),
    [(np.uint16, "PNG"), (np.uint16, "TIFF"), (np.int32, "TIFF"), (np.float32, "TIFF")],
)
def test_deep_values_are_kept(dtype: type, suffix: str) -> None:
    values = (picture().astype(np.int64) * 211).astype(dtype)
    np.testing.assert_array_equal(read(picture_bytes(values, suffix)), values.astype(np.float32))


@pytest.mark.parametrize("size", [1e16, 3e38])
def test_values_that_are_no_signal(size: float) -> None:
    values = (picture() / 127.5 - 1).astype(np.float32) * np.float32(size)
    with pytest.raises(ScanContentError, match="within 1e\\+15 of 0"):
        read(picture_bytes(values, "TIFF"))


def test_large_values_are_kept() -> None:
    values = picture().astype(np.float32) * np.float32(1e12)
    np.testing.assert_array_equal(read(picture_bytes(values, "TIFF")), values)


def test_white_is_zero() -> None:
    values = picture().astype(np.uint16) * 211
    data = picture_bytes(values, "TIFF", tiffinfo={262: 0})
    found = read(data)
    if Image.open(BytesIO(data)).tag_v2[262] == 0:
        np.testing.assert_array_equal(found, values.max() + values.min() - values.astype(float))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "TIFF"])
def test_exif_rotation(orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = picture_bytes(picture(), suffix, exif=exif)
    with Image.open(BytesIO(data)) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    np.testing.assert_array_equal(read(data), expected)


def test_damaged_exif_costs_nothing() -> None:
    data = picture_bytes(picture(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\xff\xff")
    assert read(data).shape == picture().shape


def test_pages_are_a_volume() -> None:
    pages = [Image.fromarray(picture() + i) for i in range(3)]
    data = picture_bytes(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    volume = image.read(data, source="t2.tif", limits=Limits())
    assert isinstance(volume, Volume)
    assert (volume.plane, volume.affine, volume.spacing_mm) == (None, None, None)
    assert volume.sequence == "t2"
    np.testing.assert_array_equal(volume.voxels, np.stack([np.asarray(p) for p in pages]))


def test_pages_of_several_sizes() -> None:
    other = Image.fromarray(picture(8, 9))
    data = picture_bytes(picture(), "TIFF", save_all=True, append_images=[other])
    with pytest.raises(ScanContentError, match="page 2 of 9 x 8"):
        image.read(data, source="x", limits=Limits())


@pytest.mark.parametrize("suffix", ["PNG", "WEBP"])
def test_moving_pictures(suffix: str) -> None:
    others = [Image.fromarray(picture()[::-1].copy())]
    data = picture_bytes(picture(), suffix, save_all=True, append_images=others)
    with pytest.raises(ScanContentError, match="2 frames"):
        read(data)


def png_header(columns: int, rows: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def webp_header(columns: int, rows: int) -> bytes:
    size = (columns - 1).to_bytes(3, "little") + (rows - 1).to_bytes(3, "little")
    return b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + size


@pytest.mark.parametrize("size", [(9000, 9000), (60000, 60000), (2**24, 2**20)])
@pytest.mark.parametrize("header", [png_header, webp_header])
def test_bombs(header, size: tuple[int, int]) -> None:
    with pytest.raises(ScanTooLargeError):
        read(header(*size))


def test_a_picture_of_no_pixels() -> None:
    with pytest.raises((ScanEmptyError, ScanCorruptError)):
        read(png_header(0, 5))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_none(value: float) -> None:
    values = picture().astype(np.float32)
    values[2, 3] = value
    with pytest.raises(ScanContentError, match="1 of 768"):
        read(picture_bytes(values, "TIFF"))


@pytest.mark.parametrize("mode", ["L", "RGB", "1"])
def test_one_value_everywhere(mode: str) -> None:
    with pytest.raises(ScanContentError, match="everywhere"):
        read(picture_bytes(Image.new(mode, (20, 20))))


def test_globals_of_pillow_are_left_alone(tmp_path: Path) -> None:
    from PIL import ImageFile

    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ScanError):
        read(picture_bytes(picture())[:100])
    assert before == Image.MAX_IMAGE_PIXELS
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
