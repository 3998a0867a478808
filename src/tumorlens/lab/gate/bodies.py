"""Made-up pictures of other parts of the body, as MRI, X-ray and ultrasound show them.

All is drawn from shapes and noise. They look like the real ones as far as a gate needs: a limb
across and along, a chest, layers of tissue, and shaded shapes in the light of a photograph.
"""

import numpy as np
from PIL import Image as Pillow

from tumorlens.lab.gate.drawing import Mask, Random, blob, blurred, cloud, shrunk
from tumorlens.lab.pictures import ByteArray
from tumorlens.scan import FloatArray


def limb_across(heads: ByteArray, random: Random) -> FloatArray:
    """A limb's cross-section: bones with thin dark rims, muscles parted by fat, skin."""
    size = heads.shape[1]
    outer = blob(size, size / 2, size / 2, size * random.uniform(0.36, 0.46), random)
    picture = _muscles(size, outer, random)
    for number in range(int(random.integers(1, 4))):
        radius = size * (random.uniform(0.1, 0.24) if number == 0 else random.uniform(0.04, 0.15))
        turn, far = random.uniform(0, 2 * np.pi), random.uniform(0, 0.22) * size
        row, column = size / 2 + far * np.sin(turn), size / 2 + far * np.cos(turn)
        bone = blob(size, row, column, radius, random) & outer
        picture = np.where(bone, random.uniform(0, 35), picture)
        core = shrunk(bone, max(2, size * random.uniform(0.008, 0.025)))
        picture = np.where(core, _marrow(size, random), picture)
    if random.random() < 0.6:
        skin = outer & ~shrunk(outer, size * random.uniform(0.006, 0.02))
        picture = np.where(skin, random.uniform(90, 255), picture)
    picture = blurred(picture * outer, random.uniform(0.4, 1.3))
    noise = random.normal(0, random.uniform(1, 7), picture.shape)
    picture = picture + np.where(outer, noise, np.abs(noise) * (random.random() < 0.6))
    turned = np.rot90(picture, int(random.integers(4)))
    return np.asarray(turned[int(size * random.uniform(0, 0.15)) :], np.float32)


def _muscles(size: int, outer: Mask, random: Random) -> FloatArray:
    """Cells of different gray with bright seams, and fat around them."""
    down, across = np.mgrid[:size, :size].astype(np.float32)
    bent = [side + 0.03 * size * cloud(size, random, 8) for side in (down, across)]
    centers = random.uniform(0.08, 0.92, (int(random.integers(5, 16)), 2)) * size
    far = np.stack([np.hypot(bent[0] - row, bent[1] - column) for row, column in centers])
    nearest = np.sort(far, axis=0)[:2]
    fat, muscle = random.uniform(25, 255), random.uniform(8, 70)
    levels = muscle * random.uniform(0.6, 1.4, len(centers))
    picture = levels[far.argmin(axis=0)] + random.uniform(1, 10) * cloud(size, random, 50)
    seam = nearest[1] - nearest[0] < size * random.uniform(0.008, 0.04)
    picture = np.where(seam, fat * random.uniform(0.5, 1), picture)
    around = fat * random.uniform(0.3, 1) + random.uniform(2, 15) * cloud(size, random, 40)
    inner = shrunk(outer, size * random.uniform(0.015, 0.1))
    return np.asarray(np.where(inner, picture, around), np.float32)


def _marrow(size: int, random: Random) -> FloatArray:
    shade = 1 + random.uniform(0, 0.25) * cloud(size, random, 5)
    grain = random.uniform(3, 25) * cloud(size, random, 80)
    return np.asarray(random.uniform(60, 250) * shade + grain, np.float32)


def joint(heads: ByteArray, random: Random) -> FloatArray:
    """Two long bones that meet, in flesh that the picture's edges cut."""
    size = heads.shape[1]
    down, across = np.mgrid[:size, :size].astype(np.float32) / size
    middle = random.uniform(0.4, 0.6) + random.uniform(-0.25, 0.25) * (down - 0.5)
    middle = middle + 0.03 * cloud(size, random, 6)
    off = np.abs(across - middle)
    half = random.uniform(0.3, 0.5) * (
        1 + random.uniform(-0.25, 0.25) * np.cos(2 * np.pi * (down - random.uniform(0, 1)))
    )
    picture = np.where(off < half, random.uniform(60, 255), 0)
    muscle = random.uniform(20, 110) + random.uniform(5, 35) * cloud(size, random, 20)
    picture = np.where(off < half * random.uniform(0.72, 0.95), muscle, picture)
    gap, cartilage = random.uniform(0.35, 0.65), random.uniform(0.01, 0.05)
    for side in (-1, 1):
        deep = (down - gap - 0.02 * cloud(size, random, 5)) * side - cartilage
        end = np.exp(-np.maximum(deep, 0) / random.uniform(0.05, 0.2))
        width = random.uniform(0.1, 0.26) + random.uniform(0.02, 0.2) * end
        bone = (deep > 0) & (off < width)
        rim = bone & ((deep < 0.015) | (off > width - random.uniform(0.008, 0.025)))
        picture = np.where(bone, _marrow(size, random), picture)
        picture = np.where(rim, random.uniform(0, 40), picture)
    picture = blurred(picture * (1 + 0.2 * cloud(size, random, 4)), random.uniform(0.4, 1.8))
    noisy = picture + random.normal(0, random.uniform(1, 9), picture.shape)
    return np.asarray(np.rot90(noisy) if random.random() < 0.35 else noisy, np.float32)


def chest(heads: ByteArray, random: Random) -> FloatArray:
    """A trunk as X-rays show it: dark lungs, a bright spine and heart, ribs across."""
    size = heads.shape[1]
    down, across = np.mgrid[:size, :size].astype(np.float32) / size
    middle = 0.5 + random.uniform(-0.05, 0.05)
    picture = 120 + 70 * np.clip(down, 0, 1) + 10 * cloud(size, random, 6)
    picture = picture + 70 * np.exp(-(((across - middle) / random.uniform(0.04, 0.09)) ** 2))
    for side in (-1, 1):
        column = (middle + side * random.uniform(0.17, 0.25)) * size
        row, radius = random.uniform(0.38, 0.5) * size, size * random.uniform(0.15, 0.24)
        lung = blurred(255.0 * blob(size, row, column, radius, random), size / 45)
        picture = picture - lung / 255 * random.uniform(60, 130)
    bow = down + random.uniform(0.3, 1.2) * (across - middle) ** 2
    ribs = np.clip(np.sin(2 * np.pi * random.uniform(6, 11) * bow), 0, 1) ** 2
    picture = picture + ribs * random.uniform(8, 35)
    if random.random() < 0.7:
        row, column = random.uniform(0.55, 0.7) * size, (middle + random.uniform(0, 0.12)) * size
        heart = 255.0 * blob(size, row, column, size * random.uniform(0.1, 0.17), random)
        picture = picture + blurred(heart, size / 60) / 255 * random.uniform(40, 100)
    if random.random() < 0.5:
        picture = picture * (np.abs(across - middle) < random.uniform(0.4, 0.6))
    noise = random.normal(0, random.uniform(1, 6), picture.shape)
    return np.asarray(blurred(picture, random.uniform(0.3, 1.2)) + noise, np.float32)


def ultrasound(heads: ByteArray, random: Random) -> FloatArray:
    """Speckle in layers with dark bodies, in a rectangle or a fan."""
    size = heads.shape[1]
    down, across = np.mgrid[:size, :size].astype(np.float32) / size
    depth = down + 0.06 * cloud(size, random, 5)
    picture = np.full((size, size), random.uniform(40, 160), np.float32)
    for edge in np.sort(random.uniform(0, 1, int(random.integers(2, 7)))):
        picture = np.where(depth > edge, random.uniform(15, 170), picture)
    picture = picture + 12 * cloud(size, random, 30)
    for _ in range(random.integers(0, 4)):
        row, column = random.uniform(0.2, 0.8, 2) * size
        dark = blob(size, row, column, size * random.uniform(0.05, 0.22), random)
        picture = np.where(dark, random.uniform(0, 50), picture)
    grain = (int(size * random.uniform(0.5, 1)), int(size * random.uniform(0.3, 0.7)))
    speckle = Pillow.fromarray(random.rayleigh(0.8, grain).astype(np.float32))
    picture = picture * np.exp(-down * random.uniform(0, 1.5))
    picture = picture * np.asarray(speckle.resize((size, size), Pillow.Resampling.BICUBIC))
    if random.random() < 0.35:
        far, turn = np.hypot(down + 0.1, across - 0.5), np.arctan2(across - 0.5, down + 0.1)
        picture = picture * ((np.abs(turn) < random.uniform(0.4, 0.8)) & (far < 1.1) & (far > 0.15))
    kept = size if random.random() < 0.5 else int(size * random.uniform(0.55, 1))
    return np.asarray(picture[:kept], np.float32)


def scene(heads: ByteArray, random: Random) -> FloatArray:
    """Shaded shapes one in front of another: light, edges and grain as photographs have."""
    size = heads.shape[1]
    down, across = np.mgrid[:size, :size].astype(np.float32) / size
    picture = random.uniform(0, 255) + random.uniform(-120, 120) * down
    picture = picture + random.uniform(0, 30) * cloud(size, random, 60)
    for _ in range(int(random.integers(3, 25))):
        radius = size * np.exp(random.uniform(np.log(0.03), np.log(0.4)))
        row, column = random.uniform(-0.1, 1.1, 2) * size
        turn = random.uniform(0, 2 * np.pi)
        light = (np.cos(turn) * across + np.sin(turn) * down) * random.uniform(0, 300)
        grain = random.uniform(0, 30) * cloud(size, random, int(random.integers(8, 100)))
        shade = np.clip(random.uniform(-60, 220) + light + grain, 0, 255)
        picture = np.where(blob(size, row, column, radius, random), shade, picture)
    noise = random.normal(0, random.uniform(0, 6), picture.shape)
    return np.asarray(blurred(picture, random.uniform(0, 1.5)) + noise, np.float32)
