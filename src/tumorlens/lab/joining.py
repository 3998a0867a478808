"""Finished runs -> one model folder: by a vote, by stacking, or by averaging their weights."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tumorlens.card import Card, read_card, write_card
from tumorlens.errors import ConfigError, DataError
from tumorlens.lab.calibration import fit_temperature
from tumorlens.lab.checkpoint import load_checkpoint
from tumorlens.lab.ensembling import (
    check_alike,
    fit_shares,
    joined_preparation,
    merge_models,
    stack,
    vote,
)
from tumorlens.lab.evaluation.parts import examples_of_part
from tumorlens.lab.export import export_model
from tumorlens.lab.finished import bare_network
from tumorlens.lab.pictures import ByteArray, load_pictures
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.run_data import SPLIT_FILE
from tumorlens.lab.run_record import MODEL
from tumorlens.lab.splitting import TRAINING, VALIDATION, read_part
from tumorlens.lab.training import BEST, SNAPSHOT
from tumorlens.model import Model, load_model
from tumorlens.scan import FloatArray

VOTE, FITTED, STACKING, AVERAGE = "vote", "fitted", "stacking", "average"
METHODS = (VOTE, FITTED, STACKING, AVERAGE)
"""How members are joined: by given shares, by shares fitted on validation pictures, by a linear
layer learnt on them, or by the mean of their weights."""

_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Pictures that no member trained on, and their classes.

    ``pixels`` is uint8, (pictures, size, size), of the whole's size.
    """

    pixels: ByteArray
    targets: np.ndarray


def join_runs(
    runs: Sequence[Path],
    output: Path,
    *,
    method: str = VOTE,
    shares: Sequence[float] = (),
    data: Path | None = None,
    snapshots: bool = False,
    progress: Progress = silent,
) -> Model:
    """Write one model folder out of several finished runs.

    Args:
        runs: Run folders.
        output: The model folder to write.
        method: One of `METHODS`.
        shares: Of each member in a vote; all alike where empty.
        data: Where the validation pictures of the first run lie. Needed to fit anything; where
            given, the temperature is fitted on them too.
        snapshots: Join the snapshots of the runs' cycles, not their best epochs.
        progress: Called with (done, total) while validation pictures are read.

    Returns:
        The model as the runtime loads it.

    Raises:
        ConfigError: The members do not fit together, or what the method needs is not given.
        DataError: A member was trained on validation pictures, or the data cannot be read.
        ModelError: A run has no model.
    """
    if method not in METHODS or (method in (FITTED, STACKING) and data is None):
        raise ConfigError(
            expected=f"one of {', '.join(METHODS)}; with --data for {FITTED} and {STACKING}",
            found=method if method not in METHODS else f"{method} without --data",
            remedy="Give the folder that the runs were trained from.",
            source="--method",
        )
    validation = _validation(runs, data, progress) if data else None
    if method == AVERAGE:
        return _average(runs, output, snapshots, validation)
    with tempfile.TemporaryDirectory() as aside:
        folders = _snapshots(runs, Path(aside)) if snapshots else [run / MODEL for run in runs]
        return _mix(folders, output, method, shares, validation)


def _mix(
    folders: Sequence[Path],
    output: Path,
    method: str,
    shares: Sequence[float],
    validation: Validation | None,
) -> Model:
    members = [load_model(folder, gated=False) for folder in folders]
    check_alike(members)
    classes = len(members[0].card.classes)
    if shares and len(shares) != len(members):
        raise ConfigError(
            expected=f"{len(members)} shares, one a member",
            found=str(len(shares)),
            remedy="Give --share once for each member, in order.",
            source="--share",
        )
    cards = [member.card for member in members]
    card = _card(cards, output.name, method)
    logits = [_logits_within(folder, card, validation) for folder in folders] if validation else []
    if validation is not None and method == STACKING:
        mixing = stack(logits, validation.targets, classes=classes)
    else:
        if validation is not None and method == FITTED:
            shares = fit_shares(logits, validation.targets)
        mixing = vote(shares or [1] * len(members), classes=classes)
    temperature = 1.0
    if validation is not None:
        mixed = np.concatenate(logits, axis=1) @ mixing.matrix.T + mixing.bias
        temperature = fit_temperature(np.asarray(mixed, np.float32), validation.targets)
    training = {"method": method, "members": _members(cards, mixing.shares)}
    complete = replace(card, temperature=temperature, training=training)
    return merge_models(folders, mixing, complete, output)


def _logits_within(folder: Path, card: Card, validation: Validation) -> FloatArray:
    """A member's calibrated logits as the whole will have them, from pictures of its size."""
    with tempfile.TemporaryDirectory() as aside:
        alone = merge_models([folder], vote([1], classes=len(card.classes)), card, Path(aside))
        return _calibrated(alone, validation)


def _calibrated(member: Model, validation: Validation) -> FloatArray:
    """A model's logits over its temperature: float32, (pictures, classes)."""
    rows = []
    for start in range(0, len(validation.pixels), _BATCH):
        batch = validation.pixels[start : start + _BATCH, np.newaxis].astype(np.float32) / 255
        rows.append(member.run(np.asarray(batch, np.float32)).logits / member.card.temperature)
    return np.concatenate(rows)


def _validation(runs: Sequence[Path], data: Path, progress: Progress) -> Validation:
    """The first run's validation pictures; none may have trained another member."""
    split = runs[0] / SPLIT_FILE
    examples = examples_of_part(data, split=split, part=VALIDATION)
    held = {example.picture for example in examples}
    for run in runs[1:]:
        seen = held & read_part(run / SPLIT_FILE, TRAINING).keys()
        if seen:
            raise DataError(
                expected="runs with the same validation pictures",
                found=f"{len(seen)} of them in the training part of {run}, the first {min(seen)}",
                remedy=f'Train it with --set data.split="{split.as_posix()}".',
                source=str(run),
            )
    cards = [read_card(run / MODEL) for run in runs]
    pictures = load_pictures(examples, joined_preparation(cards), progress=progress)
    targets = [cards[0].classes.index(example.label) for example in pictures.examples]
    return Validation(pictures.pixels, np.array(targets))


def _checkpoints(run: Path, snapshots: bool) -> list[Path]:
    """Of one run: the best epoch, or each cycle's snapshot."""
    found = [run / BEST]
    if snapshots:
        found = sorted((run / SNAPSHOT).parent.glob(Path(SNAPSHOT).name.format("*")))
    if not found or not found[0].is_file():
        raise ConfigError(
            expected="a run with snapshots (training.cycles)" if snapshots else "a finished run",
            found="no checkpoint of that kind",
            remedy="Give the folders that `tumorlens train` wrote (--run).",
            source=str(run),
        )
    return found


def _snapshots(runs: Sequence[Path], aside: Path) -> list[Path]:
    """A model folder for each snapshot, with the card of its run but for what was fitted to it."""
    folders: list[Path] = []
    for run in runs:
        card = replace(
            read_card(run / MODEL), curve=(), conformal=None, gate=None, int8=None, sequence=None
        )
        network = bare_network(run, len(card.classes))
        for path in _checkpoints(run, snapshots=True):
            load_checkpoint(path, network)
            folders.append(aside / str(len(folders)))
            export_model(network, replace(card, name=f"{card.name} {path.stem}"), folders[-1])
    return folders


def _average(
    runs: Sequence[Path],
    output: Path,
    snapshots: bool,
    validation: Validation | None,
) -> Model:
    """The mean of the checkpoints' weights (and batch-norm statistics), as one network.

    M. Wortsman and others, "Model soups", ICML 2022, arXiv:2203.05482. Sensible for runs that
    began from the same weights.
    """
    cards = [read_card(run / MODEL) for run in runs]
    check_alike([load_model(run / MODEL, gated=False) for run in runs], same_size=True)
    network = bare_network(runs[0], len(cards[0].classes))
    states = []
    for path in (path for run in runs for path in _checkpoints(run, snapshots)):
        load_checkpoint(path, network)
        states.append({key: value.clone() for key, value in network.state_dict().items()})
    mean = {
        key: torch.stack([one[key].double() for one in states]).mean(dim=0) for key in states[0]
    }
    network.load_state_dict({key: mean[key].to(states[0][key].dtype) for key in mean})
    card = _card(cards, output.name, AVERAGE)
    temperature = float(np.mean([one.temperature for one in cards]))
    model = export_model(network, replace(card, temperature=temperature), output)
    if validation is None:
        return model
    logits = _calibrated(model, validation) * temperature
    fitted = fit_temperature(np.asarray(logits, np.float32), validation.targets)
    write_card(output, replace(model.card, temperature=fitted))
    return load_model(output)


def _card(cards: Sequence[Card], name: str, method: str) -> Card:
    """The card of the whole; scores, sets of classes and the gate were the members' own."""
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
        limitations=tuple(dict.fromkeys(line for card in cards for line in card.limitations)),
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
