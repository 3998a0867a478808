"""What a run learns from: its pictures, grouped, and which of them train and validate."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tumorlens.errors import ConfigError, DataError
from tumorlens.lab.checkpoint import is_checkpoint
from tumorlens.lab.config import Config
from tumorlens.lab.datasets import Example, load_examples
from tumorlens.lab.datasets.passed_over import passed_over
from tumorlens.lab.grouping import group_near_duplicates
from tumorlens.lab.leaks import checked_split, recorded_split
from tumorlens.lab.pictures import Pictures, load_pictures
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.protocols import leave_one_source_out
from tumorlens.lab.splitting import (
    OFFICIAL,
    TRAINING,
    Split,
    official_split,
    read_part,
    split_by_group,
    thin,
)

SPLIT_FILE = "split.csv"
"""Within a run folder."""


def load_run_data(
    config: Config,
    data: Path,
    run: Path,
    *,
    allow_leaks: bool = False,
    progress: Progress = silent,
    on_passed_over: Callable[[Sequence[Path]], None] = silent,
) -> tuple[Pictures, Split]:
    """The pictures with their groups, and which of them train and validate.

    Args:
        config: The run's settings.
        data: A data set's folder, or one that holds several.
        run: The run folder, where a split that leaks finds its repaired one.
        allow_leaks: Take over a split that has a patient or a picture on both sides.
        progress: Called with (done, total) while pictures are read.
        on_passed_over: Told the picture files that are in no class of a data set, once.

    Raises:
        ConfigError: Leaks are allowed where the split is cut anew.
        DataError: The data cannot be used, or an earlier run that this one builds upon (first
            weights, teachers) saw what validates or is left out now.
    """
    if allow_leaks and not config.data.split:
        raise ConfigError(
            expected="a split that may leak, as data.split",
            found="none: a split that is cut anew has no leaks to allow",
            remedy="Leave out --allow-leaks, or give data.split (a split.csv, or official).",
            source="--allow-leaks",
        )
    examples = load_examples(data, only=config.data.datasets)
    on_passed_over(passed_over(data, examples, only=config.data.datasets))
    pictures = load_pictures(examples, config.preparation.build(), progress=progress)
    grouped = tuple(group_near_duplicates(pictures.examples, pictures.thumbnails))
    pictures = replace(pictures, examples=grouped)
    split = _split(config, grouped, run, allow_leaks)
    return pictures, thin(grouped, split, config.data.keep)


def _split(config: Config, examples: Sequence[Example], run: Path, allow_leaks: bool) -> Split:
    """The parts, cut or taken over; nothing earlier has learnt from what is held out."""
    if config.data.split == OFFICIAL:
        split = checked_split(
            examples,
            official_split(examples),
            run=run,
            allow_leaks=allow_leaks,
            source=f"data.split = {OFFICIAL}",
        )
    elif config.data.split:
        recorded = Path(config.data.split)
        split = recorded_split(examples, recorded, run=run, allow_leaks=allow_leaks)
    else:
        split = _cut(config, examples)
    held = list(split.validation)
    if config.data.leave_out:
        held += leave_one_source_out(examples, config.data.leave_out).validation
    weights = Path(config.network.weights)
    if is_checkpoint(weights):
        _refuse_seen(examples, held, weights.parent.parent, setting="network.weights")
    for teacher in config.training.teachers:
        _refuse_seen(examples, held, Path(teacher), setting="training.teachers")
    return split


def _refuse_seen(
    examples: Sequence[Example], held: Sequence[int], run: Path, *, setting: str
) -> None:
    """An earlier run must not have learnt from what is held out now.

    A folder without a split (weights given alone) cannot be asked.
    """
    if not (run / SPLIT_FILE).is_file():
        return
    seen = read_part(run / SPLIT_FILE, TRAINING)
    groups = {example.group for example in examples if example.picture in seen}
    leaked = [examples[index].picture for index in held if examples[index].group in groups]
    if leaked:
        raise DataError(
            expected="an earlier run that never saw the pictures held out",
            found=f"{len(leaked)} of patients it was trained on, the first {leaked[0]}",
            remedy="Train both with the same data.split "
            f"(such as {(run / SPLIT_FILE).as_posix()}) or the same data.leave_out.",
            source=setting,
        )


def _cut(config: Config, examples: Sequence[Example]) -> Split:
    """Training and validation part of all sources, or of all but those left out."""
    kept = tuple(range(len(examples)))
    if config.data.leave_out:
        kept = leave_one_source_out(examples, config.data.leave_out).training
    inner = split_by_group(
        [examples[index] for index in kept],
        folds=config.data.folds,
        fold=config.data.validation_fold,
        seed=config.training.seed,
    )
    return Split(
        tuple(kept[index] for index in inner.training),
        tuple(kept[index] for index in inner.validation),
    )
