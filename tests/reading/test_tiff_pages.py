"""Pages are counted as Pillow counts them, but without its work, and only so far."""

import struct
import time
from io import BytesIO

import pytest
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from tests.reading.made import picture, picture_bytes
from tumorlens.errors import ScanTooLargeError
from tumorlens.reading import Limits, image
from tumorlens.reading.tiff_pages import count_pages


def tiny_pages(count: int, *, order: str = "<", loop: bool = False) -> bytes:
    """A TIFF of pages of 2 x 2 pixels that share their pixels."""
    tags = [(256, 3, 2), (257, 3, 2), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    tags += [(277, 3, 1), (278, 3, 2), (279, 4, 4)]
    start, length = 12, 2 + 12 * len(tags) + 4
    data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    data += bytes((0, 80, 160, 255))
    for page in range(count):
        following = start + length * (page + 1)
        if page == count - 1:
            following = start if loop else 0
        data += struct.pack(f"{order}H", len(tags))
        for tag, kind, value in tags:
            packed = (
                struct.pack(f"{order}HH", value, 0)
                if kind == 3
                else struct.pack(f"{order}I", value)
            )
            data += struct.pack(f"{order}HHI", tag, kind, 1) + packed
        data += struct.pack(f"{order}I", following)
    return data


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("count", [1, 2, 9])
def test_pages_are_those_that_pillow_finds(order: str, count: int) -> None:
    data = tiny_pages(count, order=order)
    assert TiffImageFile(BytesIO(data)).n_frames == count
    assert count_pages(data, most=100) == count


@pytest.mark.parametrize("big", [False, True])
def test_pages_that_pillow_writes(big: bool) -> None:
    pages = [Image.fromarray(picture())] * 3
    data = picture_bytes(pages[0], "TIFF", save_all=True, append_images=pages[1:], big_tiff=big)
    assert (data[2] == 43) == big
    assert count_pages(data, most=100) == 3


def test_a_loop_ends() -> None:
    assert count_pages(tiny_pages(5, loop=True), most=100) == 5


def test_counting_ends_where_it_is_too_many() -> None:
    assert count_pages(tiny_pages(50), most=10) == 11


@pytest.mark.parametrize("data", [b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0+" + b"\xff" * 12])
def test_what_points_nowhere_has_no_pages(data: bytes) -> None:
    assert count_pages(data, most=10) == 0


def test_too_many_pages_are_refused_before_any_is_looked_at() -> None:
    data = tiny_pages(4_000)
    began = time.monotonic()
    with pytest.raises(ScanTooLargeError, match="2,048 slices"):
        image.read(data, source="x", limits=Limits())
    assert time.monotonic() - began < 1
    assert image.read(tiny_pages(9), source="x", limits=Limits(max_slices=9))
    with pytest.raises(ScanTooLargeError, match="10 or more"):
        image.read(tiny_pages(10), source="x", limits=Limits(max_slices=9))
