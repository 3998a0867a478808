"""A recorded split that leaks: found, told, repaired, or let through under its name.

Most published accuracies on the public sets are of splits with the same patient, or the same
picture, on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.splitting import LEAKY, Split, split_from_file, write_split
from tumorlens.reporting.folder import writing

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
    recorded = split_from_file(examples, path)
    return checked_split(examples, recorded, run=run, allow_leaks=allow_leaks, source=str(path))


def checked_split(
    examples: Sequence[Example], split: Split, *, run: Path, allow_leaks: bool, source: str
) -> Split:
    """A split by somebody else, where it does not leak.

    Args:
        examples: With their final groups.
        split: Indices into them.
        run: As for `recorded_split`.
        allow_leaks: As for `recorded_split`.
        source: Where the split stands, for the message.

    Raises:
        DataError: It leaks, and that was not allowed.
    """
    leaks = find_leaks(examples, split)
    if not leaks:
        return split
    if allow_leaks:
        return replace(split, leaky=True)
    repaired = without_leaks(examples, split)
    offer = None
    if repaired.training:
        offer = run / REPAIRED
        with writing(run):
            run.mkdir(parents=True, exist_ok=True)
        write_split(offer, examples, repaired)
    raise _refusal(examples, split, leaks, source, offer)


def without_leaks(examples: Sequence[Example], split: Split) -> Split:
    """The same split without the training pictures that share a group with a validation picture.

    Args:
        examples: With their final groups.
        split: Indices into them.
    """
    held = {examples[index].group for index in split.validation}
    return Split(
        tuple(index for index in split.training if examples[index].group not in held),
        split.validation,
    )


def _by_group(examples: Sequence[Example], part: Sequence[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index in part:
        found.setdefault(examples[index].group, []).append(index)
    return found


def _refusal(
    examples: Sequence[Example],
    split: Split,
    leaks: Sequence[Leak],
    source: str,
    repaired: Path | None,
) -> DataError:
    held = {index for leak in leaks for index in leak.validation}
    dropped = {examples[index].picture for leak in leaks for index in leak.training}
    shown = "; ".join(_in_words(examples, leak) for leak in leaks[:_SHOWN])
    more = f"; and {len(leaks) - _SHOWN} more groups" if len(leaks) > _SHOWN else ""
    offer = (
        f"Train on the repaired split, which lacks {len(dropped)} training pictures: "
        f"tumorlens train ... --set 'data.split=\"{repaired.as_posix()}\"'; or reproduce"
        if repaired
        else "Every training picture leaks, so that nothing can be repaired: cut the data anew "
        "without data.split; or reproduce"
    )
    return DataError(
        expected="no patient, and no picture, on both sides of the split",
        found=f"{len(held)} of {len(split.validation)} validation pictures whose patient or twin "
        f"is trained on: {shown}{more}",
        remedy=f'{offer} a published figure with --allow-leaks: every number then says "{LEAKY}".',
        source=source,
    )


def _in_words(examples: Sequence[Example], leak: Leak) -> str:
    one, other = examples[leak.validation[0]].picture, examples[leak.training[0]].picture
    if one == other:
        return f"{one} is in both parts"
    return f"{one} with {other} ({leak.group})" if leak.group != other else f"{one} with {other}"
