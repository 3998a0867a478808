"""The network over slices: trained on what a finished classifier says of whole heads.

Every slice is judged with its neighbours, and the whole head in one answer. The classifier stays
as it is; its embeddings are made once, so that training takes minutes on a CPU.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.card import Card
from tumorlens.errors import DataError
from tumorlens.lab.config import AugmentationConfig
from tumorlens.lab.datasets import Example, load_examples, recognise
from tumorlens.lab.evaluation.material import HEAD_DATASETS, Follow, check_can_be_checked
from tumorlens.lab.evaluation.measuring import seen_share
from tumorlens.lab.growing_model import growing_model
from tumorlens.lab.pictures import Pictures, load_pictures
from tumorlens.lab.progress import silent
from tumorlens.lab.seen import own_run
from tumorlens.lab.slice_sequence.choosing import choose, left_out_answers
from tumorlens.lab.slice_sequence.exporting import export_sequence
from tumorlens.lab.slice_sequence.heads import Head, embed_heads, find_heads
from tumorlens.lab.slice_sequence.measuring import measure_sequence
from tumorlens.lab.slice_sequence.training import SequenceSettings, train_sequence
from tumorlens.lab.splitting import TRAINING, VALIDATION, read_part
from tumorlens.model import Model, load_model

__all__ = ["SequenceSettings", "build_sequence"]


def build_sequence(
    folder: Path,
    *,
    data: Path,
    split: Path,
    output: Path | None = None,
    settings: SequenceSettings | None = None,
    follow: Follow = silent,
) -> Card:
    """Train, measure and export the network over slices of a finished model.

    Args:
        folder: The model folder; the network is written into it where there is no ``output``.
        data: The folder of the data sets that the model was trained on.
        split: The ``split.csv`` of its run: no patient changes sides.
        output: Where a copy of the model folder goes, with the network.
        settings: Of the training.
        follow: Told (what, done, total).

    Returns:
        The new card. Where the split is another run's, its ``sequence.measured`` says as ``seen``
        how many of the validation slices the model's own run has learnt from.

    Raises:
        ModelError: The folder cannot be used.
        DataError: The model has no class ``no_tumor``, or there are no whole heads in the data.
    """
    settings = settings or SequenceSettings()
    model = load_model(folder)
    check_can_be_checked(model)
    embedded = _embedded(model, data, split, settings, follow, run=own_run(folder, split))
    training, validation = embedded.training, embedded.validation
    trained = train_sequence(
        training, validation, settings, progress=partial(follow, "training (epochs)")
    )
    left_out = left_out_answers(trained.answers, validation)
    known = sorted(model.card.learnt_from)
    measured = measure_sequence(validation, left_out, seen=known) if left_out else {}
    chosen = choose(trained.answers, validation, np.arange(len(validation)))
    trained.network.load_state_dict(trained.weights[chosen.epoch])
    trained.network.calibrate(chosen.slice_line, chosen.head_line)
    with growing_model(output or folder, copied=folder) as aside:
        return export_sequence(
            trained.network,
            aside,
            training={
                **settings.to_json(),
                "epoch": chosen.epoch,
                "heads": {"training": len(training), "validation": len(validation)},
            },
            measured=measured | embedded.seen,
        )


@dataclass(frozen=True, slots=True)
class _Embedded:
    """Heads by their part: training ones with augmented views, validation ones as they are.

    Attributes:
        training: Of training patients.
        validation: Of validation patients.
        seen: How many slices of these the classifier has learnt from (`seen_share`).
    """

    training: list[Head]
    validation: list[Head]
    seen: dict[str, Any]


def _embedded(
    model: Model,
    data: Path,
    split: Path,
    settings: SequenceSettings,
    follow: Follow,
    *,
    run: Path | None,
) -> _Embedded:
    parts = {part: read_part(split, part) for part in (TRAINING, VALIDATION)}
    names = {picture.split("/", 1)[0] for groups in parts.values() for picture in groups}
    follow("finding heads", 0, 1)
    examples = load_examples(data, only=_head_sets(data, names))
    follow("finding heads", 1, 1)
    heads = []
    seen: dict[str, Any] = {}
    for part, views in ((TRAINING, settings.views), (VALIDATION, 0)):
        pictures = _pictures(model, examples, parts[part], partial(follow, f"reading {part}"))
        if part == VALIDATION:
            seen = seen_share(run, model, pictures)
        heads.append(
            embed_heads(
                model,
                pictures,
                views=views,
                augmentation=augmentation_of(model.card),
                seed=settings.seed,
                progress=partial(follow, f"embedding {part}"),
            )
        )
    return _Embedded(heads[0], heads[1], seen)


def _pictures(
    model: Model, examples: Sequence[Example], groups: dict[str, str], progress: Any
) -> Pictures:
    """The whole heads of one part, with the groups that the split recorded."""
    kept = [
        replace(example, group=groups[example.picture])
        for example in examples
        if example.picture in groups
    ]
    slices = [kept[index] for head in find_heads(kept) for index in head]
    return load_pictures(slices, model.card.preparation, progress=progress)


def _head_sets(data: Path, names: Collection[str]) -> list[str]:
    """Names of the folders of whole heads that the split speaks of.

    Raises:
        DataError: There is none.
    """
    beside = [
        name
        for name in sorted(names)
        if (data / name).is_dir() and recognise(data / name) in HEAD_DATASETS
    ]
    if not beside and data.is_dir() and data.resolve().name in names:
        beside = [data.resolve().name]
    if not beside:
        raise DataError(
            expected=f"folders of whole heads ({', '.join(HEAD_DATASETS)}) that the split names",
            found="none",
            remedy="Give the folder of the data sets that the model was trained on.",
            source=str(data),
        )
    return beside


def augmentation_of(card: Card) -> AugmentationConfig:
    """As strong as the classifier's own training changed its pictures, where the card says it."""
    recorded = card.training.get("augmentation") or {}
    known = set(AugmentationConfig.model_fields)
    return AugmentationConfig(**{key: recorded[key] for key in known & set(recorded)})
