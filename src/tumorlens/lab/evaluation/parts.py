"""Which examples of a folder are evaluated: all, or one part of a run's split."""

from dataclasses import dataclass, replace
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example, load_examples
from tumorlens.lab.datasets.passed_over import passed_over
from tumorlens.lab.splitting import PARTS, TRAINING, VALIDATION, part_of, read_split


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The examples of a folder, by what a run's split says of them.

    Attributes:
        evaluated: Those of the part that is evaluated; all where there is no split.
        training: Those of the training part; empty where there is no split.
        others: Those that the split does not name.
        passed_over: What no data set of the folder takes up.
        leaky: Whether the split records a group as both training and validation.
    """

    evaluated: tuple[Example, ...]
    training: tuple[Example, ...] = ()
    others: tuple[Example, ...] = ()
    passed_over: tuple[Path, ...] = ()
    leaky: bool = False


def read_parts(data: Path, *, split: Path | None, part: str) -> Parts:
    """The examples of a folder, or of the data sets that a run's ``split.csv`` names.

    Args:
        data: A data set's folder, or one that holds several.
        split: The run's ``split.csv``; everything in the folder where None.
        part: ``training`` or ``validation``, which is evaluated.

    Raises:
        DataError: A picture of the part is not in the folder, or there is no data set there.
    """
    if split is None:
        everything = tuple(load_examples(data))
        return Parts(everything, passed_over=passed_over(data, everything))
    lines = read_split(split)
    wanted = part_of(lines, part, source=split)
    rows = {row["picture"]: row for row in lines}
    datasets = sorted({picture.split("/", 1)[0] for picture in rows})
    needed = sorted({picture.split("/", 1)[0] for picture in wanted})
    there = [name for name in datasets if (data / name).is_dir()]
    only = sorted({*needed, *there})
    found = load_examples(data, only=only)
    by_part: dict[str, list[Example]] = {}
    for example in found:
        row = rows.get(example.picture)
        named = replace(example, group=row["group"]) if row else example
        by_part.setdefault(row["part"] if row else "", []).append(named)
    _refuse_absent(set(wanted) - {example.picture for example in found}, data, part)
    groups = {name: {row["group"] for row in lines if row["part"] == name} for name in PARTS}
    return Parts(
        evaluated=tuple(by_part.get(part, ())),
        training=tuple(by_part.get(TRAINING, ())),
        others=tuple(by_part.get("", ())),
        passed_over=passed_over(data, found, only=only),
        leaky=not groups[TRAINING].isdisjoint(groups[VALIDATION]),
    )


def examples_of_part(data: Path, *, split: Path | None, part: str) -> list[Example]:
    """The evaluated examples alone; arguments and errors as `read_parts`."""
    return list(read_parts(data, split=split, part=part).evaluated)


def _refuse_absent(absent: set[str], data: Path, part: str) -> None:
    if absent:
        raise DataError(
            expected=f"every picture of the {part} part",
            found=f"{len(absent)} missing, the first {min(absent)}",
            remedy="Give the folder that the run was trained from.",
            source=str(data),
        )
