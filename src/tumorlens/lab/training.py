"""Train one network: one flat loop over epochs, resumable to the same result."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tumorlens.errors import TrainingError
from tumorlens.lab.augmentation import augment, mix_up
from tumorlens.lab.balancing import draw, draw_with_return
from tumorlens.lab.bench import Bench, set_up
from tumorlens.lab.blending import blend
from tumorlens.lab.checkpoint import (
    BEST,
    FINISHED,
    LAST,
    SNAPSHOT,
    damaged,
    load_checkpoint,
    save_checkpoint,
)
from tumorlens.lab.config import Config
from tumorlens.lab.distilling import lesson_loss
from tumorlens.lab.history import EpochRecord, write_history
from tumorlens.lab.looking import look, predict_logits, validation_figures
from tumorlens.lab.losses import attention_loss, outline_loss
from tumorlens.lab.networks import Classifier, Outputs
from tumorlens.lab.optimizing import ends_cycle, frozen_stages, learning_rate, set_rate
from tumorlens.lab.pictures import Pictures
from tumorlens.lab.processes import (
    answer_together,
    first_only,
    look_together,
    share_statistics,
)
from tumorlens.lab.progress import silent
from tumorlens.lab.resampling import fill_up, retrain_linear
from tumorlens.lab.splitting import Split
from tumorlens.lab.transplanting import Labelled, transplant
from tumorlens.lab.within_reach import to_float

__all__ = ["BEST", "FINISHED", "LAST", "SNAPSHOT", "Trained", "predict_logits", "train"]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The outcome of a run.

    Attributes:
        network: With the weights of the epoch whose validation loss was lowest, on the CPU;
            with SMOTE the linear layer was trained once more after it.
        history: One record an epoch.
    """

    network: Classifier
    history: tuple[EpochRecord, ...]


def train(
    config: Config,
    pictures: Pictures,
    split: Split,
    classes: Sequence[str],
    run: Path,
    *,
    on_batch: Callable[[int, int, int], None] = silent,
    on_epoch: Callable[[EpochRecord], None] = silent,
    on_history: Callable[[Sequence[EpochRecord]], None] = silent,
) -> Trained:
    """Train, validate after each epoch, stop early, keep the best epoch.

    All randomness of an epoch comes from the seed and the epoch's number, and the state is kept
    after each epoch: a killed run that is started again goes on to the same result. Started by
    torchrun, several processes train together (`tumorlens.lab.processes`).

    Args:
        config: The run's settings.
        pictures: All pictures of the run.
        split: Which of them train and which validate.
        classes: In the order of the network's outputs.
        run: Folder for checkpoints, ``history.csv`` and ``curves.png``; continued if it holds
            a checkpoint.
        on_batch: Called with (epoch, batches done, batches of the epoch).
        on_epoch: Called with each epoch's record.
        on_history: Called with all records so far: after each epoch, and when a run is continued.

    Raises:
        TrainingError: The loss is not finite, or the run folder's checkpoint does not fit.
        ConfigError: The network cannot be built as configured.
    """
    bench = set_up(config, pictures, split, classes)
    history, best = _resume(run, bench)
    save, note = (first_only(bench.fabric, one) for one in (save_checkpoint, write_history))
    if history:
        note(run, history)
        on_history(history)
    for epoch in range(len(history) + 1, config.training.epochs + 1):
        if _has_stalled(history, config.training.patience):
            break
        began = time.perf_counter()
        learnt = _train_epoch(bench, config, epoch, run, on_batch)
        record = EpochRecord(
            epoch=epoch,
            **learnt,
            **_validate(bench, config.answering.size),
            seconds=time.perf_counter() - began,
            device=_name_of(bench.fabric.device),
        )
        if not math.isfinite(record.validation_loss):
            raise _diverged(epoch, run)
        history.append(record)
        if record.validation_loss < best:
            best = record.validation_loss
            save(run / BEST, bench.judged, None, {"epoch": epoch})
        if cycle := ends_cycle(config.training, epoch):
            save(run / SNAPSHOT.format(cycle), bench.judged, None, {"epoch": epoch})
        progress = {"history": [asdict(record) for record in history]}
        save(run / LAST, bench.bare, bench.optimizer, progress, average=bench.average)
        note(run, history)
        bench.fabric.barrier()
        on_history(history)
        on_epoch(record)
    kept = load_checkpoint(run / BEST, bench.bare)
    network = bench.bare.cpu().eval()
    if config.training.smote:
        _fill_up_and_retrain(network, bench, config)
        save(run / FINISHED, network, None, kept)
    return Trained(network, tuple(history))


def _train_epoch(
    bench: Bench,
    config: Config,
    epoch: int,
    run: Path,
    on_batch: Callable[[int, int, int], None],
) -> dict[str, float]:
    """One pass over the pictures drawn; the training figures of an `EpochRecord`."""
    settings = config.training
    seed = settings.seed * 100_003 + epoch
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    pick = draw_with_return if settings.sampler == "balanced" else draw
    drawn = pick(bench.training, bench.draws, generator)
    if len(drawn) < 2:
        raise _nothing_drawn(run)
    starts = _starts(len(drawn), settings.batch_size, bench.fabric.device)
    bench.bare.freeze(frozen_stages(config.network.frozen_stages, settings, epoch))
    bench.network.train()
    total_loss = torch.zeros((), device=bench.fabric.device)
    correct = torch.zeros((), dtype=torch.long, device=bench.fabric.device)
    rate = 0.0
    for done, start in enumerate(starts, 1):
        batch = drawn[start : start + settings.batch_size]
        rate = learning_rate(settings, epoch - 1 + done / len(starts))
        set_rate(bench.optimizer, rate)
        loss, right = _look_at(bench, config, batch, config.size_in(epoch), generator)
        bench.optimizer.zero_grad()
        bench.fabric.backward(loss)
        bench.optimizer.step()
        if bench.average:
            bench.average.update_parameters(bench.bare)
        total_loss += loss.detach() * len(batch)  # read at the end: a GPU is not waited for
        correct += right
        on_batch(epoch, done, len(starts))
    if not torch.isfinite(total_loss):
        raise _diverged(epoch, run)
    seen = min(len(drawn), len(starts) * settings.batch_size)
    return {
        "learning_rate": rate,
        "training_loss": float(total_loss) / seen,
        "training_accuracy": int(correct) / seen,
    }


def _starts(drawn: int, batch_size: int, device: torch.device) -> range:
    """Where each batch of an epoch begins.

    Batch norm cannot learn from a single picture. On a GPU the last batch is left out unless it
    is full: for each new size of a batch cuDNN plans every convolution anew, which took 9 seconds
    of a 12-second epoch of an EfficientNet-Lite0 on an H200.
    """
    whole = device.type == "cuda" and drawn >= batch_size
    return range(0, drawn - (batch_size if whole else 2) + 1, batch_size)


def _look_at(
    bench: Bench, config: Config, batch: np.ndarray, size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The loss of one batch, and how many of its pictures were named rightly."""
    shown = _shown(bench, config, batch, generator)
    changed = augment(
        shown.layers if config.network.outlines else shown.layers[:, :1],
        config.augmentation,
        size=size,
        generator=generator,
    )
    seen, partners, share = mix_up(changed[:, :1], config.augmentation, generator=generator)
    seen = seen.contiguous(memory_format=torch.channels_last)
    outputs = look_together(bench.fabric, bench.network, seen)
    wanted = bench.fabric.to_device(shown.targets)
    outlined = bench.fabric.to_device(shown.outlined)
    loss = _cost(bench, config, outputs, (wanted, changed[:, 1:], outlined))
    if share < 1:
        others = (wanted[partners], changed[partners, 1:], outlined[partners])
        loss = share * loss + (1 - share) * _cost(bench, config, outputs, others)
    if bench.teachers:
        with torch.no_grad(), bench.fabric.autocast():
            lesson = bench.teachers(seen)
        taught = lesson_loss(outputs, lesson, outline_weight=config.training.outline_weight)
        loss = torch.lerp(loss, taught, config.training.distillation)
    return loss, (outputs.logits.argmax(1) == wanted).sum()


def _shown(bench: Bench, config: Config, batch: np.ndarray, generator: torch.Generator) -> Labelled:
    """A batch's pictures, masks and classes, blended with siblings and with tumors moved."""
    pictures, settings = bench.pictures, config.augmentation
    own = bench.fabric.to_device(to_float(bench.pixels, batch))
    own = blend(own, batch, bench.siblings, bench.pixels, settings.blend, generator=generator)
    layers = torch.cat([own, bench.fabric.to_device(to_float(bench.masks, batch))], dim=1)
    outlined = torch.from_numpy(pictures.outlined[batch])
    return transplant(
        Labelled(layers, bench.targets[batch], outlined),
        settings,
        classes=bench.classes,
        generator=generator,
    )


def _cost(
    bench: Bench, config: Config, outputs: Outputs, truth: tuple[Tensor, Tensor, Tensor]
) -> Tensor:
    """The loss of a batch's outputs against its classes, masks, and which masks are known."""
    settings = config.training
    wanted, masks, outlined = truth
    loss = bench.loss_of(outputs.logits, wanted)
    if outputs.outline is None:
        return loss
    loss = loss + settings.outline_weight * outline_loss(outputs.outline, masks, outlined)
    if settings.attention_weight:
        weights = bench.bare.linear.weight[wanted]
        held = attention_loss(outputs.features, weights, masks)
        loss = loss + settings.attention_weight * held
    return loss


def _validate(bench: Bench, size: int) -> dict[str, float]:
    """The validation figures of an `EpochRecord`, of pictures of the size that will be answered."""
    chosen = bench.validation
    examples = [bench.pictures.examples[index] for index in chosen]
    share_statistics(bench.fabric, bench.judged)
    scores = answer_together(
        bench.fabric,
        len(chosen),
        lambda own: predict_logits(bench.judged, bench.pixels[chosen[own]], size=size),
    )
    return validation_figures(torch.from_numpy(scores), examples, bench.targets[chosen])


def _name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _fill_up_and_retrain(network: Classifier, bench: Bench, config: Config) -> None:
    """The linear layer once more, on the training part's embeddings filled up by SMOTE."""
    pixels = bench.pictures.pixels[bench.training]
    _, embeddings = look(network, pixels, size=config.answering.size)
    targets = bench.targets[bench.training].numpy()
    retrain_linear(network.linear, *fill_up(embeddings, targets, seed=config.training.seed))


def _resume(run: Path, bench: Bench) -> tuple[list[EpochRecord], float]:
    """The history so far and its lowest validation loss, after loading the last checkpoint."""
    if not (run / LAST).is_file():
        return [], math.inf
    progress = load_checkpoint(run / LAST, bench.bare, bench.optimizer, average=bench.average)
    try:
        history = [EpochRecord(**record) for record in progress["history"]]
        return history, min(record.validation_loss for record in history)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(run / LAST, f"no history in it ({error})") from error


def _has_stalled(history: Sequence[EpochRecord], patience: int) -> bool:
    """Whether the last ``patience`` epochs brought no lower validation loss."""
    losses = [record.validation_loss for record in history]
    return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])


def _nothing_drawn(run: Path) -> TrainingError:
    return TrainingError(
        expected="at least two training pictures an epoch",
        found="fewer",
        remedy="Raise data.share, or add pictures.",
        source=str(run),
    )


def _diverged(epoch: int, run: Path) -> TrainingError:
    return TrainingError(
        expected="a finite loss",
        found=f"NaN or infinity in epoch {epoch}",
        remedy="Lower training.learning_rate, or train in 32-true precision, in another --run "
        "folder (or delete this one).",
        source=str(run),
    )
