"""Confidence that means something: what a finished model's card says of how far to trust it.

One call fits, on validation patients, the conformal sets and the input gate, and measures the
calibration; another writes them into the model folder. Every figure is of patients left out of
what it is about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.card import Card, read_card, write_card
from tumorlens.conformal import Conformal, in_sets
from tumorlens.gate import GateCard, write_gate
from tumorlens.lab.calibration import calibration_error, fit_temperature
from tumorlens.lab.conformal import fit_conformal, measure_sets
from tumorlens.lab.datasets import Example
from tumorlens.lab.folds import group_folds
from tumorlens.lab.gate import FittedGate, describe, fit_gate
from tumorlens.lab.pictures import ByteArray
from tumorlens.lab.progress import Progress, silent
from tumorlens.model import Model
from tumorlens.prediction import softmax
from tumorlens.scan import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Confidence:
    """What goes into the card, and the gate's numbers beside it.

    Attributes:
        conformal: Thresholds of the sets, with coverage and size measured.
        calibration: Expected calibration error, measured.
        gate: The input gate, with what it refuses and loses measured.
    """

    conformal: Conformal
    calibration: Mapping[str, Any]
    gate: FittedGate


def fit_confidence(
    model: Model,
    training: Sequence[Example],
    training_pixels: ByteArray,
    validation: Sequence[Example],
    validation_pixels: ByteArray,
    *,
    others: Mapping[str, ByteArray] | None = None,
    more: Mapping[str, ByteArray] | None = None,
    progress: Progress = silent,
) -> Confidence:
    """Fit and measure conformal sets and input gate of a model, and its calibration.

    The card's temperature must have been fitted on the same validation pictures.

    Args:
        model: As loaded by the runtime.
        training: What the network learnt from.
        training_pixels: uint8, (training, size, size), prepared as the card says.
        validation: Other patients.
        validation_pixels: uint8, (validation, size, size).
        others: By kind, pictures that are no brain MRI and must be refused; see
            `tumorlens.lab.gate.load_others`. Only made-up ones where None.
        more: By data set, brain scans of further sources for the gate to know; see
            `tumorlens.lab.gate.load_brains`.
        progress: Called with (done, total) while the graph runs, three times over.

    Raises:
        DataError: There are too few training pictures.
    """
    classes = model.card.classes
    datasets = [example.dataset for example in validation]
    described = describe(model, validation_pixels, datasets, progress=progress)
    targets = np.array([classes.index(example.label) for example in validation])
    groups = [example.group for example in validation]
    probabilities = softmax(described.logits / model.card.temperature)
    measured = _cross_fit(described.logits, targets, groups, classes)
    conformal = fit_conformal(probabilities, targets, classes)
    return Confidence(
        replace(conformal, measured=measured.get("sets", {})),
        measured.get("calibration", {}),
        fit_gate(
            model,
            training,
            training_pixels,
            validation,
            described,
            others=others,
            more=more,
            progress=progress,
        ),
    )


def write_confidence(folder: Path, confidence: Confidence) -> Card:
    """Write ``gate.npz`` and the card of a model folder; returns the new card.

    Raises:
        ModelError: The folder has no card that can be read.
    """
    card = read_card(folder)
    gate = confidence.gate
    sha256 = write_gate(folder, gate.numbers)
    card = replace(
        card,
        calibration=confidence.calibration,
        conformal=confidence.conformal,
        gate=GateCard(sha256, gate.limits, gate.measured),
    )
    write_card(folder, card)
    return card


def _cross_fit(
    logits: FloatArray,
    targets: npt.NDArray[np.intp],
    groups: Sequence[str],
    classes: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Calibration and sets of pictures whose groups were left out of all fitting.

    Temperature, weights and thresholds are fitted on four fifths of the groups and applied to
    the last fifth, in turn; nothing is returned where a class has too few groups for that.
    """
    probabilities = np.zeros(logits.shape, np.float32)
    sets = np.zeros(logits.shape, bool)
    folds = list(group_folds(targets, groups))
    for rest, fold in folds:
        temperature = fit_temperature(logits[rest], targets[rest])
        fitted = fit_conformal(softmax(logits[rest] / temperature), targets[rest], classes)
        probabilities[fold] = softmax(logits[fold] / temperature)
        sets[fold] = in_sets(probabilities[fold], classes, fitted)
    if not folds:
        return {}
    about = {"pictures": len(targets), "groups": len(set(groups)), "folds": len(folds)}
    error = {"expected_error": round(calibration_error(probabilities, targets), 4)}
    return {
        "calibration": error | {"bins": "15 of equal width"} | about,
        "sets": measure_sets(sets, targets, classes) | about,
    }
