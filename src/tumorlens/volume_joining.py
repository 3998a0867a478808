"""The answers about a volume's slices -> one answer about the volume.

With a network over slices (`tumorlens.slice_sequence`), that says how likely a tumor is, in each
slice and in the whole head, and the classifier says of what kind. Without one, each slice's
probability of a tumor is averaged with its neighbours', and the volume's answer is the mean over
the stretch of neighbouring slices that looks most like a tumor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ScanContentError
from tumorlens.labels import NO_TUMOR
from tumorlens.model import Model
from tumorlens.preparation import percentiles, without_impossible_size
from tumorlens.scan import FloatArray, Volume
from tumorlens.slice_sequence import SliceSequence, log_odds

MIN_HEAD_AREA = 0.2
"""Slices that show less than this part of the largest cross-section of the head are not judged."""

WINDOW_MM = 15.0
"""The kind of tumor, and without a network over slices the whole answer, is that of the stretch
of neighbouring slices this long that looks most like a tumor."""

NEIGHBOURS_MM = 6.0
"""Standard deviation of the weights with which neighbouring slices count, where no network judges
them together; chosen on validation patients (`benchmarks/volume_slices.py`)."""

_REACH = 2.5  # standard deviations; slices farther away do not count
_USUAL_MM = 5.0  # between slices, where nothing is known

STRETCH, SEQUENCE = "stretch", "sequence"
"""How a volume's slices were joined."""

_LEAST = 1e-9  # of a kind of tumor, so that shares can be told where there is none

_Values = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """A volume's answer.

    Attributes:
        slices: float, (slices, classes): each slice's probabilities.
        volume: float, (classes,): the volume's.
        joined_by: `STRETCH` or `SEQUENCE`.
    """

    slices: _Values
    volume: _Values
    joined_by: str


def join_slices(volume: Volume, rows: _Values, embeddings: FloatArray, model: Model) -> Joined:
    """Join the answers about the judged slices of a volume.

    Args:
        volume: Whose slices they are.
        rows: float, (slices, classes): calibrated probabilities, in order; at least one.
        embeddings: float32, (slices, channels).
        model: That gave them.
    """
    known = without_impossible_size(volume).spacing_mm
    spacing = known[0] if known else None
    sequence = _usable(model, volume)
    none = list(model.card.classes).index(NO_TUMOR) if NO_TUMOR in model.card.classes else None
    if none is None:
        stretch = worst_stretch(np.ones(len(rows)), spacing)
        return Joined(rows, rows[stretch].mean(axis=0), STRETCH)
    if sequence is None:
        tumor = with_neighbours(1 - rows[:, none], spacing)
        slices = with_tumor(rows, tumor, none)
        return Joined(slices, slices[worst_stretch(tumor, spacing)].mean(axis=0), STRETCH)
    found = sequence.judge(
        embeddings, np.asarray(1 - rows[:, none], np.float32), spacing_mm=spacing
    )
    kinds = rows[worst_stretch(found.slices, spacing)].mean(axis=0)
    return Joined(
        with_tumor(rows, found.slices, none),
        with_tumor(kinds[np.newaxis], np.array([found.head]), none)[0],
        SEQUENCE,
    )


def _usable(model: Model, volume: Volume) -> SliceSequence | None:
    """The model's network over slices, where it knows slices of such a plane."""
    if model.sequence is None or volume.plane not in (None, *model.sequence.card.planes):
        return None
    return model.sequence


def with_tumor(rows: _Values, tumor: _Values, none: int) -> _Values:
    """The same shares of the kinds of tumor, with another probability of any.

    Args:
        rows: (slices, classes), probabilities.
        tumor: (slices,), the new P(tumor).
        none: The column of ``no_tumor``.
    """
    kinds = np.maximum(np.asarray(rows, np.float64), _LEAST)
    kinds[:, none] = 0
    kinds /= kinds.sum(axis=1, keepdims=True)
    joined = kinds * np.asarray(tumor)[:, np.newaxis]
    joined[:, none] = 1 - np.asarray(tumor)
    return joined


def with_neighbours(tumor: _Values, spacing_mm: float | None) -> _Values:
    """The log-odds of a tumor in each slice, averaged with those of its neighbours.

    A tumor does not come and go from slice to slice, but what imitates one often does.

    Args:
        tumor: (slices,), P(tumor), of neighbouring slices in order.
        spacing_mm: Between them; 5 mm where None.

    Returns:
        float64, (slices,): P(tumor).
    """
    places = np.arange(len(tumor)) * (spacing_mm or _USUAL_MM) / NEIGHBOURS_MM
    away = np.abs(places[:, np.newaxis] - places)
    weights = np.exp(-(away**2) / 2) * (away <= _REACH)
    odds = weights @ log_odds(tumor) / weights.sum(axis=1)
    return np.asarray(1 / (1 + np.exp(-odds)), np.float64)


def worst_stretch(tumor: _Values, spacing_mm: float | None) -> slice:
    """Where the mean tumor probability of neighbouring slices is highest (`WINDOW_MM` long)."""
    length = min(len(tumor), max(1, round(WINDOW_MM / (spacing_mm or _USUAL_MM))))
    means = np.convolve(tumor, np.ones(length) / length, mode="valid")
    start = int(np.argmax(means))
    return slice(start, start + length)


def slices_with_head(volume: Volume) -> list[int]:
    """Indices of the slices that show enough of the head to be judged (`MIN_HEAD_AREA`).

    Raises:
        ScanContentError: None does.
    """
    low, high = percentiles(volume.voxels, 1, 99.5)
    areas = (volume.voxels > low + 0.1 * (high - low)).mean(axis=(1, 2))
    indices = [int(index) for index in np.flatnonzero(areas >= MIN_HEAD_AREA * areas.max())]
    if areas.max() <= 0 or not indices:
        raise ScanContentError(
            expected="slices that show a head",
            found=f"{len(areas)} slices without anything brighter than the background",
            remedy="Check that this is the right series.",
            source=volume.source,
        )
    return indices


def accepted_volume(reasons: Sequence[str | None]) -> tuple[bool, str | None]:
    """Whether at least half of the slices are accepted, and why not.

    Args:
        reasons: Why each slice was refused; None where it was not.
    """
    refused = [reason for reason in reasons if reason]
    if 2 * len(refused) <= len(reasons):
        return True, None
    return False, f"{len(refused)} of {len(reasons)} slices refused; the first {refused[0]}"


def columns(answers: Sequence[Mapping[str, float]]) -> _Values:
    """Probabilities by class name to float64, (slices, classes)."""
    return np.array([list(answer.values()) for answer in answers], np.float64)
