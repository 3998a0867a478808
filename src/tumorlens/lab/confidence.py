"""Confidence that means something: what a finished model's card says of how far to trust it.

One call fits, on validation patients, the curve of the probabilities, the conformal sets and
the input gate; another writes them into the model folder. Every figure is of patients left out of
what it is about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.calibration import Curve, bend
from tumorlens.card import Card, read_card, write_card
from tumorlens.conformal import Conformal, in_sets
from tumorlens.gate import GateCard, write_gate
from tumorlens.lab.calibration import BINS, calibration_error, fit_curve, fit_temperature
from tumorlens.lab.conformal import fit_conformal, measure_sets
from tumorlens.lab.datasets import Example
from tumorlens.lab.datasets.tomograms import are_tomograms
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
        curve: What bends the largest probability after the temperature; empty where the
            temperature alone is as good.
        conformal: Thresholds of the sets, with coverage and size measured.
        calibration: Expected calibration error, measured.
        gate: The input gate, with what it refuses and loses measured.
    """

    curve: Curve
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
    logits: FloatArray | None = None,
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
        logits: float32, (validation, classes), of the validation pictures; the graph's own where
            None. For a graph that was itself fitted on them (`tumorlens.lab.joining`).
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
    answered = described.logits if logits is None else logits
    targets = np.array([classes.index(example.label) for example in validation])
    groups = [example.group for example in validation]
    plain = softmax(answered / model.card.temperature)
    straight, curved = (
        _cross_fit(answered, targets, groups, classes, curved=flag) for flag in (False, True)
    )
    is_curved = curved.folds > 0 and curved.error(targets) < straight.error(targets)
    curve = fit_curve(plain, targets) if is_curved else ()
    conformal = fit_conformal(bend(plain, curve), targets, classes)
    sets = measure_sets((curved if is_curved else straight).sets, targets, classes)
    counts = _counts(straight, targets, groups)
    return Confidence(
        curve,
        replace(conformal, measured=sets | counts if straight.folds else {}),
        _measured(straight, curved, targets, groups) if straight.folds else {},
        fit_gate(
            model,
            training,
            training_pixels,
            validation,
            described,
            tomograms=are_tomograms(validation_pixels),
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
        curve=confidence.curve,
        calibration=confidence.calibration,
        conformal=confidence.conformal,
        gate=GateCard(sha256, gate.limits, gate.measured),
    )
    write_card(folder, card)
    return card


@dataclass(frozen=True, slots=True, eq=False)
class _LeftOut:
    """Answers and sets of pictures whose groups were left out of all fitting."""

    probabilities: FloatArray
    sets: npt.NDArray[np.bool_]
    folds: int

    def error(self, targets: npt.NDArray[np.intp]) -> float:
        return round(calibration_error(self.probabilities, targets), 4)


def _cross_fit(
    logits: FloatArray,
    targets: npt.NDArray[np.intp],
    groups: Sequence[str],
    classes: Sequence[str],
    *,
    curved: bool,
) -> _LeftOut:
    """Fit temperature, curve and sets on four fifths of the groups for the last fifth, in turn.

    There are no folds where a class has too few groups for that.
    """
    left_out = _LeftOut(np.zeros(logits.shape, np.float32), np.zeros(logits.shape, bool), 0)
    for rest, fold in group_folds(targets, groups):
        temperature = fit_temperature(logits[rest], targets[rest])
        plain = softmax(logits / temperature)
        curve = fit_curve(plain[rest], targets[rest]) if curved else ()
        answers = bend(plain, curve)
        fitted = fit_conformal(answers[rest], targets[rest], classes)
        left_out.probabilities[fold] = answers[fold]
        left_out.sets[fold] = in_sets(answers[fold], classes, fitted)
        left_out = replace(left_out, folds=left_out.folds + 1)
    return left_out


def _measured(
    straight: _LeftOut, curved: _LeftOut, targets: npt.NDArray[np.intp], groups: Sequence[str]
) -> dict[str, Any]:
    """Calibration with the better of the two, and on how many pictures it was measured."""
    errors = (straight.error(targets), curved.error(targets))
    return {
        "expected_error": min(errors),
        "expected_error_by_temperature_alone": errors[0],
        "bins": f"{BINS} of equal width",
        **_counts(straight, targets, groups),
    }


def _counts(
    left_out: _LeftOut, targets: npt.NDArray[np.intp], groups: Sequence[str]
) -> dict[str, int]:
    return {"pictures": len(targets), "groups": len(set(groups)), "folds": left_out.folds}
