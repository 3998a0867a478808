"""Finished runs -> the pictures that what they are joined to can be fitted on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tumorlens.card import read_card
from tumorlens.errors import DataError
from tumorlens.lab.ensembling import joined_preparation
from tumorlens.lab.evaluation.parts import Parts, read_parts
from tumorlens.lab.gate import load_others, sample
from tumorlens.lab.pictures import ByteArray, Pictures, load_pictures
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.run_record import MODEL
from tumorlens.lab.seen import find_seen
from tumorlens.lab.splitting import SPLIT_FILE, VALIDATION


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Pictures that a whole is fitted on, prepared for it.

    Attributes:
        validation: Those that no member trained on.
        targets: int, (validation,), their class numbers.
        training: Some of those that the first member trained on.
        others: By kind, what is no brain MRI: uint8, (pictures, size, size) each.
    """

    validation: Pictures
    targets: np.ndarray
    training: Pictures
    others: Mapping[str, ByteArray] | None


def read_material(
    runs: Sequence[Path],
    data: Path,
    *,
    others: Path | None = None,
    progress: Progress = silent,
    on_unsure: Callable[[str], None] = silent,
) -> Material:
    """Read the first run's validation pictures, and some of its training pictures.

    Args:
        runs: Run folders, at least one.
        data: Where the pictures lie.
        others: A folder of folders, by kind, of pictures that are no brain MRI.
        progress: Called with (done, total) while pictures are read, twice over.
        on_unsure: Told in one line what could not be checked.

    Raises:
        DataError: Another run was trained on a validation picture, or on one of its group, or a
            picture cannot be read.
        ModelError: A run has no model.
    """
    split = runs[0] / SPLIT_FILE
    parts = read_parts(data, split=split, part=VALIDATION)
    for run in runs[1:]:
        _refuse_seen(run, parts, split, on_unsure)
    cards = [read_card(run / MODEL) for run in runs]
    preparation = joined_preparation(cards)
    unlike = load_others(others, preparation) if others else None
    names = [example.dataset for example in parts.training]
    chosen = [parts.training[number] for number in sample(names, np.random.default_rng(0))]
    training, validation = (
        load_pictures(part, preparation, progress=progress) for part in (chosen, parts.evaluated)
    )
    targets = [cards[0].classes.index(example.label) for example in validation.examples]
    return Material(validation, np.array(targets), training, unlike)


def _refuse_seen(run: Path, parts: Parts, split: Path, on_unsure: Callable[[str], None]) -> None:
    """Another member must not have learnt from what the whole is fitted on."""
    examples = [*parts.evaluated, *parts.training, *parts.others]
    held = range(len(parts.evaluated))
    seen = find_seen(run, examples, held)
    if seen.pictures:
        raise DataError(
            expected="runs with the same validation pictures",
            found=f"{len(seen.pictures)} of them, or of their groups, in the training part of "
            f"{run}, the first {min(examples[index].picture for index in seen.pictures)}",
            remedy=f'Train it with --set data.split="{split.as_posix()}".',
            source=str(run),
        )
    if seen.unknown:
        on_unsure(
            f"cannot tell whether {run} saw these pictures, {len(seen.unknown)} of the "
            f"{len(held)} held out: {seen.why}"
        )
