"""The network over slices: trained on what a finished classifier says of whole heads.

Every slice is judged with its neighbours, and the whole head in one answer. The classifier stays
as it is; its embeddings are made once, so that training takes minutes on a CPU.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.card import Card
from tumorlens.errors import DataError
from tumorlens.lab.config import AugmentationConfig
from tumorlens.lab.datasets import Example, load_examples, recognise
from tumorlens.lab.evaluation.material import HEAD_DATASETS, Follow, check_can_be_checked
from tumorlens.lab.growing_model import growing_model
from tumorlens.lab.pictures import Pictures, load_pictures
from tumorlens.lab.progress import silent
from tumorlens.lab.seen import own_run, refuse_seen
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
        The new card.

    Raises:
        ModelError: The folder cannot be used.
        DataError: The model has no class ``no_tumor``, there are no whole heads in the data, or
            the model's own run has learnt from heads that validate by this split.
    """
    settings = settings or SequenceSettings()
    model = load_model(folder)
    check_can_be_checked(model)
    training, validation = _embedded(
        model, data, split, settings, run=own_run(folder, split), follow=follow
    )
    trained = train_sequence(
        training, validation, settings, progress=partial(follow, "training (epochs)")
    )
    left_out = left_out_answers(trained.answers, validation)
    seen = sorted(model.card.learnt_from)
    measured = measure_sequence(validation, left_out, seen=seen) if left_out else {}
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
            measured=measured,
        )


def _embedded(
    model: Model,
    data: Path,
    split: Path,
    settings: SequenceSettings,
    *,
    run: Path | None,
    follow: Follow,
) -> tuple[list[Head], list[Head]]:
    """Training heads with augmented views, and validation heads as they are.

    ``run`` is the model's own, where it can tell what it has learnt from.
    """
    parts = {part: read_part(split, part) for part in (TRAINING, VALIDATION)}
    names = {picture.split("/", 1)[0] for groups in parts.values() for picture in groups}
    follow("finding heads", 0, 1)
    examples = load_examples(data, only=_head_sets(data, names))
    follow("finding heads", 1, 1)
    if run is not None:
        held = _of_part(examples, parts[VALIDATION])
        refuse_seen(run, [*held, *_of_part(examples, parts[TRAINING])], len(held))
    heads = []
    for part, views in ((TRAINING, settings.views), (VALIDATION, 0)):
        pictures = _pictures(model, examples, parts[part], partial(follow, f"reading {part}"))
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
    return heads[0], heads[1]


def _pictures(
    model: Model, examples: Sequence[Example], groups: dict[str, str], progress: Any
) -> Pictures:
    """The whole heads of one part, with the groups that the split recorded."""
    kept = _of_part(examples, groups)
    slices = [kept[index] for head in find_heads(kept) for index in head]
    return load_pictures(slices, model.card.preparation, progress=progress)


def _of_part(examples: Sequence[Example], groups: dict[str, str]) -> list[Example]:
    return [
        replace(example, group=groups[example.picture])
        for example in examples
        if example.picture in groups
    ]


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
