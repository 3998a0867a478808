"""Whole heads as the classifier sees them: each slice's embedding and answer, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from tumorlens.lab.augmentation import augment
from tumorlens.lab.config import AugmentationConfig
from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation.strata import sequence_of
from tumorlens.lab.pictures import ByteArray, Pictures
from tumorlens.lab.progress import Progress, silent
from tumorlens.labels import NO_TUMOR
from tumorlens.model import Model
from tumorlens.prediction import calibrated
from tumorlens.scan import FloatArray

LEAST = 4
"""Slices of a head; shorter sequences tell nothing of neighbours."""

PLANE = "axial"

_BATCH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The slices of one head in one MR sequence, in order.

    Attributes:
        dataset: The data set's name.
        sequence: The MR sequence.
        group: The patient; what never stands on both sides of a split.
        has_tumor: bool, (slices,).
        embeddings: float32, (views, slices, channels): of the slices as they are, then of
            augmented views of the whole head.
        tumor: float32, (views, slices): the classifier's P(tumor).
    """

    dataset: str
    sequence: str
    group: str
    has_tumor: npt.NDArray[np.bool_]
    embeddings: FloatArray
    tumor: FloatArray


def find_heads(examples: Sequence[Example]) -> list[list[int]]:
    """Indices of the slices of each head and MR sequence, in order, of the sets of whole heads."""
    found: dict[tuple[str, str | None, str], list[int]] = {}
    for index, example in enumerate(examples):
        if example.whole_head and example.plane in (None, PLANE):
            key = (example.dataset, example.patient, sequence_of(example))
            found.setdefault(key, []).append(index)
    return [indices for indices in found.values() if len(indices) >= LEAST]


def embed_heads(
    model: Model,
    pictures: Pictures,
    *,
    views: int = 0,
    augmentation: AugmentationConfig | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> list[Head]:
    """Run the classifier's graph over whole heads.

    The classifier has learnt its training slices, so that its embeddings of them are too good to
    learn from: augmented views are more like those of heads it never saw. All slices of a head
    are changed alike, as another scan of the same head would be.

    Args:
        model: As loaded by the runtime, with the class ``no_tumor``.
        pictures: Of one part of the split.
        views: How many augmented views beside the slices as they are.
        augmentation: How strongly they are changed.
        seed: Of the changes.
        progress: Called with (done, total) slices, views included.
    """
    heads = find_heads(pictures.examples)
    total = sum(map(len, heads)) * (views + 1)
    done = 0
    found = []
    for number, indices in enumerate(heads):
        rows = []
        for view in range(views + 1):
            pixels = _to_floats(pictures.pixels[indices])
            if view:
                random = seed + number * (views + 1) + view
                pixels = change_alike(pixels, augmentation or AugmentationConfig(), random)
            rows.append(_embed(model, pixels))
            done += len(indices)
            progress(done, total)
        found.append(_head([pictures.examples[index] for index in indices], rows))
    return found


def change_alike(pictures: FloatArray, config: AugmentationConfig, seed: int) -> FloatArray:
    """Change all slices of a head in the same way: float32, (slices, size, size), 0..1."""
    size = pictures.shape[-1]
    changed = []
    for picture in pictures:
        generator = torch.Generator().manual_seed(seed)
        one = torch.from_numpy(picture)[None, None]
        changed.append(augment(one, config, size=size, generator=generator)[0, 0].numpy())
    return np.stack(changed)


def _to_floats(pixels: ByteArray) -> FloatArray:
    return np.asarray(pixels, np.float32) / np.float32(255)


def _embed(model: Model, pictures: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Embeddings and P(tumor) of prepared pictures."""
    none = model.card.classes.index(NO_TUMOR)
    embeddings, tumor = [], []
    for start in range(0, len(pictures), _BATCH):
        outputs = model.run(pictures[start : start + _BATCH, np.newaxis])
        embeddings.append(outputs.embedding)
        tumor.append(1 - calibrated(outputs.logits, model.card)[:, none])
    return np.concatenate(embeddings), np.concatenate(tumor)


def _head(examples: Sequence[Example], rows: Sequence[tuple[FloatArray, FloatArray]]) -> Head:
    first = examples[0]
    return Head(
        first.dataset,
        sequence_of(first),
        first.group,
        np.array([example.label != NO_TUMOR for example in examples], bool),
        np.stack([embeddings for embeddings, _ in rows]),
        np.stack([tumor for _, tumor in rows]),
    )
