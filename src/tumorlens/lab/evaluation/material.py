"""What the standing checks work on, read and answered once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example, load_examples, recognise
from tumorlens.lab.evaluation.answers import answer_pictures
from tumorlens.lab.evaluation.evaluation import Evaluation
from tumorlens.lab.evaluation.heads import HeadSlices, both_kinds, joined, of_examples
from tumorlens.lab.evaluation.sampling import sample_each
from tumorlens.lab.pictures import ByteArray, Pictures, load_pictures
from tumorlens.labels import GLIOMA, NO_TUMOR
from tumorlens.model import Model
from tumorlens.scan import FloatArray

HEAD_DATASETS = ("lgg", "brats", "brats2013_slices")
"""Names in `tumorlens.lab.datasets.DATASETS` whose heads have slices of both kinds."""

HEADS_EACH = 1000
"""Slices of each such data set and sequence, at most."""

Follow = Callable[[str, int, int], None]
"""Told (what is done, done, total) while a check goes on."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What the checks work on.

    Attributes:
        model: As loaded by the runtime.
        evaluation: Its scores on ``pictures``.
        pictures: The evaluated pictures.
        heads: Slices of heads that have slices of both kinds: evaluated ones, and those of
            the BraTS folders that lie beside, without what was trained on.
        head_tumor: float32, (slices,): P(tumor) of these.
        data: The folder of data.
        training: Examples of the training part; empty where no split was given.
        follow: Told how far each check is.
    """

    model: Model
    evaluation: Evaluation
    pictures: Pictures
    heads: HeadSlices
    head_tumor: FloatArray
    data: Path
    training: Sequence[Example]
    follow: Follow

    @property
    def datasets(self) -> npt.NDArray[np.str_]:
        """The data set of each evaluated picture."""
        return np.array([example.dataset for example in self.pictures.examples])

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """The group of each evaluated picture."""
        return np.array([example.group for example in self.pictures.examples])

    def answers(self, pixels: ByteArray, what: str) -> FloatArray:
        """Calibrated probabilities of prepared pictures: float32, (pictures, classes)."""
        return answer_pictures(self.model, pixels, progress=partial(self.follow, what))

    def tumor(self, pixels: ByteArray, what: str) -> FloatArray:
        """P(tumor) of prepared pictures: float32, (pictures,)."""
        return tumor_of(self.model, self.answers(pixels, what))


@dataclass(frozen=True, slots=True, eq=False)
class Outlined:
    """Pictures whose tumor is outlined, in the same order.

    Attributes:
        pixels: uint8, (pictures, size, size).
        masks: uint8, (pictures, size, size), above 127 where the tumor is.
        labels: The class of each.
        datasets: The data set of each.
        groups: The patient, or cluster, of each.
    """

    pixels: ByteArray
    masks: ByteArray
    labels: npt.NDArray[np.str_]
    datasets: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]

    def __getitem__(self, chosen: npt.NDArray[np.intp]) -> "Outlined":
        """Some of them."""
        return Outlined(*(getattr(self, field.name)[chosen] for field in fields(self)))


def outlined_pictures(material: Material, *, most: int) -> Outlined | None:
    """The evaluated pictures with an outline, and the tumor slices of the BraTS heads.

    Args:
        material: Of the checks.
        most: Of each data set.

    Returns:
        None where there are none.
    """
    ours = np.flatnonzero(material.pictures.masks.any(axis=(1, 2)))
    heads, sources = material.heads, np.array(material.heads.sources)
    theirs = np.flatnonzero(heads.has_tumor & ~np.isin(sources, material.datasets))
    datasets = np.concatenate([material.datasets[ours], sources[theirs]])
    if not len(datasets):
        return None
    labels = np.array([example.label for example in material.pictures.examples])
    everything = Outlined(
        np.concatenate([material.pictures.pixels[ours], heads.pixels[theirs]]),
        np.concatenate([material.pictures.masks[ours], heads.masks[theirs]]),
        np.concatenate([labels[ours], np.full(len(theirs), GLIOMA)]),
        datasets,
        np.concatenate([material.groups[ours], np.array(heads.heads)[theirs]]),
    )
    return everything[sample_each(datasets.tolist(), most=most)]


def gather(
    model: Model,
    evaluation: Evaluation,
    pictures: Pictures,
    *,
    data: Path,
    training: Sequence[Example],
    follow: Follow,
) -> Material:
    """Read and answer what the checks need beside the evaluated pictures.

    Raises:
        DataError: The model has no class ``no_tumor``, or a BraTS folder is damaged.
    """
    check_can_be_checked(model)
    shown = [pictures, *_heads_beside(model, pictures, data, training, follow)]
    chosen = [both_kinds(one.examples) for one in shown]
    tumor = [tumor_of(model, evaluation.probabilities[chosen[0]])]
    for one, kept in zip(shown[1:], chosen[1:], strict=True):
        what = partial(follow, f"answering {one.examples[0].dataset}")
        tumor.append(tumor_of(model, answer_pictures(model, one.pixels[kept], progress=what)))
    heads = joined(
        [
            of_examples(one.examples, one.pixels, one.masks, kept)
            for one, kept in zip(shown, chosen, strict=True)
        ]
    )
    return Material(
        model, evaluation, pictures, heads, np.concatenate(tumor), data, training, follow
    )


def _heads_beside(
    model: Model, pictures: Pictures, data: Path, training: Sequence[Example], follow: Follow
) -> Iterator[Pictures]:
    """Prepared slices of every `HEAD_DATASETS` folder that is not evaluated itself.

    Without those of the training part, and of its patients; a folder that has no others is none.
    """
    if not data.is_dir() or recognise(data):
        return  # a single data set: nothing lies beside it
    present = {example.dataset for example in pictures.examples}
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        if folder.name in present or recognise(folder) not in HEAD_DATASETS:
            continue
        follow(f"finding {folder.name}", 0, 1)
        examples = _held_out(load_examples(data, only=[folder.name]), training)
        kinds = [f"{example.dataset} {example.sequence}" for example in examples]
        chosen = [examples[index] for index in sample_each(kinds, most=HEADS_EACH)]
        follow(f"finding {folder.name}", 1, 1)
        if not chosen:
            continue
        what = partial(follow, f"reading {folder.name}")
        yield load_pictures(chosen, model.card.preparation, progress=what)


def _held_out(examples: Sequence[Example], training: Sequence[Example]) -> list[Example]:
    """Those of which neither the picture, nor the group, nor the patient is trained on."""
    trained = {mark for example in training for mark in _marks(example)}
    return [example for example in examples if trained.isdisjoint(_marks(example))]


def _marks(example: Example) -> set[tuple[str, ...]]:
    """By what an example may be found again; a split may have renamed the group."""
    marks: set[tuple[str, ...]] = {("picture", example.picture), ("group", example.group)}
    if example.patient is not None:
        marks.add(("patient", example.dataset, example.patient))
    return marks


def check_can_be_checked(model: Model) -> None:
    """Refuse a model that only tells tumors apart.

    Raises:
        DataError: It has no class ``no_tumor``.
    """
    if NO_TUMOR not in model.card.classes:
        raise DataError(
            expected=f"a model with the class {NO_TUMOR}",
            found=", ".join(model.card.classes),
            remedy="Leave --checks out: they ask whether the tumor itself is seen.",
        )


def tumor_of(model: Model, probabilities: FloatArray) -> FloatArray:
    """P(tumor), float32, (pictures,), of (pictures, classes)."""
    return np.asarray(1 - probabilities[:, model.card.classes.index(NO_TUMOR)], np.float32)
