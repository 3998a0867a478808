"""The overlay as one picture for people: scan, heatmap, both, and what the answer is."""

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tumorlens.notice import NOTICE
from tumorlens.reporting.colormap import colorize
from tumorlens.reporting.overlay import RGB, Overlay
from tumorlens.reporting.wording import describe_outline, name_of, percent, spoken

_Colour = tuple[int, int, int]

_BACKGROUND = (16, 18, 22)
_TEXT = (238, 240, 244)
_QUIET = (156, 164, 176)
_LONGEST = 2048  # pixels of a panel: more is not seen, and a strip of pixels would fill the memory
_MIN_COLUMN = 168  # below this the headings of a panel would be cramped
_FONT = (13.0, 40.0)  # smallest and largest text, in pixels
_COLUMNS_PER_EM = 21
_LINES_KEPT = 64  # lines of text that come again in every figure, such as the notice


@dataclass(frozen=True, slots=True)
class _Layout:
    """Lengths in pixels, all derived from the scan's size; rows and columns are a panel's."""

    rows: int
    columns: int
    font: float
    column: int
    gap: int

    @classmethod
    def of(cls, rows: int, columns: int) -> "_Layout":
        scale = min(1.0, _LONGEST / max(rows, columns))
        rows, columns = max(1, round(rows * scale)), max(1, round(columns * scale))
        font = float(np.clip(columns / _COLUMNS_PER_EM, *_FONT))
        return cls(rows, columns, font, max(columns, _MIN_COLUMN), round(font * 1.1))

    @property
    def width(self) -> int:
        return 3 * self.column + 4 * self.gap


def draw_figure(overlay: Overlay) -> Image.Image:
    """Draw the three panels, each at the scan's own size, with headings, colour bar and notice.

    Returns:
        RGB. Panels are never enlarged: where a scan is too small for the text beside it, the
        picture grows around the panels. They are shrunk where a side is longer than 2,048 pixels.
    """
    layout = _Layout.of(*overlay.scan.shape[:2])
    width = layout.width - 2 * layout.gap
    head = [
        _paragraph(_title(overlay), width, layout.font * 1.5, _TEXT),
        _paragraph(_facts(overlay), width, layout.font, _QUIET),
    ]
    notice = _paragraph(NOTICE, width, layout.font * 0.85, _QUIET)
    space = Image.new("RGB", (1, layout.gap), _BACKGROUND)
    stack = _stack([space, *head, space, _panels(overlay, layout), notice, space])
    figure = Image.new("RGB", (layout.width, stack.height), _BACKGROUND)
    figure.paste(stack, (layout.gap, 0))
    return figure


def png_bytes(picture: Image.Image) -> bytes:
    """The picture as a PNG file's bytes."""
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def jpeg_bytes(pixels: RGB, *, longest_side: int) -> bytes:
    """A picture as a small JPEG file's bytes.

    Args:
        pixels: uint8 RGB, (rows, columns, 3).
        longest_side: It is shrunk to this many pixels if larger, never enlarged.
    """
    picture = Image.fromarray(pixels)
    picture.thumbnail((longest_side, longest_side))
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def _title(overlay: Overlay) -> str:
    answer = overlay.prediction
    if not answer.accepted:
        return f"refused: {(answer.reason or '').partition(':')[0]}"
    return f"{spoken(answer.label)}  {percent(answer.probabilities[answer.label])}"


def _facts(overlay: Overlay) -> str:
    answer = overlay.prediction
    facts = [
        f"tumor probability {percent(answer.tumor_probability)}",
        f"model {name_of(answer.model)}",
    ]
    if overlay.index is not None:
        facts.insert(0, f"slice {overlay.index}")
    if overlay.outline and _is_outlined(overlay):
        words = describe_outline(overlay.outline, by=overlay.outlined_by)
        facts.insert(-1, f"outline {words.replace('²', '2')}")  # the font has no ²
    return "  ·  ".join(facts)


def _is_outlined(overlay: Overlay) -> bool:
    return overlay.outline is not None and bool(overlay.outline.mask.any())


def _panels(overlay: Overlay, layout: _Layout) -> Image.Image:
    """The row of panels: a caption above each, the colour bar below the middle one."""
    both = "both, with the outline" if _is_outlined(overlay) else "both"
    captions = ("scan", f"heatmap: {spoken(overlay.explanation.target)}", both)
    heads = [_paragraph(text, layout.column, layout.font, _TEXT) for text in captions]
    above = max(image.height for image in heads) + round(layout.font * 0.35)
    bar = _colour_bar(layout)
    height = above + layout.rows + bar.height
    band = Image.new("RGB", (layout.width - 2 * layout.gap, height), _BACKGROUND)
    pictures = (overlay.scan, overlay.heatmap, overlay.blend)
    for number, (caption, pixels) in enumerate(zip(heads, pictures, strict=True)):
        left = number * (layout.column + layout.gap)
        band.paste(caption, (left, 0))
        band.paste(_panel(pixels, layout), (left, above))
    band.paste(bar, (layout.column + layout.gap, above + layout.rows))
    return band


def _panel(pixels: RGB, layout: _Layout) -> Image.Image:
    picture, size = Image.fromarray(pixels), (layout.columns, layout.rows)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BOX)


def _colour_bar(layout: _Layout) -> Image.Image:
    """A bar as wide as the panel's column, from 0 (no evidence) to 1 (the strongest)."""
    thick, space = max(6, round(layout.font * 0.6)), round(layout.font * 0.7)
    labels = [_line(text, layout.font * 0.85, _QUIET) for text in ("0", "evidence", "1")]
    under = space + thick + round(layout.font * 0.2)
    height = under + labels[0].height + layout.gap
    bar = Image.new("RGB", (layout.column, height), _BACKGROUND)
    ramp = colorize(np.linspace(0, 1, layout.column))[np.newaxis].repeat(thick, axis=0)
    bar.paste(Image.fromarray(ramp), (0, space))
    for position, label in zip((0.0, 0.5, 1.0), labels, strict=True):
        bar.paste(label, (round(position * (layout.column - label.width)), under))
    return bar


def _paragraph(text: str, width: int, size: float, colour: _Colour) -> Image.Image:
    """Text on as many lines as it needs."""
    return _stack([_line(words, size, colour) for words in _break(text, width, size)])


@lru_cache(maxsize=_LINES_KEPT)
def _line(text: str, size: float, colour: _Colour) -> Image.Image:
    """One line of text, drawn at twice its size, since letters sit on whole pixels."""
    font = _font(2 * size)
    width = max(1, int(np.ceil(font.getlength(text) / 2)))
    canvas = Image.new("RGB", (2 * width, 2 * round(size * 1.4)), _BACKGROUND)
    ImageDraw.Draw(canvas).text((0, 0), text, colour, font)
    return canvas.reduce(2)


def _stack(images: list[Image.Image]) -> Image.Image:
    """One below the other, at the left."""
    size = (max(i.width for i in images), sum(i.height for i in images))
    stack = Image.new("RGB", size, _BACKGROUND)
    top = 0
    for image in images:
        stack.paste(image, (0, top))
        top += image.height
    return stack


def _font(size: float) -> Any:
    return ImageFont.load_default(size)


@lru_cache(maxsize=_LINES_KEPT)
def _break(text: str, width: float, size: float) -> tuple[str, ...]:
    """Break text into lines of at most ``width`` pixels, between words where that is possible."""
    font, room = _font(2 * size), 2 * width
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if font.getlength(longer) <= room:
            lines[-1] = longer
            continue
        lines += [""] if lines[-1] else []
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > room:
                lines.append("")
            lines[-1] += letter
    return tuple(lines)
