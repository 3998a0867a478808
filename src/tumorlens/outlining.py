"""Prediction -> Outline: where the tumor is, how large, and on which side of the picture.

The network's outline comes with the answer, from the same pass. It is drawn only where the
answer is that there is a tumor: a healthy head has no outline, whatever single pixels suggest.

A volume in FLAIR is outlined by the answering model's companion, where it has one: a model for
whole heads, asked when the outline is first wanted. Of a case it sees the other sequences too. What
it cannot outline is outlined slice by slice like every other volume, with a note that says why.
"""

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from tumorlens.errors import ConfigError, ModelError, ScanError
from tumorlens.measured_outline import (
    BoolArray,
    Outline,
    VolumeOutline,
    measure,
    measure_volume,
)
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.preparation import impossible_size, without_impossible_size
from tumorlens.scan import FloatArray, Scan, Volume

if TYPE_CHECKING:
    from tumorlens.volume_outlining.head import Head

MIN_TUMOR_PROBABILITY = 0.5
"""Scans and slices of volumes that are less likely than this to show a tumor get no outline."""

THRESHOLD = 0.5
"""Pixels at least this likely to be tumor lie within the outline."""

FLAIR = "flair"
"""The sequence that shows the whole tumor with its edema."""

HEALTHY = "the classifier takes the head for healthy, so that nothing is outlined"
"""Stands among an outline's notes then."""


# Reports, records and pictures of one answer all ask for the same outline.
_FOUND: WeakKeyDictionary[Volume, WeakKeyDictionary[VolumePrediction, VolumeOutline]] = (
    WeakKeyDictionary()
)


def outline(scan: Scan, prediction: Prediction) -> Outline:
    """Outline the tumor in a slice.

    Args:
        scan: The slice that was answered.
        prediction: The answer about it, by a model that outlines.

    Raises:
        ConfigError: The model does not outline, or the answer is about another scan.
    """
    found = tumor_map(scan, prediction) >= THRESHOLD
    if prediction.tumor_probability < MIN_TUMOR_PROBABILITY:
        found[:] = False
    return measure(found, without_impossible_size(scan))


def outline_volume(
    volume: Volume, prediction: VolumePrediction, *, head: "Head | None" = None
) -> VolumeOutline:
    """Outline the tumor in a volume that was answered.

    Found once for a volume and its answer, and kept as long as there are both.

    Where the file tells of a size that no head has, none is stated, and a note says so.

    A head that is taken for healthy gets no outline. A volume in FLAIR is outlined by the companion
    of the model that answered, if there is one. Else the model's own outlines of the slices that
    are likely to show a tumor are taken, averaged over three neighbours: a tumor does not end
    between two.

    Args:
        volume: What was answered.
        prediction: The answer about it, by a model that outlines or has a companion.
        head: The case of which the volume is one sequence; None for a volume by itself.

    Raises:
        ConfigError: As `outline`.
    """
    of_volume = _FOUND.setdefault(volume, WeakKeyDictionary())
    found = of_volume.get(prediction)
    if found is None:
        found = of_volume[prediction] = _outline_volume(volume, prediction, head)
    return found


def measure_outline(
    scan: Scan | Volume, prediction: Prediction | VolumePrediction
) -> Outline | VolumeOutline | None:
    """The outline in whatever was answered; None where the model outlines nothing.

    Raises:
        ConfigError: The answer is about another scan.
    """
    if isinstance(scan, Volume) and isinstance(prediction, VolumePrediction):
        outlines = prediction.slices[0].answer.evidence.outline is not None
        return outline_volume(scan, prediction) if outlines else None
    if isinstance(scan, Scan) and isinstance(prediction, Prediction):
        return outline(scan, prediction) if prediction.evidence.outline is not None else None
    raise ConfigError(
        expected="a scan and the answer about it",
        found=f"a {type(scan).__name__} and a {type(prediction).__name__}",
        remedy="Give pairs (scan, predict(scan)).",
        source=scan.source,
    )


def _outline_volume(
    volume: Volume, prediction: VolumePrediction, head: "Head | None"
) -> VolumeOutline:
    _check_same(volume.slice(0), prediction.slices[0].answer)
    companion = prediction.companion if volume.sequence == FLAIR else None
    if companion is None and prediction.slices[0].answer.evidence.outline is None:
        raise _no_outline(volume.source)
    if prediction.tumor_probability < MIN_TUMOR_PROBABILITY:
        return _healthy_outline(volume)
    if companion is None:
        return _slice_by_slice(volume, prediction)
    # Few scans need it, and the others should not wait for its import.
    from tumorlens.volume_outlining.whole_head import lone_head, outline_whole_head

    whole, skull_strip = head or lone_head(volume), prediction.skull_strip
    try:
        found = outline_whole_head(whole, volume, companion, skull_strip=skull_strip)
    except ModelError:
        return _slice_by_slice(volume, prediction, "the model for whole heads cannot be loaded")
    except ScanError as error:
        return _slice_by_slice(
            volume, prediction, f"expected {error.expected}; found {error.found}"
        )
    if found.largest is None:
        return _slice_by_slice(volume, prediction, "a model for whole heads found no tumor")
    return found


def _healthy_outline(volume: Volume) -> VolumeOutline:
    """No outline, since the classifier takes the head for healthy."""
    return _measured(np.zeros(volume.voxels.shape, bool), volume, HEALTHY)


def _slice_by_slice(
    volume: Volume, prediction: VolumePrediction, why: str | None = None
) -> VolumeOutline:
    notes = () if why is None else (f"outlined slice by slice: {why}",)
    return _measured(_maps(volume, prediction) >= THRESHOLD, volume, *notes)


def _measured(mask: BoolArray, volume: Volume, *notes: str) -> VolumeOutline:
    """The measures, in mm and ml only where the volume can be as large as it says."""
    if size := impossible_size(volume):
        notes = (*notes, f"no sizes are stated, since no head can be of the file's {size}")
    return measure_volume(mask, without_impossible_size(volume), notes=notes)


def _maps(volume: Volume, prediction: VolumePrediction) -> FloatArray:
    """How likely each voxel is tumor: float32, (slices, rows, columns), 0..1.

    0 in slices that were not judged, and in those that are not likely to show a tumor.

    Raises:
        ConfigError: As `outline`.
    """
    maps = np.zeros(volume.voxels.shape, np.float32)
    for one in prediction.slices:
        if one.answer.tumor_probability >= MIN_TUMOR_PROBABILITY:
            maps[one.index] = tumor_map(volume.slice(one.index), one.answer)
        elif one.answer.evidence.outline is None:
            raise _no_outline(volume.source)
    padded = np.pad(maps, ((1, 1), (0, 0), (0, 0)), mode="edge")
    return np.asarray((padded[:-2] + padded[1:-1] + padded[2:]) / 3, np.float32)


def tumor_map(scan: Scan, prediction: Prediction) -> FloatArray:
    """How likely each pixel of the scan is tumor: float32, (rows, columns), 0..1.

    Raises:
        ConfigError: As `outline`.
    """
    evidence = prediction.evidence
    if evidence.outline is None:
        raise _no_outline(scan.source)
    _check_same(scan, prediction)
    return evidence.placement.to_scan(evidence.outline)


def _check_same(scan: Scan, prediction: Prediction) -> None:
    """Refuse a scan of another size than the one that was answered."""
    shape = prediction.evidence.placement.shape
    if shape != scan.pixels.shape:
        raise ConfigError(
            expected="a scan and the answer about it",
            found=f"a scan of {scan.pixels.shape} and an answer about {shape}",
            remedy="Give pairs (scan, predict(scan)).",
            source=scan.source,
        )


def _no_outline(source: str) -> ConfigError:
    return ConfigError(
        expected="a model that outlines the tumor",
        found="one that only names it",
        remedy="Use the bundled model, or train with network.outlines = true.",
        source=source,
    )
