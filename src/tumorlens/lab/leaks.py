"""A recorded split that leaks: found, told, repaired, or let through under its name.

Most published accuracies on the public sets are of splits with the same patient, or the same
picture, on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.splitting import (
    TRAINING,
    VALIDATION,
    Split,
    read_part,
    split_from_file,
    write_split,
)
from tumorlens.reporting.folder import writing

LEAKY = "leaky split"
"""What stands beside every number of a model that was scored on such a split."""

REPAIRED = "split.repaired.csv"

_SHOWN = 3  # pairs in the message


@dataclass(frozen=True, slots=True)
class Leak:
    """One group on both sides of a split.

    Attributes:
        group: A patient, or a cluster of pictures that are nearly the same.
        training: Indices of its training pictures.
        validation: Indices of its validation pictures.
    """

    group: str
    training: tuple[int, ...]
    validation: tuple[int, ...]


def find_leaks(examples: Sequence[Example], split: Split) -> list[Leak]:
    """The groups that stand on both sides, those with most pictures first.

    Args:
        examples: With their final groups.
        split: Indices into them.
    """
    training, validation = (
        _by_group(examples, part) for part in (split.training, split.validation)
    )
    shared = training.keys() & validation.keys()
    leaks = [Leak(name, tuple(training[name]), tuple(validation[name])) for name in shared]
    return sorted(leaks, key=lambda leak: (-len(leak.training + leak.validation), leak.group))


def recorded_split(
    examples: Sequence[Example], path: Path, *, run: Path, allow_leaks: bool = False
) -> Split:
    """The parts that a file records, where they do not leak.

    Args:
        examples: With their final groups.
        path: The record, such as an earlier run's ``split.csv``.
        run: The run folder; of a split that leaks, the repaired one is written into it.
        allow_leaks: Take the parts as recorded, and mark the split as leaky.

    Returns:
        The split; pictures that the record does not name are in no part.

    Raises:
        DataError: The split leaks and that was not allowed, or the file is no such record.
    """
    repaired = split_from_file(examples, path)
    recorded = _as_recorded(examples, path)
    leaks = find_leaks(examples, recorded)
    if not leaks:
        return repaired
    if allow_leaks:
        return Split(recorded.training, recorded.validation, leaky=True)
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
    write_split(run / REPAIRED, examples, repaired)
    raise _refusal(examples, recorded, leaks, path, run / REPAIRED)


def _as_recorded(examples: Sequence[Example], path: Path) -> Split:
    parts = [read_part(path, part) for part in (TRAINING, VALIDATION)]
    training, validation = (
        tuple(i for i, example in enumerate(examples) if example.picture in part) for part in parts
    )
    return Split(training, validation)


def _by_group(examples: Sequence[Example], part: Sequence[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index in part:
        found.setdefault(examples[index].group, []).append(index)
    return found


def _refusal(
    examples: Sequence[Example], split: Split, leaks: Sequence[Leak], path: Path, repaired: Path
) -> DataError:
    held = {index for leak in leaks for index in leak.validation}
    dropped = {examples[index].picture for leak in leaks for index in leak.training}
    shown = "; ".join(_in_words(examples, leak) for leak in leaks[:_SHOWN])
    more = f"; and {len(leaks) - _SHOWN} more groups" if len(leaks) > _SHOWN else ""
    return DataError(
        expected="no patient, and no picture, on both sides of the split",
        found=f"{len(held)} of {len(split.validation)} validation pictures whose patient or twin "
        f"is trained on: {shown}{more}",
        remedy=f"Train on the repaired split, which lacks {len(dropped)} training pictures: "
        f"tumorlens train ... --set 'data.split=\"{repaired.as_posix()}\"'; or reproduce a "
        f'published figure with --allow-leaks: every number then says "{LEAKY}".',
        source=str(path),
    )


def _in_words(examples: Sequence[Example], leak: Leak) -> str:
    one, other = examples[leak.validation[0]].picture, examples[leak.training[0]].picture
    if one == other:
        return f"{one} is in both parts"
    return f"{one} with {other} ({leak.group})" if leak.group != other else f"{one} with {other}"
