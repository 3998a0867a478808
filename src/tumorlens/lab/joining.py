"""Finished runs -> one model folder: by a vote, by stacking, or by averaging their weights."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.calibration import bend
from tumorlens.card import Card, read_card, write_card
from tumorlens.errors import ConfigError
from tumorlens.lab.calibration import fit_temperature
from tumorlens.lab.confidence import Confidence, fit_confidence, write_confidence
from tumorlens.lab.ensembling import check_alike, joined_preparation, merge_models
from tumorlens.lab.evaluation import Evaluation, card_scores, score_answers, write_evaluation
from tumorlens.lab.export import export_model
from tumorlens.lab.growing_model import growing_model
from tumorlens.lab.joining_material import Material, read_material
from tumorlens.lab.member_weights import mean_network, snapshot_models
from tumorlens.lab.mixing import Mixing, fit_shares, mix_unseen, stack, vote
from tumorlens.lab.pictures import ByteArray
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.run_record import MODEL
from tumorlens.model import Model, load_model
from tumorlens.prediction import softmax
from tumorlens.scan import FloatArray

VOTE, FITTED, STACKING, AVERAGE = "vote", "fitted", "stacking", "average"
METHODS = (VOTE, FITTED, STACKING, AVERAGE)
"""How members are joined: by given shares, by shares fitted on validation pictures, by a linear
layer learnt on them, or by the mean of their weights."""

NOT_FITTED = (
    "Joined without validation pictures: it has no input gate, so that it answers what is "
    "no brain MRI, no conformal sets, and probabilities whose calibration was not measured."
)
"""Stands among the limitations then."""

_BATCH = 32

_Fit = Callable[[Sequence[FloatArray], np.ndarray], Mixing]


def join_runs(
    runs: Sequence[Path],
    output: Path,
    *,
    method: str = VOTE,
    shares: Sequence[float] = (),
    data: Path | None = None,
    others: Path | None = None,
    snapshots: bool = False,
    scores: Path | None = None,
    progress: Progress = silent,
    on_confidence: Progress = silent,
    on_unsure: Callable[[str], None] = silent,
) -> Model:
    """Write one model folder out of several finished runs.

    Args:
        runs: Run folders.
        output: The model folder to write, whole or not at all.
        method: One of `METHODS`.
        shares: Of each member in a vote, for `VOTE` alone; all alike where empty.
        data: Where the pictures of the first run lie. Needed to fit anything; where given,
            temperature, conformal sets and input gate are fitted on them too, as `run_training`
            does, and the card has scores on the validation pictures. The model has no gate and
            no sets where None, and its card says so.
        others: A folder of folders, by kind, of pictures that are no brain MRI, for the gate.
        snapshots: Join the snapshots of the runs' cycles, not their best epochs.
        scores: Folder for ``evaluation.json`` and what belongs to it, with the scores that the
            card has. Each picture is scored by a mixing that was fitted without its group, which
            `tumorlens evaluate` cannot do.
        progress: Called with (done, total) while pictures are read.
        on_confidence: Called with (done, total) while the whole describes pictures for its gate.
        on_unsure: Told in one line what could not be checked of the members.

    Returns:
        The model as the runtime loads it.

    Raises:
        ConfigError: The members do not fit together, or what the method needs is not given.
        DataError: A member was trained on validation pictures, or the data cannot be read.
        ModelError: A run has no model.
    """
    _check_request(method, shares, data, {"--others": others, "--scores": scores})
    _refuse_own_model(runs, output)
    material = None
    if data:
        material = read_material(runs, data, others=others, progress=progress, on_unsure=on_unsure)
    command = _command(runs, output, method, shares, snapshots)
    name, evaluation = output.absolute().name, None
    with growing_model(output) as folder, tempfile.TemporaryDirectory() as aside:
        if method == AVERAGE:
            model, logits = _average(runs, folder, material, name=name, snapshots=snapshots)
        else:
            own = [run / MODEL for run in runs]
            members = snapshot_models(runs, Path(aside)) if snapshots else own
            model, logits = _mix(members, folder, material, name=name, method=method, shares=shares)
        if material is not None:
            fitted = _fit_confidence(model, folder, logits, material, on_confidence)
            evaluation = _score(model, logits, material, *fitted)
            found = card_scores(evaluation.to_json(command=command))
            write_card(folder, replace(read_card(folder), scores=found))
    if scores and evaluation:  # afterwards, because its folder may lie in the model's
        write_evaluation(scores, evaluation, command=command)
    return load_model(output)


def _check_request(
    method: str, shares: Sequence[float], data: Path | None, fitted: Mapping[str, Path | None]
) -> None:
    """What is fitted or scored needs data; ``fitted`` are such options and what was given."""
    if method not in METHODS or (method in (FITTED, STACKING) and data is None):
        raise ConfigError(
            expected=f"one of {', '.join(METHODS)}; with --data for {FITTED} and {STACKING}",
            found=method if method not in METHODS else f"{method} without --data",
            remedy="Give the folder that the runs were trained from.",
            source="--method",
        )
    if shares and method != VOTE:
        raise ConfigError(
            expected=f"shares for the method {VOTE} alone",
            found=f"--share beside {method}, which takes none",
            remedy=f"Leave out --share, or take --method {VOTE}.",
            source="--share",
        )
    for option, given in fitted.items():
        if given and data is None:
            raise ConfigError(
                expected=f"--data beside {option}",
                found=f"{option} alone",
                remedy="Give the folder that the runs were trained from.",
                source=option,
            )


def _refuse_own_model(runs: Sequence[Path], output: Path) -> None:
    """A run whose model were replaced by the whole would count as the whole from then on."""
    if output.resolve() in {(run / MODEL).resolve() for run in runs}:
        raise ConfigError(
            expected="a folder of its own for the joined model",
            found="the model folder of a member, which would be lost",
            remedy="Give another one, such as models/both.",
            source="--output",
        )


def _command(
    runs: Sequence[Path], output: Path, method: str, shares: Sequence[float], snapshots: bool
) -> str:
    """The command that gives the model and its scores again, the place of the data left open."""
    words = ["tumorlens ensemble", *(run.as_posix() for run in runs), "--method", method]
    words += [f"--share {share:g}" for share in shares]
    words += ["--snapshots"] if snapshots else []
    return " ".join([*words, "--data DATA --output", output.as_posix()])


def _fit_confidence(
    model: Model, output: Path, logits: FloatArray, material: Material, progress: Progress
) -> tuple[Confidence, float]:
    """Temperature, calibration, conformal sets and input gate, into the model folder.

    Args:
        model: As it was joined.
        output: Its folder.
        logits: Its answers about the validation pictures, float32, (pictures, classes).
        material: What to fit on.
        progress: Called with (done, total) while the graph runs.

    Returns:
        What was written, and the temperature.
    """
    temperature = fit_temperature(logits, material.targets)
    write_card(output, replace(model.card, temperature=temperature))
    confidence = fit_confidence(
        load_model(output),
        material.training.examples,
        material.training.pixels,
        material.validation.examples,
        material.validation.pixels,
        logits=logits,
        others=material.others,
        progress=progress,
    )
    write_confidence(output, confidence)
    return confidence, temperature


def _score(
    model: Model, logits: FloatArray, material: Material, confidence: Confidence, temperature: float
) -> Evaluation:
    """The scores of the whole on the validation pictures, by its logits about them."""
    answers = bend(softmax(logits / np.float32(temperature)), confidence.curve)
    examples, blank = material.validation.examples, len(material.validation.blank)
    return score_answers(model, examples, answers, blank=blank)


def _mix(
    folders: Sequence[Path],
    output: Path,
    material: Material | None,
    *,
    name: str,
    method: str,
    shares: Sequence[float],
) -> tuple[Model, FloatArray]:
    """The model that runs all members, and its logits about the validation pictures."""
    members = [load_model(folder, gated=False) for folder in folders]
    check_alike(members)
    if shares and len(shares) != len(members):
        raise ConfigError(
            expected=f"{len(members)} shares, one a member",
            found=str(len(shares)),
            remedy="Give --share once for each member, in order.",
            source="--share",
        )
    cards = [member.card for member in members]
    card = _card(cards, name, method, fitted=material is not None)
    fit = _fitter(method, shares or [1] * len(members), len(card.classes))
    logits: list[FloatArray] = []
    targets = np.zeros(0, np.intp)
    if material is not None:
        logits = [_logits_within(folder, card, material) for folder in folders]
        targets = material.targets
    mixing = fit(logits, targets)
    complete = replace(card, training={"method": method, "members": _members(cards, mixing.shares)})
    model = merge_models(folders, mixing, complete, output)
    if material is None:
        return model, np.zeros((0, len(card.classes)), np.float32)
    groups = [example.group for example in material.validation.examples]
    return model, mix_unseen(fit, logits, targets, groups)


def _fitter(method: str, shares: Sequence[float], classes: int) -> _Fit:
    """What makes a mixing of the members' logits and the true classes."""
    if method == STACKING:
        return lambda logits, targets: stack(logits, targets, classes=classes)
    if method == FITTED:
        return lambda logits, targets: vote(fit_shares(logits, targets), classes=classes)
    return lambda *_: vote(shares, classes=classes)


def _logits_within(folder: Path, card: Card, material: Material) -> FloatArray:
    """A member's calibrated logits as the whole will have them, from pictures of its size."""
    with tempfile.TemporaryDirectory() as aside:
        alone = merge_models([folder], vote([1], classes=len(card.classes)), card, Path(aside))
        return _calibrated(alone, material.validation.pixels)


def _calibrated(member: Model, pixels: ByteArray) -> FloatArray:
    """A model's logits over its temperature: float32, (pictures, classes)."""
    rows = []
    for start in range(0, len(pixels), _BATCH):
        batch = pixels[start : start + _BATCH, np.newaxis].astype(np.float32) / 255
        rows.append(member.run(np.asarray(batch, np.float32)).logits / member.card.temperature)
    return np.concatenate(rows)


def _average(
    runs: Sequence[Path],
    output: Path,
    material: Material | None,
    *,
    name: str,
    snapshots: bool,
) -> tuple[Model, FloatArray]:
    """The model with the mean of the members' weights, and its logits about them."""
    cards = [read_card(run / MODEL) for run in runs]
    check_alike([load_model(run / MODEL, gated=False) for run in runs], same_size=True)
    network = mean_network(runs, len(cards[0].classes), snapshots=snapshots)
    card = _card(cards, name, AVERAGE, fitted=material is not None)
    temperature = float(np.mean([one.temperature for one in cards]))
    model = export_model(network, replace(card, temperature=temperature), output)
    if material is None:
        return model, np.zeros((0, len(card.classes)), np.float32)
    logits = _calibrated(model, material.validation.pixels) * temperature
    return model, np.asarray(logits, np.float32)


def _card(cards: Sequence[Card], name: str, method: str, *, fitted: bool) -> Card:
    """The card of the whole; scores, sets of classes and the gate were the members' own."""
    limitations = [line for card in cards for line in card.limitations]
    networks = dict.fromkeys(card.network for card in cards)
    return Card(
        name=name,
        version=cards[0].version,
        classes=cards[0].classes,
        preparation=joined_preparation(cards),
        temperature=1.0,
        sha256="",
        network=f"{method} of {' + '.join(networks)}",
        created=datetime.now(UTC).date().isoformat(),
        intended_use=cards[0].intended_use,
        limitations=tuple(dict.fromkeys(limitations if fitted else [NOT_FITTED, *limitations])),
        licence="; ".join(dict.fromkeys(card.licence for card in cards)),
        scores=next(({"split": leaky} for one in cards if (leaky := one.scores.get("split"))), {}),
        data={key: value for card in reversed(cards) for key, value in card.data.items()},
        training={"method": method, "members": _members(cards)},
    )


def _members(cards: Sequence[Card], shares: Sequence[float] = ()) -> list[dict[str, Any]]:
    """What the whole's card says of each member."""
    members: list[dict[str, Any]] = [
        {
            **card.identity.to_json(),
            "network": card.network,
            "size": card.preparation.size,
        }
        for card in cards
    ]
    for member, share in zip(members, shares, strict=False):
        member["share"] = share
    return members
