"""One whole training run: data -> split -> training -> calibration -> model folder -> scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tumorlens.card import Card, write_card
from tumorlens.lab.bench import check_set_up, check_shares, ordered_classes
from tumorlens.lab.calibration import fit_temperature
from tumorlens.lab.confidence import fit_confidence, write_confidence
from tumorlens.lab.config import Config
from tumorlens.lab.evaluation import (
    Evaluation,
    card_scores,
    evaluate_pictures,
    write_evaluation,
)
from tumorlens.lab.export import export_model
from tumorlens.lab.fingerprints import FINGERPRINTS, write_fingerprints
from tumorlens.lab.gate import load_others, sample
from tumorlens.lab.given_names import check_names, idle_settings
from tumorlens.lab.growing_model import growing_model
from tumorlens.lab.history import EpochRecord
from tumorlens.lab.lineage import earlier_models, inherited_licence, learnt_from
from tumorlens.lab.pictures import ByteArray, Pictures, load_pictures
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.protocols import leave_one_source_out
from tumorlens.lab.run_data import load_run_data
from tumorlens.lab.run_record import MODEL, record_run
from tumorlens.lab.splitting import (
    LEAKY,
    SPLIT_FILE,
    VALIDATION,
    Split,
    write_split,
)
from tumorlens.lab.training import Trained, predict_logits, train
from tumorlens.model import Model, load_model
from tumorlens.reporting.folder import alone_in, check_writable, writing

LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Watch:
    """What a caller wants to hear of a run; every part may be left out.

    Attributes:
        on_passed_over: The picture files that are in no class of a data set.
        on_unsure: In one line, what could not be checked, or changes nothing.
        on_load: (done, total) while pictures are read and prepared.
        on_split: The pictures and their split, once known.
        on_batch: (epoch, done, total).
        on_epoch: Each epoch's record.
        on_history: All records so far, after each epoch and when a run is continued.
        on_confidence: (done, total) while the finished model describes pictures for its gate.
    """

    on_passed_over: Callable[[Sequence[Path]], None] = silent
    on_unsure: Callable[[str], None] = silent
    on_load: Progress = silent
    on_split: Callable[[Pictures, Split], None] = silent
    on_batch: Callable[[int, int, int], None] = silent
    on_epoch: Callable[[EpochRecord], None] = silent
    on_history: Callable[[Sequence[EpochRecord]], None] = silent
    on_confidence: Progress = silent


def run_training(
    config: Config,
    data: Path,
    run: Path,
    *,
    allow_leaks: bool = False,
    others: Path | None = None,
    watch: Watch | None = None,
) -> Evaluation:
    """Train a model from a folder of data into a run folder.

    The run folder then holds ``run.json`` (settings, versions, hashes of data and split),
    ``split.csv``, ``fingerprints.csv`` (of the training pictures), ``history.csv``,
    ``curves.png``, ``checkpoints/``, the scores on the validation part: ``evaluation.json``,
    ``answers.csv`` (what `evaluate --pool` reads), ``confusion.png``, ``roc.png``; where a source
    was left out the same of that source in ``left_out/``; and the model folder ``model/``, which
    takes its name when all else is there. A run that was killed is continued.

    Args:
        config: The run's settings.
        data: A data set's folder, or one that holds several.
        run: The run folder; made if absent.
        allow_leaks: Take over a split (``data.split``) that has a patient or a picture on both
            sides; the card then says so.
        others: A folder of folders, by kind, of pictures that are no brain MRI, for the model's
            input gate; the gate is fitted on made-up ones alone where None.
        watch: Who wants to hear of it.

    Returns:
        The scores on validation groups, from the exported model.

    Raises:
        DataError: The data cannot be used.
        ConfigError: The settings do not fit together, or the run folder cannot be written.
        TrainingError: The run folder is of another run, or training went wrong.
    """
    watch = watch or Watch()
    check_names(config)
    check_writable(run)
    for line in idle_settings(config):
        watch.on_unsure(line)
    unlike = load_others(others, config.answering) if others else None
    pictures, split = load_run_data(
        config,
        data,
        run,
        allow_leaks=allow_leaks,
        progress=watch.on_load,
        on_passed_over=watch.on_passed_over,
        on_unsure=watch.on_unsure,
    )
    examples = pictures.examples
    check_set_up(config, examples)
    watch.on_split(pictures, split)
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
    with alone_in(run):
        record_run(run, config, pictures, split)
        write_split(run / SPLIT_FILE, examples, split)
        write_fingerprints(run / FINGERPRINTS, pictures, split.training)
        return _train_and_finish(config, pictures, split, run, unlike=unlike, watch=watch)


def _train_and_finish(
    config: Config,
    pictures: Pictures,
    split: Split,
    run: Path,
    *,
    unlike: Mapping[str, ByteArray] | None,
    watch: Watch,
) -> Evaluation:
    """Train, or go on; then the model folder and its scores."""
    trained = train(
        config,
        pictures,
        split,
        ordered_classes(pictures.examples),
        run,
        on_batch=watch.on_batch,
        on_epoch=watch.on_epoch,
        on_history=watch.on_history,
    )
    pictures = _as_answered(config, pictures, watch.on_load)
    with growing_model(run / MODEL) as folder:
        model = _calibrated_model(config, pictures, split, trained, folder)
        _fit_confidence(
            model, pictures, split, folder=folder, others=unlike, progress=watch.on_confidence
        )
        return _evaluate(config, pictures, split, run, folder)


def help_training(config: Config, data: Path, run: Path, *, allow_leaks: bool = False) -> None:
    """Be one of the other processes of torchrun: train with the first, which runs `run_training`.

    Args:
        config: The run's settings.
        data: As for `run_training`.
        run: The run folder, which the first process writes.
        allow_leaks: As for `run_training`.

    Raises:
        DataError, ConfigError, TrainingError: As `run_training`.
    """
    check_names(config)
    pictures, split = load_run_data(config, data, run, allow_leaks=allow_leaks)
    check_shares(config, pictures.examples)
    train(config, pictures, split, ordered_classes(pictures.examples), run)


def _as_answered(config: Config, pictures: Pictures, progress: Progress) -> Pictures:
    """The same pictures at the size that the finished model answers."""
    if config.answering == config.preparation.build():
        return pictures
    return load_pictures(pictures.examples, config.answering, progress=progress)


def _calibrated_model(
    config: Config, pictures: Pictures, split: Split, trained: Trained, folder: Path
) -> Model:
    """Fit the temperature on the validation part, and export."""
    chosen = list(split.validation)
    classes = ordered_classes(pictures.examples)
    targets = np.array([classes.index(pictures.examples[index].label) for index in chosen])
    logits = predict_logits(trained.network, pictures.pixels[chosen])
    card = Card(
        name=config.name,
        version=config.version,
        classes=classes,
        preparation=config.answering,
        temperature=fit_temperature(logits, targets),
        sha256="",
        network=config.network.name,
        created=datetime.now(UTC).date().isoformat(),
        scores={"split": LEAKY} if split.leaky else {},
        intended_use=config.card.intended_use,
        limitations=config.card.limitations,
        licence=inherited_licence(config),
        data=learnt_from(config, pictures.examples, split),
        training=config.model_dump(mode="json", exclude={"card"}) | earlier_models(config),
    )
    return export_model(trained.network, card, folder)


def _fit_confidence(
    model: Model,
    pictures: Pictures,
    split: Split,
    *,
    folder: Path,
    others: Mapping[str, ByteArray] | None,
    progress: Progress,
) -> None:
    """Calibration, conformal sets and input gate, into the model folder."""
    names = [pictures.examples[index].dataset for index in split.training]
    chosen = [split.training[number] for number in sample(names, np.random.default_rng(0))]
    validation = list(split.validation)
    confidence = fit_confidence(
        model,
        [pictures.examples[index] for index in chosen],
        pictures.pixels[chosen],
        [pictures.examples[index] for index in validation],
        pictures.pixels[validation],
        others=others,
        progress=progress,
    )
    write_confidence(folder, confidence)


def _evaluate(
    config: Config, pictures: Pictures, split: Split, run: Path, folder: Path
) -> Evaluation:
    """Score the finished model on the validation part, and on a source that was left out."""
    model = load_model(folder)
    chosen = list(split.validation)
    validation = [pictures.examples[index] for index in chosen]
    command = evaluation_command(run)
    evaluation = evaluate_pictures(model, validation, pictures.pixels[chosen])
    write_evaluation(run, evaluation, command=command)
    scores = card_scores(evaluation.to_json(command=command))
    write_card(folder, replace(model.card, scores=scores))
    if config.data.leave_out:
        _test_left_out(config, model, pictures, run)
    return evaluation


def _test_left_out(config: Config, model: Model, pictures: Pictures, run: Path) -> None:
    """Scores on the sources that neither trained nor validated, into ``left_out/``."""
    chosen = list(leave_one_source_out(pictures.examples, config.data.leave_out).validation)
    examples = [pictures.examples[index] for index in chosen]
    evaluation = evaluate_pictures(model, examples, pictures.pixels[chosen])
    command = f"tumorlens evaluate DATA/{config.data.leave_out[0]} --model {run.as_posix()}/{MODEL}"
    write_evaluation(run / LEFT_OUT, evaluation, command=command)


def evaluation_command(run: Path) -> str:
    """The command that gives a run's validation scores again."""
    return (
        f"tumorlens evaluate DATA --model {run.as_posix()}/{MODEL} "
        f"--split {run.as_posix()}/{SPLIT_FILE} --part {VALIDATION}"
    )
