"""Case -> regions of the tumor in three dimensions, with a network over all sequences at once.

Without PyTorch: `sliding_window` runs the ONNX graph of a `VolumeModel` over a `Head` and the
answer comes back on the head's own grid.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from tumorlens.errors import ScanContentError
from tumorlens.reading.case import Case
from tumorlens.reading.orientation import closest_axes
from tumorlens.scan import FloatArray
from tumorlens.volume_outlining.background import clear_background
from tumorlens.volume_outlining.card import VolumeCard
from tumorlens.volume_outlining.head import Head, read_head, turn, without_skull
from tumorlens.volume_outlining.model import VolumeModel, load_volume_model
from tumorlens.volume_outlining.plausibility import likely_names
from tumorlens.volume_outlining.regions import LabelArray, to_labels, to_regions
from tumorlens.volume_outlining.sliding_window import Patch, slide

__all__ = [
    "CaseOutline",
    "VolumeCard",
    "VolumeModel",
    "check_sequences",
    "load_volume_model",
    "outline_case",
    "outline_head",
]

THRESHOLD = 0.5
"""Voxels at least this likely to lie in a region belong to it."""

_ACROSS = ("sagittal", "coronal", "axial")
"""Slices across each axis of RAS+."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class CaseOutline:
    """The regions of the tumor in one head.

    Attributes:
        head: What was answered.
        labels: uint8, (slices, rows, columns) of the head's volumes: 0, 1, 2 or 4 as in BraTS.
        volumes_ml: Of each region, in the order of the model's; None where the size of the voxels
            is unknown.
        missing: Sequences that the model knows and the case lacks.
        notes: What the reader should know of this answer.
    """

    head: Head
    labels: LabelArray
    volumes_ml: Mapping[str, float | None]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def outline_case(
    case: Case,
    model: VolumeModel,
    *,
    flips: bool | None = None,
    skull_strip: str | None = None,
    progress: Progress = lambda _done, _total: None,
) -> CaseOutline:
    """Read a case and outline the regions of its tumor.

    Args:
        case: From `tumorlens.reading.case.find_case`.
        model: From `load_volume_model`.
        flips: Whether to average over the eight mirrored copies, which takes eight times as
            long; as the card says where None.
        skull_strip: How the skull is taken off first (`tumorlens.preparation.SKULL_STRIPPERS`);
            None to leave the head as it is.
        progress: Called with (done, total) patches.

    Raises:
        ScanError: A file cannot be used, or a sequence is missing that the model needs.
        ConfigError, MissingExtraError: Of the method that takes the skull off.
    """
    missing = check_sequences(case.files, model.card, source=str(case.folder))
    head = read_head(case)
    if skull_strip is not None:
        head = without_skull(head, skull_strip)
    return outline_head(head, model, missing=missing, flips=flips, progress=progress)


def check_sequences(given: Collection[str], card: VolumeCard, *, source: str) -> tuple[str, ...]:
    """The sequences that a head lacks of those that a model knows.

    Raises:
        ScanContentError: It lacks some, and the model never learnt to do without.
    """
    missing = tuple(name for name in card.sequences if name not in given)
    if missing and (card.sequence_dropout == 0 or len(missing) == len(card.sequences)):
        raise ScanContentError(
            expected=f"the sequences {', '.join(card.sequences)}",
            found=f"no {' and no '.join(missing)}",
            remedy="Add the missing volume, or use a model that was trained with "
            "sequence_dropout above 0.",
            source=source,
        )
    return missing


def outline_head(
    head: Head,
    model: VolumeModel,
    *,
    missing: tuple[str, ...] = (),
    flips: bool | None = None,
    progress: Progress = lambda _done, _total: None,
) -> CaseOutline:
    """Outline the regions in a head that was read; see `outline_case`."""
    card = model.card
    turned = turn(
        clear_background(head) if card.clears_background else head,
        sequences=card.sequences,
        axes=card.axes,
        spacing_mm=card.spacing_mm,
    )
    found = probabilities(
        turned.image,
        model.run,
        patch=card.patch,
        overlap=card.overlap,
        flips=card.flips if flips is None else flips,
        progress=progress,
    )
    labels = to_labels(turned.back(found) >= THRESHOLD, card.regions)
    counts = to_regions(labels, card.regions).sum(axis=(1, 2, 3))
    voxel_ml = head.voxel_ml
    volumes = {
        name: None if voxel_ml is None else int(count) * voxel_ml
        for name, count in zip(card.regions, counts, strict=True)
    }
    return CaseOutline(head, labels, volumes, missing, _notes(head, missing, card))


def probabilities(
    image: FloatArray,
    run: Callable[[FloatArray], FloatArray],
    *,
    patch: Patch,
    overlap: float,
    flips: bool,
    progress: Progress = lambda _done, _total: None,
) -> FloatArray:
    """How likely each voxel is to lie in each region.

    Args:
        image: float32, (C, X, Y, Z), as `tumorlens.volume_outlining.head.turn` gives it.
        run: The network: float32, (1, C, *patch) to logits, (1, R, *patch).
        patch: Voxels along X, Y and Z.
        overlap: Of neighbouring patches, in [0, 1).
        flips: Whether to average over the eight mirrored copies.
        progress: Called with (done, total) patches.

    Returns:
        float32, (R, X, Y, Z), 0..1.
    """
    choices = list(product((False, True), repeat=3)) if flips else [(False, False, False)]
    copies = []
    for number, choice in enumerate(choices):
        axes = tuple(axis + 1 for axis, flip in enumerate(choice) if flip)

        def told(done: int, patches: int, before: int = number) -> None:
            progress(before * patches + done, len(choices) * patches)

        logits = slide(np.flip(image, axes), run, patch=patch, overlap=overlap, progress=told)
        copies.append(np.flip(_sigmoid(logits), axes))
    return np.asarray(sum(copies) / np.float32(len(copies)), np.float32)


def _sigmoid(logits: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1 + np.tanh(logits / 2)), np.float32)


def _notes(head: Head, missing: tuple[str, ...], card: VolumeCard) -> tuple[str, ...]:
    notes = []
    if missing:
        notes.append(
            f"answered without {', '.join(missing)}, which the model can do without but answers "
            "worse for it"
        )
    looks = likely_names({name: volume.voxels for name, volume in head.volumes.items()})
    if looks:
        told = ", ".join(f"{given} looks like {fits}" for given, fits in looks.items())
        notes.append(f"check the files' names: {told}")
    if not (head.is_stripped or card.clears_background):
        notes.append(
            "the skull seems to be on, or its background is not 0: the model knows heads whose "
            "skull was taken off and whose background is 0"
        )
    return (*notes, *_guesses(head))


def _guesses(head: Head) -> tuple[str, ...]:
    """What the files do not say of their voxels, and what was taken for it."""
    notes = []
    first = next(iter(head.volumes.values()))
    if first.spacing_mm is None:
        notes.append(
            "the size of the voxels is unknown: they were taken for cubes of 1 mm, and no volume "
            "is stated"
        )
    if first.affine is None:
        plane = _ACROSS[closest_axes(head.affine)[0].index(0)]
        notes.append(f"the orientation is unknown: its slices were taken for {plane} ones")
    return tuple(notes)
