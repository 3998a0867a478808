"""One file at a time: its hash, its looks, and what is wrong with it."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow

from tumorlens.errors import ScanContentError, TumorlensError
from tumorlens.lab.audit.appearance import Appearance, describe
from tumorlens.lab.audit.entry import Entry
from tumorlens.lab.audit.marks import has_marks, share_of_colour
from tumorlens.lab.datasets import read_pixels
from tumorlens.lab.datasets.example import PICTURE_SUFFIXES
from tumorlens.lab.datasets.tomograms import are_tomograms
from tumorlens.lab.pictures import MIN_CONTRAST, to_bytes
from tumorlens.lab.progress import Progress, silent
from tumorlens.preparation import Preparation, percentile, prepare
from tumorlens.scan import FloatArray, Scan

UNREADABLE, TINY, BLANK, COLOUR, MARKS = "unreadable", "tiny", "blank", "colour", "annotated"
TOMOGRAM = "tomogram"

FAULTS = {
    UNREADABLE: "no picture can be decoded",
    TINY: "the shorter side is below 64 pixels",
    BLANK: "nothing to be seen",
    COLOUR: "colours in what should be grey",
    MARKS: "letters, scales or coloured marks",
    TOMOGRAM: "a CT known to stand among MRI",
}
"""What is looked for in each file, and what it means."""

MIN_SIDE = 64
"""Pixels; a picture with a shorter side is tiny."""

_COLOURED = 0.001  # of the pixels
_PALETTE = 0.2  # of the pixels; where fewer are coloured they are marks


@dataclass(frozen=True, slots=True, eq=False)
class Inspected:
    """What one file is found to be.

    Attributes:
        entry: The file.
        sha256: Of its bytes; empty where it cannot be opened.
        shape: (rows, columns); None where it cannot be decoded.
        faults: Of `FAULTS`, those it has.
        reason: Why it is no scan; empty where it is one.
        appearance: Its looks; None where it is unreadable or blank.
    """

    entry: Entry
    sha256: str
    shape: tuple[int, int] | None
    faults: tuple[str, ...]
    reason: str
    appearance: Appearance | None


def inspect_all(entries: Sequence[Entry], *, progress: Progress = silent) -> list[Inspected]:
    """Inspect every file, in threads.

    Args:
        entries: The files.
        progress: Called with (done, total) after every file.

    Returns:
        One for each, in order.
    """
    found: list[Inspected] = []
    with ThreadPoolExecutor() as threads:
        for one in threads.map(inspect, entries):
            found.append(one)
            progress(len(found), len(entries))
    return found


def inspect(entry: Entry) -> Inspected:
    """Read one file; whatever is wrong with it is told, never raised."""
    sha256 = ""
    try:
        sha256 = hashlib.sha256(entry.path.read_bytes()).hexdigest()
        pixels = read_pixels(entry.example)
        faults = _faults(entry, pixels)
    except TumorlensError as error:
        if isinstance(error, ScanContentError) and (shape := _even_shape(entry)):
            return Inspected(entry, sha256, shape, (BLANK,), error.found, None)
        return Inspected(entry, sha256, None, (UNREADABLE,), error.found, None)
    except (OSError, SyntaxError, ValueError) as error:
        return Inspected(entry, sha256, None, (UNREADABLE,), str(error), None)
    looks = None if BLANK in faults else describe(pixels)
    shape = (int(pixels.shape[0]), int(pixels.shape[1]))
    return Inspected(entry, sha256, shape, tuple(faults), "", looks)


def _faults(entry: Entry, pixels: FloatArray) -> list[str]:
    faults = [TINY] if min(pixels.shape) < MIN_SIDE else []
    grey_levels = 255.0 if pixels.max() <= 1 else 1.0  # pictures of floats lie in 0..1
    if (percentile(pixels, 99) - percentile(pixels, 1)) * grey_levels < MIN_CONTRAST:
        return [*faults, BLANK]
    coloured = 0.0 if entry.coloured else _share_of_colour(entry)
    if coloured > _COLOURED:
        faults.append(COLOUR)
    if _COLOURED < coloured < _PALETTE or has_marks(pixels):
        faults.append(MARKS)
    if not entry.example.whole_head and _is_tomogram(pixels):
        faults.append(TOMOGRAM)
    return faults


def _is_tomogram(pixels: FloatArray) -> bool:
    prepared = prepare(Scan(pixels, ""), Preparation())
    return bool(are_tomograms(to_bytes(prepared.pixels)[np.newaxis])[0])


def _even_shape(entry: Entry) -> tuple[int, int] | None:
    """(rows, columns) of a picture of one single value, which is no scan, but can be decoded."""
    try:
        with Pillow.open(entry.path) as picture:
            low, high = picture.convert("F").getextrema()
            return (picture.height, picture.width) if low == high else None
    except (OSError, SyntaxError, ValueError):
        return None


def _share_of_colour(entry: Entry) -> float:
    """0 for files that hold no colours, which is known without decoding them again."""
    if entry.path.suffix.lower() not in PICTURE_SUFFIXES:
        return 0.0
    with Pillow.open(entry.path) as picture:
        if picture.mode in {"1", "L", "LA", "I", "F"} or picture.mode.startswith("I;"):
            return 0.0
        return share_of_colour(np.asarray(picture.convert("RGB")))
