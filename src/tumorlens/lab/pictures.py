"""Examples -> prepared pictures, decoded and prepared once and kept on disk."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from tumorlens.errors import DataError, ScanContentError, TumorlensError
from tumorlens.lab.datasets import Example, read_mask, read_pixels
from tumorlens.lab.picture_store import Arrays, open_store, store_of, write_store
from tumorlens.lab.progress import Progress, silent
from tumorlens.labels import NO_TUMOR
from tumorlens.preparation import Placement, Preparation, percentiles, prepare
from tumorlens.scan import FloatArray, Scan

ByteArray = npt.NDArray[np.uint8]
_Loaded = tuple[ByteArray, ByteArray, ByteArray | None]

THUMBNAIL_SIZE = 48

MIN_CONTRAST = 16.0
"""Grey levels (of 256) between the 1st and 99th percentile under which a slice is blank."""

_UNIT, _STANDARDISED = 1.5, 64.0
"""Pictures of floats lie in 0..1, or somewhat above where they were resampled; those with negative
values and so small a range are in standard deviations."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Prepared pictures and their examples, in the same order.

    Attributes:
        pixels: uint8, (pictures, size, size); 255 stands for 1.0.
        thumbnails: uint8, (pictures, 48, 48): each head alone, stretched to one square; what
            near-duplicates are found by.
        masks: uint8, (pictures, size, size), 255 where the tumor is; 0 everywhere in pictures
            without tumor and in those whose outline nobody drew (see `outlined`).
        outlined: bool, (pictures,): whether the mask says where the tumor is.
        examples: One for each picture.
        blank: Examples left out because there is nothing to see in them, such as the first
            slices of a sequence above the head.
    """

    pixels: ByteArray
    thumbnails: ByteArray
    masks: ByteArray
    outlined: npt.NDArray[np.bool_]
    examples: tuple[Example, ...]
    blank: tuple[Example, ...]


def load_pictures(
    examples: Sequence[Example],
    preparation: Preparation,
    *,
    progress: Progress = silent,
) -> Pictures:
    """Decode and prepare every example, in threads, or take them from an earlier time.

    Many pictures are kept on disk (`tumorlens.lab.picture_store`) and memory-mapped the next
    time; their arrays are not writable.

    Args:
        examples: What to load.
        preparation: How.
        progress: Called with (done, total) after every picture.

    Raises:
        DataError: Pictures cannot be read, or are volumes; all of them are counted.
    """
    store = store_of(examples, preparation)
    arrays = open_store(store) if store else None
    if arrays is None:
        arrays = _read(examples, preparation, progress)
        if store:
            write_store(store, arrays)
            arrays = open_store(store) or arrays  # mapped: the memory is free again
    else:
        progress(len(examples), len(examples))
    kept = [example for example, keep in zip(examples, arrays.kept, strict=True) if keep]
    blank = [example for example, keep in zip(examples, arrays.kept, strict=True) if not keep]
    outlined = [example.mask is not None or example.label == NO_TUMOR for example in kept]
    return Pictures(
        arrays.pixels,
        arrays.thumbnails,
        arrays.masks,
        np.array(outlined, bool),
        tuple(kept),
        tuple(blank),
    )


def _read(examples: Sequence[Example], preparation: Preparation, progress: Progress) -> Arrays:
    loaded: list[_Loaded | DataError | None] = []
    with ThreadPoolExecutor() as threads:
        for result in threads.map(lambda example: _try(example, preparation), examples):
            loaded.append(result)
            progress(len(loaded), len(examples))
    _refuse_broken([result for result in loaded if isinstance(result, DataError)])
    return _stacked([one if isinstance(one, tuple) else None for one in loaded], preparation.size)


def _stacked(loaded: Sequence[_Loaded | None], size: int) -> Arrays:
    """Everything that was loaded, each kind in one array."""
    kept = [one for one in loaded if one]
    pixels = np.zeros((len(kept), size, size), np.uint8)
    masks = np.zeros_like(pixels)
    thumbnails = np.zeros((len(kept), THUMBNAIL_SIZE, THUMBNAIL_SIZE), np.uint8)
    for index, (picture, thumbnail, mask) in enumerate(kept):
        pixels[index], thumbnails[index] = picture, thumbnail
        if mask is not None:
            masks[index] = mask
    return Arrays(pixels, masks, thumbnails, np.array([one is not None for one in loaded], bool))


def _refuse_broken(errors: Sequence[DataError]) -> None:
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise DataError(
            expected=errors[0].expected,
            found=f"{errors[0].found}{more}",
            remedy="Mend or delete these files: " + ", ".join(e.source for e in errors[:5]),
            source=errors[0].source,
        )


def _try(example: Example, preparation: Preparation) -> _Loaded | DataError | None:
    """Load, or say as a `DataError` why not, so that all broken files are told at once."""
    try:
        return _load(example, preparation)
    except DataError as error:
        return error
    except TumorlensError as error:
        if isinstance(error, ScanContentError) and _has_one_value(example.path):
            return None
        return _broken(example, error.expected, error.found)
    except (OSError, SyntaxError):
        return _broken(example, "a readable picture", "one that cannot be decoded")


def _has_one_value(path: Path) -> bool:
    """Whether a picture file is of one color all over, as slices above the head are."""
    try:
        with Pillow.open(path) as picture:
            bands = np.asarray(picture)
    except (OSError, SyntaxError, ValueError):
        return False
    return bool((np.ptp(bands.reshape(picture.height * picture.width, -1), axis=0) == 0).all())


def _broken(example: Example, expected: str, found: str) -> DataError:
    return DataError(
        expected=expected, found=found, remedy="Mend or delete it.", source=example.picture
    )


def _load(example: Example, preparation: Preparation) -> _Loaded | None:
    """The prepared picture, its thumbnail and mask; None where there is nothing to see."""
    pixels = read_pixels(example)
    low, high = percentiles(pixels, 1, 99)
    if (high - low) * _grey_levels(pixels) < MIN_CONTRAST:
        return None
    image = prepare(Scan(pixels, example.picture), preparation)
    inset = image.placement.inset
    head = image.pixels[inset.top : inset.bottom, inset.left : inset.right]
    side = (THUMBNAIL_SIZE, THUMBNAIL_SIZE)
    thumbnail = np.asarray(Pillow.fromarray(head).resize(side, Pillow.Resampling.BILINEAR))
    mask = read_mask(example)
    return (
        to_bytes(image.pixels),
        to_bytes(thumbnail),
        None if mask is None else _placed(mask, example, image.placement),
    )


def _grey_levels(pixels: FloatArray) -> float:
    """What the picture's units are to be multiplied by to be about 256 grey levels."""
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0 and high - low < _STANDARDISED:
        return 255 / max(high - low, 1e-6)
    of_floats = high <= 1 or (high <= _UNIT and bool((pixels % 1).any()))
    return 255.0 if of_floats else 1.0


def _placed(mask: FloatArray, example: Example, placement: Placement) -> ByteArray:
    """The tumor's mask, laid on the prepared picture."""
    if mask.shape != placement.shape:
        raise DataError(
            expected=f"a mask of the picture's size, {placement.shape[1]}x{placement.shape[0]}",
            found=f"one of {mask.shape[1]}x{mask.shape[0]}",
            remedy="Replace the mask, or delete it to train without this outline.",
            source=str(example.mask),
        )
    return to_bytes(placement.to_square(mask))


def to_bytes(pixels: FloatArray) -> ByteArray:
    """0..1 to 0..255, without loss for a prepared picture."""
    return np.rint(pixels * 255).astype(np.uint8)
