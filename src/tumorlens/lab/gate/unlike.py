"""Made-up pictures for fitting the input gate: what is no brain MRI, and brain MRI changed.

Nothing is copied from anywhere: heads of the training part are turned into something that is no
brain MRI any more (a CT's gray levels, shuffled tiles, a contact sheet, flesh in another
outline), and charts, text, patterns and other bodies (`tumorlens.lab.gate.bodies`) are drawn. On
the other side heads lose their skull or their sharpness, or lie otherwise in their frame, so that
scans prepared elsewhere are not refused for that.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from tumorlens.lab.gate.bodies import chest, joint, limb_across, scene, ultrasound
from tumorlens.lab.gate.drawing import (
    Random,
    blob,
    blurred,
    cloud,
    one_head,
    outline,
    resized,
    sheet,
    shrunk,
    texture,
)
from tumorlens.lab.pictures import ByteArray
from tumorlens.scan import FloatArray

Maker = Callable[[ByteArray, Random], FloatArray]

_WORDS = ("score", "model", "epoch", "loss", "value", "file", "edit", "total", "0.93", "table")


def computed_tomography(heads: ByteArray, random: Random) -> FloatArray:
    """A head with a CT's gray levels: bone at one white level, the brain flat and noisy."""
    head = one_head(heads, random)
    side = len(head)
    scalp = shrunk(outline(head), side * random.uniform(0.02, 0.04))
    inside = shrunk(scalp, side * random.uniform(0.04, 0.09))
    brain = blurred(head, side * random.uniform(0.005, 0.013))
    low, high = np.percentile(brain[inside], (2, 98)) if inside.any() else (0.0, 255.0)
    flat = np.clip((brain - low) / max(float(high - low), 1.0), 0, 1) - 0.5
    flat *= random.choice((-1, 1)) * random.uniform(15, 70)
    picture = np.zeros(head.shape, np.float32)
    picture[outline(head)] = random.uniform(20, 90)
    picture[scalp] = 255
    picture[inside] = (random.uniform(60, 140) + flat)[inside]
    picture += random.normal(0, random.uniform(2, 9), head.shape) * (picture > 0)
    return blurred(picture, side / 320)


def tiles(heads: ByteArray, random: Random) -> FloatArray:
    """One head cut into 4 to 16 tiles, turned and shuffled."""
    head, count = one_head(heads, random), int(random.integers(2, 5))
    side = len(head) // count
    parts = [
        np.rot90(head[row * side : row * side + side, column * side : column * side + side], turn)
        for row in range(count)
        for column in range(count)
        for turn in [int(random.integers(4))]
    ]
    return sheet([parts[number] for number in random.permutation(len(parts))], count)


def contact_sheet(heads: ByteArray, random: Random) -> FloatArray:
    """Four or nine heads on one sheet."""
    count = int(random.integers(2, 4))
    side = heads.shape[1] // count
    return sheet([resized(one_head(heads, random), side) for _ in range(count**2)], count)


def magnified(heads: ByteArray, random: Random) -> FloatArray:
    """A small part of two heads side by side, magnified."""
    pair = np.concatenate(
        [np.rot90(one_head(heads, random), int(random.integers(4))) for _ in range(2)]
    )
    side = int(pair.shape[1] * random.uniform(0.27, 0.6))
    top, left = (int(random.integers(0, length - side)) for length in pair.shape)
    return resized(pair[top : top + side, left : left + side], heads.shape[1])


def limb(heads: ByteArray, random: Random) -> FloatArray:
    """Flesh and bone as MRI shows them, in an outline that is no head's."""
    size = heads.shape[1]
    outer = blob(size, size / 2, size / 2, size * random.uniform(0.33, 0.47), random)
    picture = texture(heads, random) * outer
    for _ in range(random.integers(1, 9)):
        row, column = random.uniform(0.13, 0.87, 2) * size
        part = blob(size, row, column, size * random.uniform(0.05, 0.25), random)
        if random.random() < 0.6:
            picture[blurred(part * 255, size / 110) > 20] *= random.uniform(0.1, 0.5)
        fill = texture(heads, random) * random.uniform(0, 1) + random.uniform(0, 180)
        picture = np.where(part, fill, picture)
    if random.random() < 0.5:
        rim = outer & ~shrunk(outer, size * random.uniform(0.02, 0.09))
        picture[rim] = random.uniform(100, 255)
    picture = blurred(picture, random.uniform(0.3, 1.2))
    noisy = picture + random.normal(0, random.uniform(1, 6), picture.shape)
    return np.asarray(noisy * outer if random.random() < 0.7 else noisy, np.float32)


def chart(_heads: ByteArray, random: Random) -> FloatArray:
    """A drawn chart or page of text, dark on light or light on dark."""
    width, height = (int(random.integers(250, 420)) for _ in range(2))
    paper, ink = (int(random.integers(215, 256)), int(random.integers(0, 90)))
    if random.random() < 0.4:
        paper, ink = ink // 2, paper
    picture = Pillow.new("L", (width, height), paper)
    draw = ImageDraw.Draw(picture)
    kind = int(random.integers(4))
    for top in range(4, height if kind == 3 else 20, 16):
        words = " ".join(random.choice(_WORDS, int(random.integers(2, 12))))
        draw.text((int(random.integers(5, 40)), top), words, ink, ImageFont.load_default(11.0))
    if kind < 3:
        draw.line([(40, 25), (40, height - 30), (width - 15, height - 30)], ink, 2)
    places = np.linspace(45, width - 25, int(random.integers(4, 40)))
    heights = np.clip(random.normal(0.5, 0.25, len(places)), 0.05, 0.95) * (height - 60) + 25
    shade = int(random.integers(40, 200))
    if kind == 0:
        draw.line(list(zip(places, heights, strict=True)), shade, int(random.integers(1, 4)))
    for place, top in zip(places, heights, strict=True):
        if kind == 1:
            draw.rectangle([place, top, place + 250 / len(places), height - 30], shade)
        elif kind == 2:
            draw.ellipse([place - 3, top - 3, place + 3, top + 3], shade)
    return np.asarray(picture, np.float32)


def pattern(heads: ByteArray, random: Random) -> FloatArray:
    """Noise, clouds, stripes, plain shapes, or a fan of speckle as ultrasound shows it."""
    size = heads.shape[1]
    row, column = np.mgrid[:size, :size] / size
    kind = random.integers(5)
    if kind == 0:
        return np.asarray(128 + 60 * random.normal(size=(size, size)), np.float32)
    if kind == 1:
        return 128 + 50 * cloud(size, random, 40)
    if kind == 2:
        turn = random.uniform(0, np.pi)
        phase = random.uniform(3, 60) * (row * np.sin(turn) + column * np.cos(turn))
        return np.asarray(127 + 127 * np.sin(phase), np.float32)
    if kind == 3:
        picture = np.full((size, size), random.uniform(0, 200), np.float32)
        for _ in range(random.integers(2, 12)):
            top, left = random.uniform(0, size, 2)
            part = blob(size, top, left, size * random.uniform(0.03, 0.35), random)
            picture[part] = random.uniform(0, 255)
        return picture
    far, turn = np.hypot(row + 0.1, column - 0.5), np.arctan2(column - 0.5, row + 0.1)
    fan = (np.abs(turn) < random.uniform(0.4, 0.8)) & (far < 1.1) & (far > 0.15)
    speckle = random.rayleigh(0.8, (size, size)) * fan
    return np.asarray((90 + 60 * cloud(size, random, 14)) * speckle, np.float32)


def stripped(heads: ByteArray, random: Random) -> FloatArray:
    """A head without its skull, sometimes bright and flat as T1 often is."""
    head = one_head(heads, random)
    inner = shrunk(outline(head), len(head) * random.uniform(0.09, 0.16))
    bent = 255 * (head / 255.0) ** (random.uniform(0.4, 0.9) if random.random() < 0.5 else 1)
    bare = np.asarray(bent * inner, np.float32)
    return soft(bare[np.newaxis], random) if random.random() < 0.4 else bare


def soft(heads: npt.NDArray[np.uint8] | FloatArray, random: Random) -> FloatArray:
    """A head scanned with coarser pixels and another contrast."""
    head = heads[random.integers(len(heads))]
    coarse = resized(head, int(len(head) * random.uniform(0.3, 0.7)))
    fine = resized(np.clip(coarse, 0, 255), len(head))
    return np.asarray(255 * (np.clip(fine, 0, 255) / 255) ** random.uniform(0.6, 1.6), np.float32)


def framed(heads: ByteArray, random: Random) -> FloatArray:
    """A head turned, stretched and cut a little at the edges, as other scans lie in their frame."""
    head = one_head(heads, random)
    sides = [int(len(head) * random.uniform(0.8, 1)) for _ in range(2)]
    stretched = Pillow.fromarray(head.astype(np.float32)).resize(sides, Pillow.Resampling.BILINEAR)
    turned = np.asarray(stretched.rotate(random.uniform(-15, 15), Pillow.Resampling.BILINEAR))
    top, left, bottom, right = (int(len(head) * max(0, random.uniform(-0.1, 0.1))) for _ in "1234")
    kept = turned[top : len(turned) - bottom, left : turned.shape[1] - right]
    return np.asarray(kept, np.float32)


UNLIKE: dict[str, Maker] = {
    "computed_tomography": computed_tomography,
    "tiles": tiles,
    "contact_sheet": contact_sheet,
    "magnified": magnified,
    "limb": limb,
    "chart": chart,
    "pattern": pattern,
    "limb_across": limb_across,
    "joint": joint,
    "chest": chest,
    "ultrasound": ultrasound,
    "scene": scene,
}
"""What is no brain MRI, by name."""

ALTERED: dict[str, Maker] = {"stripped": stripped, "soft": soft, "framed": framed}
"""What still is, by name."""
