"""Train one network on patches of heads: one flat loop, resumable to the same result."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader

from tumorlens.errors import TrainingError
from tumorlens.lab.checkpoint import BEST, LAST, load_checkpoint, save_checkpoint
from tumorlens.lab.memory import keep_freed_memory
from tumorlens.lab.optimizing import set_rate
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.volumes.cases import PreparedCase
from tumorlens.lab.volumes.history import VolumeEpoch, write_volume_history
from tumorlens.lab.volumes.losses import build_loss
from tumorlens.lab.volumes.networks import build_volume_network
from tumorlens.lab.volumes.patches import Patches
from tumorlens.lab.volumes.settings import VolumeConfig, VolumeTraining
from tumorlens.lab.volumes.split import CaseSplit
from tumorlens.scan import FloatArray
from tumorlens.volume_outlining import THRESHOLD, probabilities
from tumorlens.volume_outlining.regions import BoolArray, to_labels, to_regions


@dataclass(frozen=True, slots=True)
class VolumeWatch:
    """What a caller wants to hear of a run; every part may be left out.

    Attributes:
        on_prepare: (done, total) heads while they are prepared.
        on_split: The split, once known.
        on_batch: (epoch, done, total) batches.
        on_validate: (epoch, done, total) heads.
        on_epoch: Each epoch's record.
        on_score: (done, total) heads while the finished model is scored.
    """

    on_prepare: Callable[[int, int], None] = silent
    on_split: Callable[[CaseSplit], None] = silent
    on_batch: Callable[[int, int, int], None] = silent
    on_validate: Callable[[int, int, int], None] = silent
    on_epoch: Callable[[VolumeEpoch], None] = silent
    on_score: Callable[[int, int], None] = silent


@dataclass(frozen=True, slots=True, eq=False)
class TrainedVolumes:
    """The outcome of a run.

    Attributes:
        network: With the weights of the epoch whose mean Dice was highest, on the CPU.
        history: One record an epoch.
    """

    network: nn.Module
    history: tuple[VolumeEpoch, ...]


def train_volumes(
    config: VolumeConfig, split: CaseSplit, run: Path, *, watch: VolumeWatch | None = None
) -> TrainedVolumes:
    """Train, validate on whole heads every few epochs, keep the best epoch.

    All randomness of an epoch comes from the seed and the epoch's number, and the state is kept
    after each epoch: a killed run that is started again goes on to the same result.

    Args:
        config: The run's settings.
        split: Heads that train and heads that validate.
        run: Folder for checkpoints, ``history.csv`` and ``curves.png``; continued if it holds a
            checkpoint.
        watch: Told of what happens.

    Raises:
        TrainingError: The loss is not finite, or the run folder's checkpoint does not fit.
        ConfigError: The network or the loss is unknown.
    """
    told = watch or VolumeWatch()
    settings = config.training
    keep_freed_memory()
    fabric = Fabric(accelerator="auto", devices=1, precision=settings.precision)
    torch.manual_seed(settings.seed)
    bare = build_volume_network(config)
    loss_of = build_loss(settings.loss)
    adam = AdamW(bare.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    network, optimizer = fabric.setup(bare, adam)
    history: list[VolumeEpoch] = []
    if (run / LAST).is_file():
        progress = load_checkpoint(run / LAST, bare, adam)
        history = [VolumeEpoch(**record) for record in progress["history"]]
    for epoch in range(len(history) + 1, settings.epochs + 1):
        began = time.perf_counter()
        torch.manual_seed(settings.seed * 100_003 + epoch)  # for dropout
        network.train()
        losses, rate = [], 0.0
        batches = _batches(split.training, config, epoch)
        for done, (images, regions) in enumerate(batches, 1):
            rate = learning_rate(settings, epoch - 1 + done / len(batches))
            set_rate(adam, rate)
            logits = network(fabric.to_device(images))
            loss = loss_of(logits.float(), fabric.to_device(regions))
            if not torch.isfinite(loss):
                raise _diverged(epoch, run)
            optimizer.zero_grad()
            fabric.backward(loss)
            nn.utils.clip_grad_norm_(bare.parameters(), settings.gradient_norm)
            optimizer.step()
            losses.append(float(loss.detach()))
            told.on_batch(epoch, done, len(batches))
        is_due = epoch % settings.validate_every == 0 or epoch == settings.epochs
        dice = None
        if is_due:
            told_of = partial(told.on_validate, epoch)
            dice = _validate(network, fabric, config, split.validation, told_of)
        record = VolumeEpoch(epoch, rate, float(np.mean(losses)), dice, time.perf_counter() - began)
        best = max((one.mean_dice for one in history), default=-1.0)
        history.append(record)
        if record.mean_dice > best:
            save_checkpoint(run / BEST, bare, None, {"epoch": epoch})
        save_checkpoint(run / LAST, bare, adam, {"history": [asdict(one) for one in history]})
        write_volume_history(run, history, config.data.regions)
        told.on_epoch(record)
    load_checkpoint(run / BEST, bare)
    return TrainedVolumes(bare.cpu().eval(), tuple(history))


def learning_rate(settings: VolumeTraining, epochs_done: float) -> float:
    """Linear warm-up, then half a cosine to zero."""
    warmup = min(settings.warmup_epochs, settings.epochs / 2)
    if epochs_done < warmup:
        return settings.learning_rate * epochs_done / warmup
    through = (epochs_done - warmup) / (settings.epochs - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, through)))


def _batches(
    cases: Sequence[PreparedCase], config: VolumeConfig, epoch: int
) -> DataLoader[tuple[Tensor, Tensor]]:
    return DataLoader(
        Patches(cases, config, epoch),
        batch_size=config.training.batch_size,
        num_workers=config.training.workers,
        pin_memory=torch.cuda.is_available(),
    )


def _validate(
    network: nn.Module,
    fabric: Fabric,
    config: VolumeConfig,
    cases: Sequence[PreparedCase],
    progress: Progress,
) -> dict[str, float]:
    """Mean Dice of each region over the validation heads, on the network's own grid."""
    network.eval()
    settings, regions = config.inference, config.data.regions

    def run(patch: FloatArray) -> FloatArray:
        with torch.inference_mode():
            logits = network(fabric.to_device(torch.from_numpy(patch)))
            return np.asarray(logits.float().cpu().numpy(), np.float32)

    scores = []
    for done, case in enumerate(cases, 1):
        image = case.image().astype(np.float32)
        likely = probabilities(
            image,
            run,
            patch=config.training.patch,
            overlap=settings.overlap,
            flips=False,
        )
        # As answers are given: what is core counts as whole tumor too, and nothing lies outside.
        drawn = (likely >= THRESHOLD) & (image != 0).any(axis=0)
        found = to_regions(to_labels(drawn, regions), regions)
        scores.append(dice_of(found, to_regions(case.labels(), regions)))
        progress(done, len(cases))
    means = np.mean(scores, axis=0)
    return dict(zip(regions, map(float, means), strict=True))


def dice_of(found: BoolArray, truth: BoolArray) -> list[float]:
    """Dice of each region; 1 where both have none of it. Both bool, (R, X, Y, Z)."""
    both = (found & truth).sum(axis=(1, 2, 3))
    sizes = found.sum(axis=(1, 2, 3)) + truth.sum(axis=(1, 2, 3))
    return [2 * b / s if s else 1.0 for b, s in zip(both.tolist(), sizes.tolist(), strict=True)]


def _diverged(epoch: int, run: Path) -> TrainingError:
    return TrainingError(
        expected="a finite loss",
        found=f"NaN or infinity in epoch {epoch}",
        remedy="Lower training.learning_rate, or train in 32-true precision.",
        source=str(run),
    )
