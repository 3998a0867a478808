"""Model folder -> the same folder with a quicker graph: 8-bit weights and activations.

Static quantisation, one scale for each channel of the weights (R. Krishnamoorthi, "Quantizing
deep convolutional networks for efficient inference", 2018, arXiv:1806.08342), with the ranges of
the activations taken from training patients. Pooling and the linear layer stay as they are, so
that heatmaps remain exactly what the graph's class is made of.
"""

import hashlib
import logging
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from tumorlens.card import Card, QuantizedGraph, read_card, write_card
from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.pictures import ByteArray
from tumorlens.lab.progress import Progress, silent
from tumorlens.model import FLOAT32, GRAPHS, INT8, WEIGHT_KEY, GraphOutputs, Model, load_model
from tumorlens.overlapping import overlapped
from tumorlens.prediction import calibrated
from tumorlens.scan import FloatArray

CALIBRATION_PICTURES = 320
"""Training pictures that the activations' ranges are taken from, unless told otherwise."""

MOST_POINTS_LOST = 0.3
"""Percentage points of accuracy; who loses more should stay with float32."""

_QUANTIZED = ["Conv", "Clip", "Relu", "Add", "Concat", "Resize", "AveragePool", "MaxPool"]
_BATCH = 8


def spread(examples: Sequence[Example], count: int) -> list[Example]:
    """About ``count`` examples, as many of each data set's class as there are, up to its share."""
    kinds: dict[tuple[str, str], list[Example]] = {}
    for example in examples:
        kinds.setdefault((example.dataset, example.label), []).append(example)
    share = max(1, -(-count // max(1, len(kinds))))
    return [
        kinds[kind][int(place)]
        for kind in sorted(kinds)
        for place in np.unique(np.linspace(0, len(kinds[kind]) - 1, share).round())
    ]


def quantize_model(
    folder: Path,
    calibration: ByteArray,
    validation: Sequence[Example],
    pixels: ByteArray,
    *,
    progress: Progress = silent,
) -> Card:
    """Write ``model.int8.onnx`` beside ``model.onnx``, measure it and say so in the card.

    Args:
        folder: The model folder.
        calibration: uint8, (pictures, size, size), of training patients, prepared as the card
            says.
        validation: Other patients.
        pixels: uint8, (validation, size, size).
        progress: Called with (done, total) while both graphs answer the validation pictures.

    Returns:
        The new card.

    Raises:
        ModelError: The folder cannot be used.
        DataError: There are no pictures to calibrate on or to measure with.
    """
    if not len(calibration) or not len(pixels):
        raise DataError(
            expected="pictures of training and of validation patients",
            found=f"{len(calibration)} and {len(pixels)}",
            remedy="Give the data and the split.csv that the model was trained with.",
            source=str(folder),
        )
    exact = load_model(folder, threads=1)
    target = folder / GRAPHS[INT8]
    with tempfile.TemporaryDirectory(dir=folder, prefix=".quantize-") as aside:
        made = Path(aside) / target.name
        _quantize(folder / GRAPHS[FLOAT32], made, calibration)
        sha256 = hashlib.sha256(made.read_bytes()).hexdigest()
        made.replace(target)
    card = replace(read_card(folder), int8=QuantizedGraph(sha256))
    write_card(folder, card)
    quick = load_model(folder, threads=1, precision=INT8)
    measured = measure_graphs(exact, quick, validation, pixels, progress)
    measured |= {
        "calibrated_on": len(calibration),
        "bytes": {name: (folder / graph).stat().st_size for name, graph in GRAPHS.items()},
    }
    card = replace(card, int8=QuantizedGraph(sha256, measured))
    write_card(folder, card)
    return card


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # untyped
    """Hands pictures to ONNX Runtime one by one."""

    def __init__(self, pixels: ByteArray, name: str) -> None:
        self._pixels = iter(pixels)
        self._name = name

    def get_next(self) -> dict[str, FloatArray] | None:
        """The next picture as the graph takes it; None after the last."""
        picture = next(self._pixels, None)
        return None if picture is None else {self._name: _as_input(picture[np.newaxis])}


def _quantize(source: Path, target: Path, calibration: ByteArray) -> None:
    original = onnx.load(source)
    log = logging.getLogger()
    level = log.level
    log.setLevel(logging.ERROR)  # it advises a preparation that the exporter has done already
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quantize_static(
                str(source),
                str(target),
                _Reader(calibration, original.graph.input[0].name),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=_QUANTIZED,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
    finally:
        log.setLevel(level)
    made = onnx.load(target)
    kept = {one.key: one.value for one in original.metadata_props}
    onnx.helper.set_model_props(made, {WEIGHT_KEY: kept[WEIGHT_KEY]})
    onnx.save(made, target)


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """Both graphs' answers about the same pictures, the exact one's first.

    Attributes:
        probabilities: Each float32, (pictures, classes).
        accepted: How many look like a brain MRI to each.
        overlap: Of the outlines: (pixels in both, pixels in one plus pixels in the other).
    """

    probabilities: tuple[FloatArray, FloatArray]
    accepted: tuple[int, int]
    overlap: tuple[int, int]


def measure_graphs(
    exact: Model, quick: Model, validation: Sequence[Example], pixels: ByteArray, progress: Progress
) -> dict[str, Any]:
    """What the card says of both graphs' answers about validation pictures.

    Args:
        exact: With float32.
        quick: With int8.
        validation: Other patients' scans.
        pixels: uint8, (validation, size, size).
        progress: Called with (done, total).
    """
    starts = range(0, len(pixels), _BATCH)
    batches = (pixels[start : start + _BATCH] for start in starts)
    compared: list[_Compared] = []
    for one in overlapped(partial(_compare, exact, quick), batches, workers=exact.passes):
        compared.append(one)
        progress(min(len(compared) * _BATCH, len(pixels)), len(pixels))
    names = (FLOAT32, INT8)
    answers = [np.concatenate([one.probabilities[n] for one in compared]) for n in (0, 1)]
    accepted = [sum(one.accepted[n] for one in compared) for n in (0, 1)]
    classes = exact.card.classes
    targets = np.array([classes.index(example.label) for example in validation])
    right = [answer.argmax(1) == targets for answer in answers]
    both, either = (sum(one.overlap[n] for one in compared) for n in (0, 1))
    found: dict[str, Any] = {
        "pictures": len(targets),
        "groups": len({example.group for example in validation}),
        "accuracy": {name: _rounded(one.mean()) for name, one in zip(names, right, strict=True)},
        "macro_recall": {
            name: _rounded(np.mean([one[targets == number].mean() for number in set(targets)]))
            for name, one in zip(names, right, strict=True)
        },
        "points_lost": round(100 * float(right[0].mean() - right[1].mean()), 3),
        "same_answer": _rounded(np.mean(answers[0].argmax(1) == answers[1].argmax(1))),
        "mean_difference_of_probabilities": _rounded(np.abs(answers[0] - answers[1]).mean()),
    }
    if exact.gate is not None:
        found["accepted"] = {
            name: _rounded(count / len(targets))
            for name, count in zip(names, accepted, strict=True)
        }
    if either:
        found["dice_of_outlines"] = _rounded(2 * both / either)
    return found


def _compare(exact: Model, quick: Model, pixels: ByteArray) -> _Compared:
    pictures = _as_input(pixels)
    outputs = [model.run(pictures) for model in (exact, quick)]
    first, second = (_outlined(one) for one in outputs)
    return _Compared(
        (calibrated(outputs[0].logits, exact.card), calibrated(outputs[1].logits, quick.card)),
        (_accepted(exact, outputs[0], pictures), _accepted(quick, outputs[1], pictures)),
        (int((first & second).sum()), int(first.sum() + second.sum())),
    )


def _outlined(outputs: GraphOutputs) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    return np.zeros(1, bool) if outputs.outline is None else outputs.outline > 0


def _accepted(model: Model, outputs: GraphOutputs, pictures: FloatArray) -> int:
    if model.gate is None:
        return len(pictures)
    judged = model.gate.judge(outputs.embedding, pictures[:, 0])
    return sum(one.reason is None for one in judged)


def _as_input(pixels: ByteArray) -> FloatArray:
    return np.asarray(pixels[:, np.newaxis], np.float32) / np.float32(255)


def _rounded(value: Any) -> float:
    return round(float(value), 5)
