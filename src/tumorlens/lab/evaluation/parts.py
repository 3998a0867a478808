"""Which examples of a folder are evaluated: all, or one part of a run's split."""

from dataclasses import replace
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example, load_examples
from tumorlens.lab.splitting import read_part


def examples_of_part(data: Path, *, split: Path | None, part: str) -> list[Example]:
    """The examples of a folder, or those that a run's ``split.csv`` puts in one part.

    Args:
        data: A data set's folder, or one that holds several.
        split: The run's ``split.csv``; everything in the folder where None.
        part: ``training`` or ``validation``.

    Raises:
        DataError: A picture of the part is not in the folder, or there is no data set there.
    """
    if split is None:
        return load_examples(data)
    groups = read_part(split, part)
    datasets = sorted({picture.split("/", 1)[0] for picture in groups})
    examples = [
        replace(example, group=groups[example.picture])
        for example in load_examples(data, only=datasets)
        if example.picture in groups
    ]
    if absent := set(groups) - {example.picture for example in examples}:
        raise DataError(
            expected=f"every picture of the {part} part",
            found=f"{len(absent)} missing, the first {min(absent)}",
            remedy="Give the folder that the run was trained from.",
            source=str(data),
        )
    return examples
