"""What made-up pictures are put together from: heads' textures, round shapes, clouds."""

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageFilter

from tumorlens.lab.pictures import ByteArray
from tumorlens.scan import FloatArray

Random = np.random.Generator
Mask = npt.NDArray[np.bool_]


def one_head(heads: ByteArray, random: Random) -> ByteArray:
    """A head by chance: uint8, (size, size)."""
    return np.asarray(heads[random.integers(len(heads))])


def outline(head: ByteArray) -> Mask:
    """The head with all holes that are closed along rows and columns."""
    mask = blurred(head, len(head) / 56) > 20
    whole = np.ones_like(mask)
    for axis in (0, 1):
        there = np.maximum.accumulate(mask, axis)
        back = np.flip(np.maximum.accumulate(np.flip(mask, axis), axis), axis)
        whole &= there & back
    return whole


def shrunk(mask: Mask, pixels: float) -> Mask:
    """The mask without a rim of about that many pixels."""
    picture = Pillow.fromarray(mask.astype(np.uint8) * 255)
    return (
        np.asarray(picture.filter(ImageFilter.MinFilter(2 * max(1, round(pixels / 2)) + 1))) > 127
    )


def blurred(picture: npt.ArrayLike, radius: float) -> FloatArray:
    """float32, 0..255, smoothed with a Gaussian of that many pixels."""
    levels = np.clip(picture, 0, 255).astype(np.uint8)
    return np.asarray(Pillow.fromarray(levels).filter(ImageFilter.GaussianBlur(radius)), np.float32)


def resized(picture: npt.NDArray[np.uint8] | FloatArray, side: int) -> FloatArray:
    """float32, (side, side)."""
    source = Pillow.fromarray(np.ascontiguousarray(picture, np.float32))
    return np.asarray(source.resize((side, side), Pillow.Resampling.BICUBIC), np.float32)


def sheet(parts: list[npt.NDArray[np.uint8]] | list[FloatArray], count: int) -> FloatArray:
    """Parts row by row, ``count`` of them a side, as one picture."""
    rows = [np.concatenate(parts[n * count : n * count + count], axis=1) for n in range(count)]
    return np.asarray(np.concatenate(rows), np.float32)


def texture(heads: ByteArray, random: Random) -> FloatArray:
    """A part of a head, magnified, brighter or darker."""
    size = heads.shape[1]
    side = int(size * random.uniform(0.18, 0.5))
    top, left = random.integers(size // 6, max(size // 6 + 1, size - size // 6 - side), 2)
    part = np.rot90(
        one_head(heads, random)[top : top + side, left : left + side], int(random.integers(4))
    )
    return np.asarray(np.clip(resized(part, size) * random.uniform(0.3, 1.3), 0, 255), np.float32)


def blob(size: int, row: float, column: float, radius: float, random: Random) -> Mask:
    """A round shape with an uneven rim."""
    down, across = np.mgrid[:size, :size].astype(np.float32)
    turn = np.arctan2(down - row, across - column)
    rim = 1 + sum(
        0.12 / k * random.normal() * np.cos(k * turn + random.uniform(0, 2 * np.pi))
        for k in range(1, 6)
    )
    far = np.hypot((down - row) * random.uniform(0.65, 1.5), across - column)
    return np.asarray(far < radius * rim)


def cloud(size: int, random: Random, most: int) -> FloatArray:
    """Smooth noise, about -2..2."""
    side = int(random.integers(3, most))
    return resized(np.asarray(random.normal(size=(side, side)), np.float32), size)
