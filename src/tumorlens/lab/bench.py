"""What stays the same through a training run: network, optimizer, loss, pictures, draws."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from tumorlens.errors import ConfigError
from tumorlens.lab.balancing import balanced_draws, class_weights, draw
from tumorlens.lab.blending import find_siblings
from tumorlens.lab.catalogue import CATALOGUE
from tumorlens.lab.checkpoint import is_checkpoint, load_checkpoint
from tumorlens.lab.config import Config
from tumorlens.lab.datasets import DATASETS, Example
from tumorlens.lab.distilling import Teachers
from tumorlens.lab.finished import finished_network
from tumorlens.lab.losses import LOSSES
from tumorlens.lab.memory import keep_freed_memory
from tumorlens.lab.networks import NONE, Classifier, build_network
from tumorlens.lab.optimizing import build_optimizer, moving_average
from tumorlens.lab.pictures import Pictures
from tumorlens.lab.processes import open_fabric, set_up_network
from tumorlens.lab.rebuilding import begin_from, model_folder, settle_norms
from tumorlens.lab.splitting import Split
from tumorlens.lab.within_reach import Bytes, within_reach
from tumorlens.labels import CLASSES

SETTLED_ON = 256
"""Training pictures that the batch norms of a model folder's network are measured on, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What stays the same through a run, on its device.

    ``bare`` is the network unwrapped; ``pixels`` and ``masks`` are those of ``pictures``, within
    the device's reach; ``validation`` holds the validation pictures that are
    looked at after each epoch, drawn once with the data sets' shares; ``siblings`` is what
    `find_siblings` gave.
    """

    fabric: Fabric
    bare: Classifier
    network: nn.Module
    optimizer: Optimizer
    loss_of: Callable[[Tensor, Tensor], Tensor]
    pictures: Pictures
    pixels: Bytes
    masks: Bytes
    classes: tuple[str, ...]
    targets: Tensor
    training: np.ndarray
    draws: np.ndarray
    validation: np.ndarray
    average: AveragedModel | None
    siblings: np.ndarray
    teachers: Teachers | None

    @property
    def judged(self) -> nn.Module:
        """What is validated and kept: the moving average where there is one."""
        return self.average.module if self.average else self.bare


def set_up(config: Config, pictures: Pictures, split: Split, classes: Sequence[str]) -> Bench:
    """Build everything that a run needs, with the random state that its seed gives.

    Raises:
        ConfigError: The network cannot be built as configured.
    """
    settings = config.training
    keep_freed_memory()
    fabric = open_fabric(settings.precision, freezes=config.network.frozen_stages > 0)
    torch.manual_seed(settings.seed)
    bare = build_classifier(config, classes)
    if model_folder(config.network.weights):
        settle_norms(bare, _looked_at(config, pictures, split))
    bare.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network, optimizer = set_up_network(fabric, bare, build_optimizer(bare, settings))
    targets = torch.tensor([list(classes).index(e.label) for e in pictures.examples])
    training, validation = np.array(split.training), np.array(split.validation)
    draws = _shares(config, pictures, training)
    if settings.sampler == "balanced":
        draws = balanced_draws(draws, targets[training].tolist())
    loss_of = _loss(config, targets[training], draws, len(classes), fabric.device)
    watched = draw(
        validation,
        _shares(config, pictures, validation),
        torch.Generator().manual_seed(settings.seed),
    )
    return Bench(
        fabric,
        bare,
        network,
        optimizer,
        loss_of,
        pictures,
        within_reach(pictures.pixels, fabric.device),
        within_reach(pictures.masks, fabric.device),
        tuple(classes),
        targets,
        training,
        draws,
        validation=watched if len(watched) else validation,
        average=moving_average(bare, settings.averaging),
        siblings=_siblings(config, pictures),
        teachers=_teachers(config, classes, fabric),
    )


def ordered_classes(examples: Sequence[Example]) -> tuple[str, ...]:
    """The four classes in their usual order, then any others by name; only those present."""
    present = {example.label for example in examples}
    known = [name for name in CLASSES if name in present]
    return tuple(known + sorted(present - set(CLASSES)))


def check_set_up(config: Config, examples: Sequence[Example]) -> None:
    """Find what cannot be set up before a run or a study leaves anything behind.

    Raises:
        ConfigError: As `check_shares`, `build_classifier` and `find_teachers`.
        ModelError: As `find_teachers`.
        TrainingError: As `find_teachers`.
    """
    check_shares(config, examples)
    classes = ordered_classes(examples)
    build_classifier(config, classes)
    find_teachers(config, classes)


def check_shares(config: Config, examples: Sequence[Example]) -> None:
    """A misspelt data set in ``data.share`` would be drawn whole, in silence.

    Public sets that are absent may be named: a config serves whoever has some of them.

    Raises:
        ConfigError: One that is named is neither among the examples, nor left out, nor any of
            `DATASETS`.
    """
    there = {example.dataset for example in examples}
    if unknown := set(config.data.share) - there - {*DATASETS, *config.data.leave_out}:
        raise ConfigError(
            expected=f"names of data sets, here {', '.join(sorted(there))}",
            found=", ".join(sorted(unknown)),
            remedy="Correct data.share, or leave them out: the names are those of the folders.",
            source="data.share",
        )


def _siblings(config: Config, pictures: Pictures) -> np.ndarray:
    """Other sequences of the same slices, looked for only where they are wanted."""
    if config.augmentation.blend:
        return find_siblings(pictures.examples, pictures.pixels)
    return np.zeros((0, 2), np.int64)


def _shares(config: Config, pictures: Pictures, indices: np.ndarray) -> np.ndarray:
    """How often each picture is drawn in an epoch, in (0, 1]."""
    share = config.data.share
    return np.array([share.get(pictures.examples[i].dataset, 1.0) for i in indices])


def _teachers(config: Config, classes: Sequence[str], fabric: Fabric) -> Teachers | None:
    """The finished networks that this one learns from, where there are some."""
    if not config.training.teachers:
        return None
    teachers = Teachers(find_teachers(config, classes))
    teachers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return teachers.to(fabric.device).requires_grad_(False).eval()


def find_teachers(config: Config, classes: Sequence[str]) -> list[Classifier]:
    """The finished networks that a run learns from.

    Raises:
        ConfigError: One of them is no finished run, or names other classes, or was shown scans
            otherwise.
        ModelError: One has no model.
        TrainingError: One has a checkpoint that cannot be read.
    """
    seen = config.preparation.build()
    return [finished_network(Path(run), classes, seen) for run in config.training.teachers]


def build_classifier(config: Config, classes: Sequence[str]) -> Classifier:
    """The network as configured, also from a model folder or the checkpoint of an earlier run.

    Raises:
        ConfigError: The network cannot be built as configured.
        ModelError: The model folder to begin from cannot be used.
    """
    wanted = config.network
    _check_size(config)
    earlier, model = Path(wanted.weights), model_folder(wanted.weights)
    begun = model is not None or is_checkpoint(earlier)
    network = build_network(
        wanted.name,
        classes=len(classes),
        dropout=wanted.dropout,
        weights=NONE if begun else wanted.weights,
        frozen_stages=wanted.frozen_stages,
        outlines=wanted.outlines,
    )
    if model is not None:
        begin_from(network, model, name=wanted.name, classes=classes)
    elif begun:
        load_checkpoint(earlier, network)
    return network


def _looked_at(config: Config, pictures: Pictures, split: Split) -> Tensor:
    """Some training pictures, of the size that training begins with."""
    step = math.ceil(len(split.training) / SETTLED_ON)
    pixels = torch.from_numpy(pictures.pixels[list(split.training[::step])])
    size = [config.size_in(1)] * 2
    return F.interpolate(pixels[:, None].float() / 255, size, mode="bilinear", antialias=True)


def _loss(
    config: Config, targets: Tensor, draws: np.ndarray, classes: int, device: torch.device
) -> Callable[[Tensor, Tensor], Tensor]:
    settings = config.training
    weight = None
    if settings.class_weights:
        found = class_weights(
            targets.tolist(),
            classes=classes,
            draws=draws,
            effective_number=settings.effective_number,
        )
        weight = torch.from_numpy(found).to(device)
    own = {"focus": settings.focus} if settings.loss == "focal" else {}
    return LOSSES[settings.loss](weight=weight, label_smoothing=settings.label_smoothing, **own)


def _check_size(config: Config) -> None:
    name = config.network.name
    size = min(config.size_in(1), config.preparation.size, config.answering.size)
    about = CATALOGUE.get(name)
    if about and size < about.smallest:
        raise ConfigError(
            expected=f"pictures of at least {about.smallest} pixels for {name}",
            found=str(size),
            remedy="Raise the smallest of preparation.size, training.size, training.first_size and "
            "card.size.",
            source="training.size",
        )
