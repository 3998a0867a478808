"""Scan -> Prediction: what the model says of a slice or a volume."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from tumorlens.answer import (
    Evidence,
    Prediction,
    SlicePrediction,
    VolumePrediction,
)
from tumorlens.calibration import bend
from tumorlens.card import Card
from tumorlens.conformal import conformal_set
from tumorlens.gate import Judgement
from tumorlens.labels import tumor_probability
from tumorlens.model import GraphOutputs, Model, load_model
from tumorlens.overlapping import overlapped
from tumorlens.preparation import Box, Image, Placement, prepare, strip_skull, strips_volumes
from tumorlens.reading import read_scan
from tumorlens.reading.checks import check_finite
from tumorlens.scan import FloatArray, Scan, Volume
from tumorlens.volume_joining import accepted_volume, columns, join_slices, slices_with_head

__all__ = [
    "LEAST_HEAD",
    "LONGEST_HEAD",
    "SUSPICIOUS",
    "Evidence",
    "Prediction",
    "SlicePrediction",
    "VolumePrediction",
    "calibrated",
    "predict",
    "predict_slices",
    "softmax",
]

_BATCH = 4  # slices of a volume at a time: more are no quicker and need more memory

LEAST_HEAD = 24
"""Pixels along the longer side of the head, in pictures that a gate accepts: in smaller ones the
bundled model overlooks most tumors, as a test on shrunk pictures shows."""

LONGEST_HEAD = 2.5
"""How many times as long as wide a head may be that a gate accepts; real ones reach 2.2, and in
pictures that are stretched to more the bundled model overlooks most tumors."""

SUSPICIOUS = 3
"""How many of a volume's slices are named as the most suspicious."""


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
        ScanError: The path cannot be read as a scan, the scan holds NaN or infinity, no slice of
            the volume shows a head, or the skull cannot be taken off as the model's preparation
            says.
        ModelError: The bundled model cannot be loaded.
        MissingExtraError: What takes the skull off is not installed.
    """
    if isinstance(scan, str | Path):
        scan = read_scan(scan)
    else:  # read by somebody else
        check_finite(scan.voxels if isinstance(scan, Volume) else scan.pixels, source=scan.source)
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
    identity = model.card.identity
    answers = []
    outlines = _outlines(outputs)
    judgements = _judgements(model, outputs, pictures, images)
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
                model.card.preparation.skull_strip,
                model.tta,
            )
        )
    return answers


def _judgements(
    model: Model, outputs: GraphOutputs, pictures: FloatArray, images: Sequence[Image]
) -> Sequence[Judgement]:
    """Whether each picture is a brain MRI that shows enough; all are where there is no gate."""
    if model.gate is None:
        return [Judgement({}, None)] * len(pictures)
    judged = model.gate.judge(outputs.embedding, pictures)
    return [
        replace(one, reason=one.reason or _unfit(image.placement))
        for one, image in zip(judged, images, strict=True)
    ]


def _unfit(placement: Placement) -> str | None:
    """Why a head of so few pixels, or of such a shape, is refused; None where it is not."""
    rows, columns = _sides(placement.crop)
    if max(rows, columns) < LEAST_HEAD:
        return (
            f"shows too little to judge: the head is {columns} x {rows} pixels, "
            f"at least {LEAST_HEAD} across are needed"
        )
    sides = _sides(placement.inset)
    if max(sides) > LONGEST_HEAD * min(sides):
        stretched = max(sides) / min(sides)
        return (
            f"does not have a head's shape: {stretched:.1f} times as long as wide, stretched maybe"
        )
    return None


def _sides(box: Box) -> tuple[int, int]:
    return box.bottom - box.top, box.right - box.left


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
        replace(_with_probabilities(answer, row, model), skull_strip=method)
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
        model.card.identity,
        tuple(map(SlicePrediction, indices, answers)),
        tuple(indices[position] for position in order),
        *accepted_volume([answer.reason for answer in answers]),
        conformal_set(named, model.card.conformal),
        joined.joined_by,
        method,
        model.tta,
        model.companion,
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
