"""Scan -> Prediction: the classes' probabilities, and what a heatmap is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.calibration import bend
from tumorlens.card import Card
from tumorlens.conformal import ADVICE, conformal_set
from tumorlens.gate import Judgement
from tumorlens.labels import tumor_probability
from tumorlens.model import GraphOutputs, Model, load_model
from tumorlens.overlapping import overlapped
from tumorlens.preparation import Placement, prepare, strip_skull, strips_volumes
from tumorlens.reading import read_scan
from tumorlens.scan import FloatArray, Scan, Volume
from tumorlens.volume_joining import (
    STRETCH,
    accepted_volume,
    columns,
    join_slices,
    slices_with_head,
)

_BATCH = 4  # slices of a volume at a time: more are no quicker and need more memory

SUSPICIOUS = 3
"""How many of a volume's slices are named as the most suspicious."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model answered."""

    name: str
    version: str
    sha256: str


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


@dataclass(frozen=True, slots=True, eq=False)
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
        suspicious: Indices of the slices with the highest tumor probability, highest first.
        accepted: Whether at least half of the judged slices look like brain MRI.
        reason: Why it was not accepted; None where it was.
        conformal_set: As of a slice, from the probabilities above.
        joined_by: ``sequence`` where a network over slices joined them, ``stretch`` where the
            answer is the mean over the neighbouring slices that look most like a tumor.
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


def predict(
    scan: Scan | Volume | str | Path, *, model: Model | None = None
) -> Prediction | VolumePrediction:
    """Answer what tumor a scan shows, if any.

    Args:
        scan: A slice or a volume as read, or the path of one.
        model: From `load_model`; the bundled one where None.

    Returns:
        A `Prediction` for a slice, a `VolumePrediction` for a volume.

    Raises:
        ScanError: The path cannot be read as a scan, no slice of the volume shows a head, or
            the skull cannot be taken off as the model's preparation says.
        ModelError: The bundled model cannot be loaded.
        MissingExtraError: What takes the skull off is not installed.
    """
    if isinstance(scan, str | Path):
        scan = read_scan(scan)
    model = model or _bundled_model()
    if isinstance(scan, Volume):
        return _predict_volume(scan, model)
    return predict_slices([scan], model=model)[0]


def predict_slices(scans: Sequence[Scan], *, model: Model) -> list[Prediction]:
    """Answer about many slices, a few at a time; one `Prediction` each, in order.

    Batches overlap on all cores; how they are cut does not change the answers.
    """
    batches = [scans[start : start + _BATCH] for start in range(0, len(scans), _BATCH)]
    workers = min(model.passes, len(batches))
    answered = overlapped(partial(_predict_batch, model=model), batches, workers=workers)
    return [answer for answers in answered for answer in answers]


@cache
def _bundled_model() -> Model:
    return load_model()


def _predict_batch(scans: Sequence[Scan], model: Model) -> list[Prediction]:
    images = [prepare(scan, model.card.preparation) for scan in scans]
    pictures = np.stack([image.pixels for image in images])
    outputs = model.run(pictures[:, np.newaxis])
    probabilities = calibrated(outputs.logits, model.card)
    maps = np.einsum("kc,nchw->nkhw", model.class_weights, outputs.features)
    identity = _identity(model)
    answers = []
    outlines = _outlines(outputs)
    judgements = _judgements(model, outputs, pictures)
    for scan, image, row, class_maps, outline, embedding, judged in zip(
        scans, images, probabilities, maps, outlines, outputs.embedding, judgements, strict=True
    ):
        named = _by_name(model, row)
        answers.append(
            Prediction(
                scan.source,
                _best(named),
                named,
                tumor_probability(named),
                identity,
                Evidence(class_maps, image.placement, outline, embedding),
                judged.reason is None,
                judged.reason,
                conformal_set(named, model.card.conformal),
                judged.scores,
            )
        )
    return answers


def _judgements(model: Model, outputs: GraphOutputs, pictures: FloatArray) -> Sequence[Judgement]:
    """Whether each picture is a brain MRI; all of them are where the model has no gate."""
    if model.gate is None:
        return [Judgement({}, None)] * len(pictures)
    return model.gate.judge(outputs.embedding, pictures)


def _outlines(outputs: GraphOutputs) -> Sequence[FloatArray | None]:
    """One map a picture, 0..1; None for each where the graph outlines nothing."""
    if outputs.outline is None:
        return [None] * len(outputs.logits)
    return list(1 / (1 + np.exp(-outputs.outline[:, 0])))


def _predict_volume(volume: Volume, model: Model) -> VolumePrediction:
    method = model.card.preparation.skull_strip
    if method is not None and strips_volumes(method):
        volume, model = strip_skull(volume, method), model.with_skull_strip(None)
    indices = slices_with_head(volume)
    answers = predict_slices([volume.slice(index) for index in indices], model=model)
    embeddings = np.array([answer.evidence.embedding for answer in answers])
    rows = columns([answer.probabilities for answer in answers])
    joined = join_slices(volume, rows, embeddings, model)
    answers = [
        _with_probabilities(answer, row, model)
        for answer, row in zip(answers, joined.slices, strict=True)
    ]
    tumor = np.array([answer.tumor_probability for answer in answers])
    order = np.argsort(-tumor, kind="stable")[:SUSPICIOUS]
    named = _by_name(model, joined.volume)
    return VolumePrediction(
        volume.source,
        _best(named),
        named,
        tumor_probability(named),
        _identity(model),
        tuple(map(SlicePrediction, indices, answers)),
        tuple(indices[position] for position in order),
        *accepted_volume([answer.reason for answer in answers]),
        conformal_set(named, model.card.conformal),
        joined.joined_by,
    )


def _with_probabilities(answer: Prediction, row: np.ndarray, model: Model) -> Prediction:
    """The same answer with other probabilities, and all that follows from them."""
    named = _by_name(model, row)
    return replace(
        answer,
        label=_best(named),
        probabilities=named,
        tumor_probability=tumor_probability(named),
        conformal_set=conformal_set(named, model.card.conformal),
    )


def calibrated(logits: FloatArray, card: Card) -> FloatArray:
    """(N, classes) logits to probabilities as the card calibrates them, each row summing to 1."""
    return bend(softmax(logits / card.temperature), card.curve)


def softmax(logits: FloatArray) -> FloatArray:
    """(N, classes) logits to probabilities, float32, each row summing to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _by_name(model: Model, row: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(model.card.classes, row, strict=True)}


def _best(probabilities: Mapping[str, float]) -> str:
    return max(probabilities, key=lambda name: probabilities[name])


def _advice(classes: Sequence[str]) -> str | None:
    return ADVICE if len(classes) > 1 else None


def _identity(model: Model) -> ModelIdentity:
    return ModelIdentity(model.card.name, model.card.version, model.card.sha256)


def _answer_json(answer: Prediction | VolumePrediction) -> dict[str, Any]:
    identity = answer.model
    return {
        "source": answer.source,
        "label": answer.label,
        "probabilities": dict(answer.probabilities),
        "tumor_probability": answer.tumor_probability,
        "accepted": answer.accepted,
        "reason": answer.reason,
        "conformal_set": list(answer.conformal_set),
        "advice": answer.advice,
        "model": {
            "name": identity.name,
            "version": identity.version,
            "sha256": identity.sha256,
        },
    }
