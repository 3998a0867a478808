"""One whole run on volumes: cases -> split -> training -> model folder -> scores."""

import hashlib
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tumorlens.errors import ConfigError, DataError, TrainingError
from tumorlens.lab.checkpoint import LAST
from tumorlens.lab.growing_model import growing_model
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.run_record import read_record
from tumorlens.lab.volumes.cases import AXES, fingerprint, prepare_cases
from tumorlens.lab.volumes.exporting import export_volume_model
from tumorlens.lab.volumes.heads import find_training_cases
from tumorlens.lab.volumes.labelled import LabelledHead
from tumorlens.lab.volumes.losses import build_loss
from tumorlens.lab.volumes.measuring import (
    CaseScore,
    per_dataset,
    score_case,
    summary,
    write_scores,
)
from tumorlens.lab.volumes.networks import build_volume_network
from tumorlens.lab.volumes.settings import VolumeConfig
from tumorlens.lab.volumes.split import (
    SPLIT_FILE,
    VALIDATION,
    CaseSplit,
    read_case_part,
    split_cases,
    write_case_split,
)
from tumorlens.lab.volumes.training import VolumeWatch, train_volumes
from tumorlens.reporting.folder import PartialFile
from tumorlens.volume_outlining import VolumeCard, VolumeModel, outline_head
from tumorlens.volume_outlining.card import write_volume_card

MODEL, PREPARED, RUN_FILE = "model", "prepared", "run.json"
SCORES_FILE = "scores.csv"


def run_volume_training(
    config: VolumeConfig, data: Path, run: Path, *, watch: VolumeWatch | None = None
) -> dict[str, Any]:
    """Do everything, or go on with what a killed run has left to do.

    Args:
        config: The settings.
        data: A data set of heads as downloaded, or a folder of several.
        run: Folder for prepared heads (about 30 MB each; they may be deleted afterwards),
            checkpoints, ``history.csv``, ``curves.png``, ``split.csv``, ``scores.csv`` and
            ``model/``.
        watch: Told of what happens.

    Returns:
        The scores, as in the card.

    Raises:
        DataError: The cases cannot be used.
        ConfigError: The network or the loss is unknown, or torchrun started several processes.
        TrainingError: The folder records a run of other settings or data, or training failed.
    """
    _check_alone()
    told = watch or VolumeWatch()
    build_loss(config.training.loss)  # unknown names are found before anything is read
    build_volume_network(config)
    cases = find_training_cases(
        data,
        sequences=config.data.sequences,
        regions=config.data.regions,
        can_miss=config.augmentation.sequence_dropout > 0,
    )
    run.mkdir(parents=True, exist_ok=True)
    _record(run, config, cases)
    prepared = prepare_cases(cases, config, run / PREPARED, progress=told.on_prepare)
    split = split_cases(prepared, config)
    write_case_split(run / SPLIT_FILE, split)
    told.on_split(split)
    trained = train_volumes(config, split, run, watch=told)
    with growing_model(run / MODEL) as folder:
        model = export_volume_model(trained.network, make_card(config, split), folder)
        held = {case.name for case in split.validation}
        validation = [case for case in cases if case.name in held]
        scores = score_cases(model, validation, progress=told.on_score)
        write_scores(run / SCORES_FILE, scores)
        found = summary(scores) | {"per_dataset": per_dataset(scores)}
        write_volume_card(folder, replace(model.card, scores=found))
    return found


def cases_to_score(
    card: VolumeCard, data: Path, *, split: Path | None = None, part: str = VALIDATION
) -> list[LabelledHead]:
    """The labelled cases that a finished model is scored on: all, or one part of a run's.

    Args:
        card: The model's.
        data: A data set of heads as downloaded, or a folder of several.
        split: The run's ``split.csv``; all cases where None.
        part: ``training`` or ``validation``.

    Raises:
        DataError: There are none, a case lacks what the model needs, or the split names none of
            them.
    """
    cases = find_training_cases(
        data,
        sequences=card.sequences,
        regions=card.regions,
        can_miss=card.sequence_dropout > 0,
        only=() if split is None else read_case_part(split, part),
    )
    if not cases:
        raise DataError(
            expected=f"cases that the split names as {part}",
            found="none of them in the data",
            remedy="Give the data of that run.",
            source=str(split),
        )
    return cases


def score_cases(
    model: VolumeModel, cases: Sequence[LabelledHead], *, progress: Progress = silent
) -> list[CaseScore]:
    """Outline cases as the runtime does, and compare on the heads' own grids.

    Args:
        model: From `tumorlens.volume_outlining.load_volume_model`.
        cases: At least one.
        progress: Called with (done, total) cases.

    Raises:
        DataError: A case cannot be used.
    """
    scores = []
    for done, case in enumerate(cases, 1):
        head, truth = case.read()
        found = outline_head(head, model)
        scores.append(
            score_case(
                case.name,
                found.labels,
                truth,
                regions=model.card.regions,
                spacing_mm=next(iter(head.volumes.values())).spacing_mm,
                patient=case.patient,
                dataset=case.dataset,
            )
        )
        progress(done, len(cases))
    return scores


def make_card(config: VolumeConfig, split: CaseSplit) -> VolumeCard:
    """The card of a run's model, but for the graph's hash and the scores."""
    said = config.card
    parts = {"training": split.training, "validation": split.validation}
    return VolumeCard(
        name=config.name,
        version=config.version,
        sequences=config.data.sequences,
        regions=config.data.regions,
        patch=config.training.patch,
        spacing_mm=config.data.spacing_mm,
        axes=AXES,
        overlap=config.inference.overlap,
        flips=config.inference.flips,
        clears_background=config.data.clear_background,
        sequence_dropout=config.augmentation.sequence_dropout,
        sha256="",
        network=config.network.name,
        created=datetime.now(UTC).date().isoformat(),
        intended_use=said.intended_use,
        limitations=said.limitations,
        licence=said.licence,
        data={"source": said.source}
        | {
            part: {
                "cases": len(cases),
                "patients": len({case.patient for case in cases}),
                "datasets": sorted({case.dataset for case in cases}),
            }
            for part, cases in parts.items()
        },
        training=_told(config),
    )


def _told(config: VolumeConfig) -> dict[str, Any]:
    """The settings for records: of a file of weights its name, not its place on this machine."""
    values = config.model_dump(mode="json", exclude={"card"})
    values["network"]["weights"] = Path(config.network.weights).name
    return values


def _check_alone() -> None:
    """Each of several processes would train by itself, and all write one run folder."""
    processes = os.environ.get("WORLD_SIZE") or "1"
    if processes != "1":
        raise ConfigError(
            expected="one process for a network on volumes",
            found=f"{processes} (WORLD_SIZE)",
            remedy="Start `tumorlens train` without torchrun.",
            source="torchrun",
        )


def _record(run: Path, config: VolumeConfig, cases: Sequence[LabelledHead]) -> None:
    """Write ``run.json``, or hold it against what the folder's network has learnt from."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(f"{case.name} {fingerprint(case, config)}\n".encode())
    split = Path(config.data.split)
    if split.is_file():  # its content decides, wherever it lies
        digest.update(split.read_bytes())
    record = {"config": _told(config), "data_sha256": digest.hexdigest()}
    path = run / RUN_FILE
    if path.is_file() and any((run / one).exists() for one in (LAST, MODEL)):
        before = read_record(path)
        for what, key in (("settings", "config"), ("data", "data_sha256")):
            if before.get(key) != record[key]:
                raise TrainingError(
                    expected=f"the {what} that this run folder was begun with",
                    found=f"other {what}",
                    remedy="Give another --run folder, or delete this one to train it anew.",
                    source=str(run),
                )
    names = ("tumorlens", "torch", "monai", "numpy", "onnx")
    versions = {name: version(name) for name in names} | {"python": platform.python_version()}
    with PartialFile(path) as file:
        file.write(json.dumps(record | {"versions": versions}, indent=2) + "\n")
