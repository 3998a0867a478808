"""Settings found by trial: Optuna tries, learns where good ones lie, and drops poor trials early.

T. Akiba and others, "Optuna", KDD 2019, arXiv:1907.10902. A study lives in a database: a killed
one is continued, and several machines that name the same database share one study.
"""

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
import tomli_w
from optuna.trial import BaseTrial, FrozenTrial, Trial, TrialState

from tumorlens.errors import ConfigError, DataError, TrainingError
from tumorlens.lab.bench import check_set_up, ordered_classes
from tumorlens.lab.config import Config, parse_config
from tumorlens.lab.figure import new_figure, save_figure, whole_numbers
from tumorlens.lab.given_names import check_names
from tumorlens.lab.history import EpochRecord
from tumorlens.lab.pictures import Pictures
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.run_data import load_run_data
from tumorlens.lab.run_record import hash_pictures
from tumorlens.lab.settings import known_name
from tumorlens.lab.space import SPACE
from tumorlens.lab.splitting import Split
from tumorlens.lab.study_database import open_study, reaching, shown
from tumorlens.lab.training import train
from tumorlens.reporting.folder import PartialFile, write_bytes

BEST_CONFIG, TRIALS_FILE = "best.toml", "trials.csv"
HISTORY, IMPORTANCE = "history.png", "importance.png"

_DONE = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
STARTUP_TRIALS, WARMUP_EPOCHS = 5, 2
"""Before poor trials are dropped."""

_SETTINGS, _DATA = "settings", "data_sha256"  # of the study: what all its trials have in common
_ANEW = "Begin another study: give the config another name (--set name=...), or another --storage."
FAILURE = "failure"
"""Of a trial that failed: the user attribute that says why."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The outcome of a study so far.

    Attributes:
        config: The run's settings with those of the best trial, ready for ``train``.
        loss: Its validation loss.
        finished: Trials that ran to their end.
        pruned: Trials that were dropped early.
    """

    config: Config
    loss: float
    finished: int
    pruned: int


def tune(
    config: Config,
    data: Path,
    output: Path,
    *,
    trials: int,
    storage: str = "",
    only: tuple[str, ...] = (),
    on_load: Progress = silent,
    on_passed_over: Callable[[Sequence[Path]], None] = silent,
    on_unsure: Callable[[str], None] = silent,
    on_trial: Callable[[FrozenTrial], None] = silent,
) -> Tuned:
    """Search for the settings with the lowest validation loss.

    The output folder then holds ``best.toml``, ``trials.csv``, ``history.png``,
    ``importance.png`` (those of another study are replaced), and a folder a trial, named after
    the study, with its ``history.csv`` and ``curves.png``.

    Args:
        config: What is not tuned; its augmentation is the strength 1.
        data: A data set's folder, or one that holds several.
        output: Made if absent.
        trials: How many the study shall have in all, earlier ones, those of other workers and
            those that failed or were interrupted included.
        storage: The database's address; SQLite in the output folder where empty.
        only: Names in `SPACE`; all where empty.
        on_load: Called with (done, total) while pictures are read.
        on_passed_over: Told the picture files that are in no class of a data set, once.
        on_unsure: Told in one line what could not be checked.
        on_trial: Called after every trial.

    Raises:
        ConfigError: A name is unknown, the study was begun with other settings, or its database
            cannot be reached or used.
        DataError: The data cannot be used, or the study was begun with other data.
        TrainingError: No trial came to an end.
    """
    space = [known_name(name, SPACE, setting="--only") for name in only] or list(SPACE)
    check_names(config)
    output.mkdir(parents=True, exist_ok=True)
    storage = storage or f"sqlite:///{(output / 'study.db').as_posix()}"
    with reaching(storage):
        study = _open(config, storage)
        _check_settings(study, config, space, storage)
        pictures, split = load_run_data(
            config,
            data,
            output,
            progress=on_load,
            on_passed_over=on_passed_over,
            on_unsure=on_unsure,
        )
        check_set_up(config, pictures.examples)
        _check_settings(study, config, space, storage, keep=True)
        _check_data(study, pictures, data)
        if _count(study, *_DONE) < trials:
            enough = optuna.study.MaxTrialsCallback(trials, states=_DONE)

            def tell(_: optuna.Study, trial: FrozenTrial) -> None:
                on_trial(trial)

            objective = _objective(config, space, output, pictures, split)
            study.optimize(objective, callbacks=[enough, tell], catch=(TrainingError,))
        return _write(config, space, study, output)


def _open(config: Config, storage: str) -> optuna.Study:
    """The study of this name, begun or continued."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # a failed trial is told by on_trial
    study = open_study(config.name, storage)
    seed = config.training.seed + len(study.trials)  # a continued study does not repeat itself
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    study.pruner = optuna.pruners.MedianPruner(STARTUP_TRIALS, WARMUP_EPOCHS)
    return study


def _check_settings(
    study: optuna.Study, config: Config, space: list[str], storage: str, *, keep: bool = False
) -> None:
    """They are those that the study was begun with; kept only once all else is right, if new."""
    common = config.model_dump(mode="json", exclude={"card"})
    settings = json.dumps({"config": common, "space": sorted(space)}, sort_keys=True)
    if not _agrees(study, _SETTINGS, settings, keep=keep):
        raise ConfigError(
            expected="the settings that this study was begun with",
            found="others",
            remedy=_ANEW,
            source=shown(storage),
        )


def _check_data(study: optuna.Study, pictures: Pictures, data: Path) -> None:
    if not _agrees(study, _DATA, hash_pictures(pictures), keep=True):
        raise DataError(
            expected="the pictures, labels, groups and outlines that this study was begun with",
            found="others",
            remedy=_ANEW,
            source=str(data),
        )


def _agrees(study: optuna.Study, name: str, value: str, *, keep: bool) -> bool:
    """Whether this is what the study was begun with, or it says nothing of it yet."""
    begun = study.user_attrs.get(name)
    if begun is None and keep:
        study.set_user_attr(name, value)
    return begun in (None, value)


def _objective(
    config: Config, space: list[str], output: Path, pictures: Pictures, split: Split
) -> Callable[[Trial], float]:
    """What trains with a trial's settings and gives the lowest validation loss."""
    classes = ordered_classes(pictures.examples)

    def objective(trial: Trial) -> float:
        chosen = _chosen(config, space, trial)
        folder = output / f"{config.name}_trial_{trial.number}"

        def on_epoch(record: EpochRecord) -> None:
            trial.report(record.validation_loss, record.epoch - 1)
            if trial.should_prune():
                raise optuna.TrialPruned

        shutil.rmtree(folder, ignore_errors=True)  # of a study of this name in another storage
        folder.mkdir(parents=True)
        try:
            trained = train(chosen, pictures, split, classes, folder, on_epoch=on_epoch)
        except TrainingError as error:
            trial.set_user_attr(FAILURE, error.found)
            raise
        finally:
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        return min(record.validation_loss for record in trained.history)

    return objective


def _chosen(config: Config, space: list[str], trial: BaseTrial) -> Config:
    """The run's settings with those of a trial."""
    values = config.model_dump(mode="json", exclude_none=True)
    for name in space:
        for section, changes in SPACE[name](trial, config).items():
            values[section] |= changes
    return parse_config(values)


def _count(study: optuna.Study, *states: TrialState) -> int:
    return len(study.get_trials(deepcopy=False, states=states))


def _write(config: Config, space: list[str], study: optuna.Study, output: Path) -> Tuned:
    """The best settings, the table of trials and the two pictures."""
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not finished:
        raise TrainingError(
            expected="a trial that runs to its end",
            found=f"{len(study.trials)} that diverged or were stopped",
            remedy="Try more of them, or narrow what is tuned with --only.",
            source=str(output),
        )
    fixed = optuna.trial.FixedTrial(study.best_params)
    best = _chosen(config, space, fixed).model_copy(update={"name": f"{config.name}_tuned"})
    values = best.model_dump(mode="json", exclude_none=True)
    text = (
        f"# Trial {study.best_trial.number} of {len(study.trials)}: validation loss "
        f"{study.best_value:.4f}.\n#   tumorlens train {BEST_CONFIG} --data DIR\n"
        + tomli_w.dumps(values)
    )
    write_bytes(output / BEST_CONFIG, text.encode())
    _write_trials(study, output / TRIALS_FILE)
    _draw_history(finished, output / HISTORY)
    _draw_importance(study, finished, output / IMPORTANCE)
    return Tuned(best, study.best_value, len(finished), _count(study, TrialState.PRUNED))


def _write_trials(study: optuna.Study, path: Path) -> None:
    with PartialFile(path) as lines:
        names = sorted({name for trial in study.trials for name in trial.params})
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["trial", "state", "validation_loss", "epochs", *names])
        for trial in study.trials:
            values = [trial.params.get(name, "") for name in names]
            epochs = len(trial.intermediate_values)
            writer.writerow([trial.number, trial.state.name.lower(), trial.value, epochs, *values])


def _draw_history(finished: list[FrozenTrial], path: Path) -> None:
    """Each trial's loss, and the lowest so far."""
    figure, (axis,) = new_figure(width=6)
    numbers = [trial.number for trial in finished]
    losses = [float(trial.value or 0) for trial in finished]
    lowest = [min(losses[: count + 1]) for count in range(len(losses))]
    axis.plot(numbers, losses, "o", markersize=4, label="one trial")
    axis.step(numbers, lowest, where="post", label="lowest so far")
    axis.set(xlabel="trial", ylabel="validation loss", title="Trials that ran to their end")
    whole_numbers(axis)
    axis.grid(alpha=0.3)
    axis.legend()
    save_figure(figure, path)


def _draw_importance(study: optuna.Study, finished: list[FrozenTrial], path: Path) -> None:
    """How much of the losses' variance each setting explains (fANOVA).

    F. Hutter and others, "An Efficient Approach for Assessing Hyperparameter Importance", ICML
    2014.
    """
    path.unlink(missing_ok=True)
    if len({trial.value for trial in finished}) < 2:
        return  # one loss has no variance
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    figure, (axis,) = new_figure(width=6)
    names = list(reversed(found))
    axis.barh(names, [found[name] for name in names])
    axis.set(xlabel="part of the variance of the validation loss", title="What mattered")
    axis.grid(alpha=0.3, axis="x")
    save_figure(figure, path)
