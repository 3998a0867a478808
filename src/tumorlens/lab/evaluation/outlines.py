"""How well a model's outlines meet the drawn ones, and where it outlines what is not there.

Dice: L. Dice, "Measures of the Amount of Ecologic Association Between Species", Ecology 26,
1945, doi:10.2307/1932409. Outlines as the runtime draws them (threshold and answer alike), on
the prepared picture's grid, which the head fills.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from tumorlens.lab.evaluation.bootstrap import (
    Interval,
    Resamples,
    ratio_interval,
    resample_groups,
)
from tumorlens.lab.pictures import ByteArray
from tumorlens.lab.progress import Progress, silent
from tumorlens.model import Model
from tumorlens.outlining import MIN_TUMOR_PROBABILITY, THRESHOLD
from tumorlens.scan import FloatArray

ALL = "all"
_BATCH = 32

Kinds = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class OutlineScores:
    """How well outlines meet those drawn by people.

    Attributes:
        dataset: Its name, or ``all``.
        label: The class, or ``all``.
        count: Pictures with a drawn outline.
        dice: Mean over these; a tumor without any outline counts 0.
        dice_interval: 95 %, by group; None with few groups.
        missed: The part of them without any outline, in [0, 1].
        pooled_dice: Of all these pictures' pixels together.
    """

    dataset: str
    label: str
    count: int
    dice: float
    dice_interval: Interval | None
    missed: float
    pooled_dice: float


@dataclass(frozen=True, slots=True)
class FalseOutlines:
    """Outlines in pictures without tumor.

    Attributes:
        dataset: Its name, or ``all``.
        count: Pictures without tumor.
        false: The part of them with an outline, in [0, 1].
        interval: 95 %, by group; None with few groups.
    """

    dataset: str
    count: int
    false: float
    interval: Interval | None


def draw_outlines(
    model: Model, pixels: ByteArray, tumor: FloatArray, *, progress: Progress = silent
) -> npt.NDArray[np.bool_]:
    """The model's outlines: bool, (pictures, size, size).

    Args:
        model: One whose graph outlines.
        pixels: uint8, (pictures, size, size), prepared.
        tumor: float32, (pictures,): P(tumor); below `MIN_TUMOR_PROBABILITY` nothing is drawn.
        progress: Called with (done, total).
    """
    found = np.zeros(pixels.shape, bool)
    size = (pixels.shape[2], pixels.shape[1])
    for start in range(0, len(pixels), _BATCH):
        batch = slice(start, start + _BATCH)
        outputs = model.run(pixels[batch, np.newaxis].astype(np.float32) / np.float32(255))
        assert outputs.outline is not None
        for index, logits in enumerate(outputs.outline[:, 0], start):
            likely = np.asarray(1 / (1 + np.exp(-logits)), np.float32)
            full = Pillow.fromarray(likely).resize(size, Pillow.Resampling.BILINEAR)
            found[index] = np.asarray(full) >= THRESHOLD
        progress(min(start + _BATCH, len(pixels)), len(pixels))
    found[tumor < MIN_TUMOR_PROBABILITY] = False
    return found


def score_outlines(
    found: npt.NDArray[np.bool_],
    masks: ByteArray,
    *,
    labels: Sequence[str],
    datasets: Sequence[str],
    groups: Sequence[str],
) -> list[OutlineScores]:
    """Compare outlines with drawn ones, by data set and class.

    Args:
        found: bool, (pictures, size, size).
        masks: uint8, the same shape, above 127 where the tumor is, somewhere in each.
        labels: The class of each.
        datasets: The data set of each.
        groups: The patient or cluster of each.
    """
    overlaps = _overlaps(found, masks)
    names, kinds, patients = np.array(datasets), np.array(labels), np.array(groups)
    rows = []
    for dataset in [*np.unique(names), ALL]:
        here = (names == dataset) | (dataset == ALL)
        for label in [*np.unique(kinds[here]), ALL]:
            chosen = here & ((kinds == label) | (label == ALL))
            resamples = resample_groups(patients[chosen].tolist())
            rows.append(_score(str(dataset), str(label), overlaps[chosen], resamples))
    return rows


def score_false_outlines(
    found: npt.NDArray[np.bool_], *, datasets: Sequence[str], groups: Sequence[str]
) -> list[FalseOutlines]:
    """Count outlines in pictures without tumor, by data set."""
    drawn = np.asarray(found.any(axis=(1, 2)))
    names, patients = np.array(datasets), np.array(groups)
    rows = []
    for dataset in [*np.unique(names), ALL]:
        chosen = (names == dataset) | (dataset == ALL)
        some = drawn[chosen]
        interval = ratio_interval(
            resample_groups(patients[chosen].tolist()), some, np.ones(len(some))
        )
        rows.append(FalseOutlines(str(dataset), len(some), float(some.mean()), interval))
    return rows


def _overlaps(found: npt.NDArray[np.bool_], masks: ByteArray) -> npt.NDArray[np.float64]:
    """(pictures, 2): twice the common pixels, and the pixels of both."""
    drawn = masks > 127
    common = (found & drawn).sum(axis=(1, 2))
    return np.stack([2 * common, found.sum(axis=(1, 2)) + drawn.sum(axis=(1, 2))], 1).astype(float)


def _score(
    dataset: str, label: str, overlaps: npt.NDArray[np.float64], resamples: Resamples
) -> OutlineScores:
    dice = overlaps[:, 0] / np.maximum(overlaps[:, 1], 1)
    return OutlineScores(
        dataset,
        label,
        len(dice),
        float(dice.mean()),
        ratio_interval(resamples, dice, np.ones(len(dice))),
        float((dice == 0).mean()),
        float(overlaps[:, 0].sum() / max(1.0, overlaps[:, 1].sum())),
    )
