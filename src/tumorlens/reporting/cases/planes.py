"""A head in three planes, each where the tumor is largest, with its tissues in colour."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from tumorlens.preparation import percentiles
from tumorlens.reporting.cases.upright import Upright

COLOURS: dict[int, tuple[int, int, int]] = {
    2: (86, 180, 233),
    1: (240, 228, 66),
    4: (213, 94, 0),
}
"""Of each label; told apart without red-green vision (M. Okabe and K. Ito, 2008)."""

_TINT = 0.45  # how much of the scan a tissue hides
_PIXELS_PER_MM = 2.0
_LARGEST = 640  # pixels of a panel's longer side
_BACKGROUND, _TEXT = (16, 18, 22), (238, 240, 244)
_GAP, _LINE = 8, 22
_LETTER = 14
_SIDES = {0: ("A", "P"), 1: ("R", "L"), 2: ("R", "L")}
"""Of the patient, at the left and the right edge of slices across X, Y and Z."""

_RGB = npt.NDArray[np.uint8]


def draw_planes(head: Upright, tissues: Mapping[int, str]) -> Image.Image:
    """Axial, coronal and sagittal slice side by side, as radiologists see them, and a legend.

    In axial and coronal slices the patient's right is on the left; in the sagittal one the front.
    Letters at the edges say so (R, L; A, P) where the files tell their orientation.
    Where there is no tumor the middle of the head is shown.

    Args:
        head: What is drawn.
        tissues: What its labels are called.
    """
    panels = [_panel(head, axis) for axis in (2, 1, 0)]
    width = sum(panel.width for panel in panels) + _GAP * (len(panels) + 1)
    height = max(panel.height for panel in panels) + 2 * _GAP + _LINE
    figure = Image.new("RGB", (width, height), _BACKGROUND)
    across = _GAP
    for panel in panels:
        figure.paste(panel, (across, _GAP))
        across += panel.width + _GAP
    _legend(figure, head.sequence, tissues, height - _LINE - _GAP // 2)
    return figure


def shown_slices(head: Upright) -> tuple[int, int, int]:
    """The index along X, Y and Z of the slice with most tumor, else of the head's middle."""
    shown = head.labels > 0 if head.labels.any() else head.voxels != 0
    return tuple(_largest(shown, axis) for axis in range(3))  # type: ignore[return-value]


def _largest(shown: npt.NDArray[np.bool_], axis: int) -> int:
    others = tuple(other for other in range(3) if other != axis)
    return int(shown.sum(axis=others).argmax())


def _panel(head: Upright, axis: int) -> Image.Image:
    index = shown_slices(head)[axis]
    gray = _upright_slice(head.voxels, axis, index)
    labels = _upright_slice(head.labels, axis, index)
    low, high = _window(head.voxels)
    shade = np.clip((gray - low) / max(high - low, 1e-6), 0, 1) * 255
    colours = np.repeat(shade[..., None], 3, axis=2)
    for label, colour in COLOURS.items():
        there = labels == label
        colours[there] = (1 - _TINT) * colours[there] + _TINT * np.array(colour)
    picture = Image.fromarray(np.asarray(np.rint(colours), np.uint8))
    spacing = [step for other, step in enumerate(head.spacing_mm) if other != axis]
    columns, rows = picture.width * spacing[0], picture.height * spacing[1]
    scale = min(_PIXELS_PER_MM, _LARGEST / max(columns, rows))
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    panel = picture.resize(size, Image.Resampling.BICUBIC)
    if head.is_placed:
        _mark(panel, _SIDES[axis])
    return panel


def _mark(panel: Image.Image, sides: tuple[str, str]) -> None:
    """Say to which sides of the patient the left and the right edge lie."""
    draw, font = ImageDraw.Draw(panel), ImageFont.load_default(size=_LETTER)
    for letter, across, anchor in zip(sides, (4, panel.width - 4), ("lm", "rm"), strict=True):
        place = (across, panel.height / 2)
        draw.text(place, letter, _TEXT, font, anchor, stroke_width=1, stroke_fill=_BACKGROUND)


def _upright_slice(voxels: npt.NDArray[Any], axis: int, index: int) -> npt.NDArray[Any]:
    """(rows, columns): the first remaining axis goes across, the second down (head up)."""
    found: npt.NDArray[Any] = np.take(voxels, index, axis=axis).T
    return found if axis == 2 else found[::-1]


def _window(voxels: npt.NDArray[np.float32]) -> tuple[float, float]:
    seen = voxels[voxels != 0]
    low, high = percentiles(seen, 0.5, 99.5)
    return min(0.0, float(low)), float(high)


def _legend(figure: Image.Image, sequence: str, tissues: Mapping[int, str], top: int) -> None:
    draw = ImageDraw.Draw(figure)
    font = ImageFont.load_default(size=13)
    across = float(_GAP)
    draw.text((across, top), sequence, _TEXT, font)
    across += draw.textlength(sequence, font) + 2 * _GAP
    for label, name in tissues.items():
        draw.rectangle((across, top + 3, across + 11, top + 14), COLOURS[label])
        draw.text((across + 17, top), name, _TEXT, font)
        across += 17 + draw.textlength(name, font) + 2 * _GAP
