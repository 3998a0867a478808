"""What is said of a scan: the classes' probabilities, and what a heatmap is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tumorlens.conformal import ADVICE
from tumorlens.model_identity import ModelIdentity
from tumorlens.preparation import Placement
from tumorlens.scan import FloatArray
from tumorlens.volume_joining import STRETCH


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the heatmaps of one slice are made from, and the answer about its volume.

    Attributes:
        class_maps: float32, (classes, h, w): the last feature maps weighted by each class's
            linear weights.
        placement: Where the network's picture lies on the scan.
        outline: float32, (h', w'), 0..1: how likely each place of the network's picture is
            tumor; None where the model outlines nothing.
        embedding: float32, (channels,): what the network saw in it, in its own terms.
    """

    class_maps: FloatArray
    placement: Placement
    outline: FloatArray | None = None
    embedding: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer about one slice.

    Attributes:
        source: Where the scan came from.
        label: The most probable class.
        probabilities: By class name, calibrated, summing to 1.
        tumor_probability: 1 - P(no_tumor), in [0, 1].
        model: Which model answered.
        evidence: What `tumorlens.explain` draws the heatmaps from.
        accepted: Whether the slice looks like a brain MRI; where it does not, the rest of the
            answer means nothing. True where the model has no gate.
        reason: Why it was not accepted; None where it was.
        conformal_set: The classes that cannot be excluded, the most probable first; empty where
            the model's card has no conformal thresholds.
        gate_scores: By check of the gate, what was held against its limit; empty where the
            model has no gate.
        skull_strip: The name in `tumorlens.preparation.SKULL_STRIPPERS` by which the skull was
            taken off first; None where it was left on.
        tta: Whether its mirror image was answered too (test-time augmentation).
    """

    source: str
    label: str
    probabilities: Mapping[str, float]
    tumor_probability: float
    model: ModelIdentity
    evidence: Evidence
    accepted: bool = True
    reason: str | None = None
    conformal_set: tuple[str, ...] = ()
    gate_scores: Mapping[str, float] = field(default_factory=dict)
    skull_strip: str | None = None
    tta: bool = False

    @property
    def advice(self) -> str | None:
        """To refer to a radiologist, where more than one class is left; else None."""
        return _advice(self.conformal_set)

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON values, without the evidence."""
        return _answer_json(self)


@dataclass(frozen=True, slots=True)
class SlicePrediction:
    """One slice of a volume: its 0-based index and its answer."""

    index: int
    answer: Prediction


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class VolumePrediction:
    """The answer about a volume.

    Attributes:
        source: Where the volume came from.
        label: The most probable class.
        probabilities: By class name, joined from the slices' by `tumorlens.volume_joining`.
        tumor_probability: 1 - P(no_tumor) of these.
        model: Which model answered.
        slices: Every slice that was judged, in order; slices that show little or nothing of
            the head are not. Where a network over slices joined them, each is judged with its
            neighbours.
        suspicious: Indices (from 0) of the slices with the highest tumor probability, highest
            first.
        accepted: Whether at least half of the judged slices look like brain MRI.
        reason: Why it was not accepted; None where it was.
        conformal_set: As of a slice, from the probabilities above.
        joined_by: ``sequence`` where a network over slices joined them, ``stretch`` where the
            answer is the mean over the neighbouring slices that look most like a tumor.
        skull_strip: As of a slice.
        tta: As of a slice.
        companion: Folder of the model that outlines the tumor if this is a head in FLAIR; None
            where the one that answered does (`tumorlens.model.Model`).
    """

    source: str
    label: str
    probabilities: Mapping[str, float]
    tumor_probability: float
    model: ModelIdentity
    slices: tuple[SlicePrediction, ...]
    suspicious: tuple[int, ...]
    accepted: bool = True
    reason: str | None = None
    conformal_set: tuple[str, ...] = ()
    joined_by: str = STRETCH
    skull_strip: str | None = None
    tta: bool = False
    companion: Path | None = None

    @property
    def advice(self) -> str | None:
        """To refer to a radiologist, where more than one class is left; else None."""
        return _advice(self.conformal_set)

    def slice(self, index: int) -> Prediction:
        """The answer about the slice with this index.

        Raises:
            KeyError: That slice was not judged.
        """
        for one in self.slices:
            if one.index == index:
                return one.answer
        raise KeyError(index)

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON values, without the evidence."""
        slices = [
            {
                "index": one.index,
                "label": one.answer.label,
                "probabilities": dict(one.answer.probabilities),
                "accepted": one.answer.accepted,
            }
            for one in self.slices
        ]
        return _answer_json(self) | {
            "slices": slices,
            "suspicious": list(self.suspicious),
            "joined_by": self.joined_by,
        }


def _advice(classes: Sequence[str]) -> str | None:
    return ADVICE if len(classes) > 1 else None


def _answer_json(answer: Prediction | VolumePrediction) -> dict[str, Any]:
    return {
        "source": answer.source,
        "label": answer.label,
        "probabilities": dict(answer.probabilities),
        "tumor_probability": answer.tumor_probability,
        "accepted": answer.accepted,
        "reason": answer.reason,
        "conformal_set": list(answer.conformal_set),
        "advice": answer.advice,
        "skull_strip": answer.skull_strip,
        "tta": answer.tta,
        "model": answer.model.to_json(),
    }
