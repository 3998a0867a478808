"""Train one network: one flat loop over epochs, resumable to the same result."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from tumorlens.errors import TrainingError
from tumorlens.lab.augmentation import augment
from tumorlens.lab.balancing import class_weights
from tumorlens.lab.checkpoint import is_checkpoint, load_checkpoint, save_checkpoint
from tumorlens.lab.config import Config
from tumorlens.lab.history import EpochRecord, write_history
from tumorlens.lab.losses import LOSSES, attention_loss, outline_loss
from tumorlens.lab.memory import keep_freed_memory
from tumorlens.lab.networks import NONE, Classifier, build_network
from tumorlens.lab.pictures import ByteArray, Pictures
from tumorlens.lab.progress import silent
from tumorlens.lab.splitting import Split
from tumorlens.scan import FloatArray

LAST, BEST = "checkpoints/last.safetensors", "checkpoints/best.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The outcome of a run.

    Attributes:
        network: With the weights of the epoch whose validation loss was lowest, on the CPU.
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
) -> Trained:
    """Train, validate after each epoch, stop early, keep the best epoch.

    All randomness of an epoch comes from the seed and the epoch's number, and the state is kept
    after each epoch: a killed run that is started again goes on to the same result.

    Args:
        config: The run's settings.
        pictures: All pictures of the run.
        split: Which of them train and which validate.
        classes: In the order of the network's outputs.
        run: Folder for checkpoints, ``history.csv`` and ``curves.png``; continued if it holds
            a checkpoint.
        on_batch: Called with (epoch, batches done, batches of the epoch).
        on_epoch: Called with each epoch's record.

    Raises:
        TrainingError: The loss is not finite, or the run folder's checkpoint does not fit.
        ConfigError: The network cannot be built as configured.
    """
    bench = _set_up(config, pictures, split, classes)
    history, best = _resume(run, bench)
    if history:
        write_history(run, history)
    for epoch in range(len(history) + 1, config.training.epochs + 1):
        if _has_stalled(history, config.training.patience):
            break
        began = time.perf_counter()
        learnt = _train_epoch(bench, config, epoch, run, on_batch)
        record = EpochRecord(
            epoch=epoch,
            **learnt,
            **_validate(bench),
            seconds=time.perf_counter() - began,
        )
        history.append(record)
        if record.validation_loss < best:
            best = record.validation_loss
            save_checkpoint(run / BEST, bench.judged, None, {"epoch": epoch})
        progress = {"history": [asdict(record) for record in history]}
        save_checkpoint(run / LAST, bench.bare, bench.optimizer, progress, average=bench.average)
        write_history(run, history)
        on_epoch(record)
    load_checkpoint(run / BEST, bench.bare)
    return Trained(bench.bare.cpu().eval(), tuple(history))


def predict_logits(network: nn.Module, pixels: ByteArray, *, batch_size: int = 64) -> FloatArray:
    """Logits of prepared pictures, without augmentation: float32, (pictures, classes).

    Args:
        network: A `Classifier`; left in evaluation mode.
        pixels: uint8, (pictures, size, size).
        batch_size: Pictures at a time.
    """
    network.eval()
    device = next(network.parameters()).device
    found = []
    with torch.inference_mode():
        for start in range(0, len(pixels), batch_size):
            batch = np.arange(start, min(start + batch_size, len(pixels)))
            inputs = _to_float(pixels, batch).to(device)
            found.append(
                network(inputs.contiguous(memory_format=torch.channels_last)).logits.float().cpu()
            )
    return np.asarray(torch.cat(found).numpy(), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Bench:
    """What stays the same through a run, on its device.

    ``bare`` is the network unwrapped; ``validation`` holds the validation pictures that are
    looked at after each epoch, drawn once with the data sets' shares.
    """

    fabric: Fabric
    bare: Classifier
    network: nn.Module
    optimizer: torch.optim.Optimizer
    loss_of: Callable[[Tensor, Tensor], Tensor]
    pictures: Pictures
    targets: Tensor
    training: np.ndarray
    draws: np.ndarray
    validation: np.ndarray
    average: AveragedModel | None

    @property
    def judged(self) -> nn.Module:
        """What is validated and kept: the moving average where there is one."""
        return self.average.module if self.average else self.bare


def _set_up(config: Config, pictures: Pictures, split: Split, classes: Sequence[str]) -> _Bench:
    settings = config.training
    keep_freed_memory()
    fabric = Fabric(accelerator="auto", devices=1, precision=settings.precision)
    torch.manual_seed(settings.seed)
    bare = _build(config, len(classes))
    bare.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainable = [weight for weight in bare.parameters() if weight.requires_grad]
    network, optimizer = fabric.setup(bare, _optimizer(trainable, settings.weight_decay))
    targets = torch.tensor([list(classes).index(e.label) for e in pictures.examples])
    training, validation = np.array(split.training), np.array(split.validation)
    draws = _shares(config, pictures, training)
    loss_of = _loss(config, targets[training], draws, len(classes), fabric.device)
    watched = _draw(
        validation,
        _shares(config, pictures, validation),
        torch.Generator().manual_seed(settings.seed),
    )
    return _Bench(
        fabric,
        bare,
        network,
        optimizer,
        loss_of,
        pictures,
        targets,
        training,
        draws,
        validation=watched if len(watched) else validation,
        average=_average(bare, settings.averaging),
    )


def _shares(config: Config, pictures: Pictures, indices: np.ndarray) -> np.ndarray:
    """How often each picture is drawn in an epoch, in (0, 1]."""
    share = config.data.share
    return np.array([share.get(pictures.examples[i].dataset, 1.0) for i in indices])


def _average(network: nn.Module, decay: float) -> AveragedModel | None:
    """A moving average of weights and batch-norm statistics, shorter in the first steps."""
    if decay == 0:
        return None

    def mean(average: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        kept = min(decay, (1 + float(steps)) / (10 + float(steps)))
        return average * kept + current * (1 - kept)

    return AveragedModel(network, avg_fn=mean, use_buffers=True)


def _train_epoch(
    bench: _Bench,
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
    drawn = _draw(bench.training, bench.draws, generator)
    if len(drawn) < 2:
        raise _nothing_drawn(run)
    starts = range(0, len(drawn) - 1, settings.batch_size)  # batch norm cannot learn from one
    bench.network.train()
    total_loss, correct, rate = 0.0, 0, 0.0
    for done, start in enumerate(starts, 1):
        batch = drawn[start : start + settings.batch_size]
        rate = _rate(config, epoch - 1 + done / len(starts))
        for weights in bench.optimizer.param_groups:
            weights["lr"] = rate
        loss, right = _look_at(bench, config, batch, generator)
        if not torch.isfinite(loss):
            raise _diverged(epoch, run)
        bench.optimizer.zero_grad()
        bench.fabric.backward(loss)
        bench.optimizer.step()
        if bench.average:
            bench.average.update_parameters(bench.bare)
        total_loss += float(loss.detach()) * len(batch)
        correct += right
        on_batch(epoch, done, len(starts))
    return {
        "learning_rate": rate,
        "training_loss": total_loss / len(drawn),
        "training_accuracy": correct / len(drawn),
    }


def _look_at(
    bench: _Bench, config: Config, batch: np.ndarray, generator: torch.Generator
) -> tuple[Tensor, int]:
    """The loss of one batch, and how many of its pictures were named rightly."""
    pictures, settings = bench.pictures, config.training
    outlines = config.network.outlines
    layers = [_to_float(pixels, batch) for pixels in (pictures.pixels, pictures.masks)]
    changed = augment(
        bench.fabric.to_device(torch.cat(layers if outlines else layers[:1], dim=1)),
        config.augmentation,
        size=config.training_size,
        generator=generator,
    )
    wanted = bench.fabric.to_device(bench.targets[batch])
    outputs = bench.network(changed[:, :1].contiguous(memory_format=torch.channels_last))
    loss = bench.loss_of(outputs.logits, wanted)
    if outlines:
        masks = changed[:, 1:]
        outlined = bench.fabric.to_device(torch.from_numpy(pictures.outlined[batch]))
        loss = loss + settings.outline_weight * outline_loss(outputs.outline, masks, outlined)
        if settings.attention_weight:
            weights = bench.bare.linear.weight[wanted]
            held = attention_loss(outputs.features, weights, masks)
            loss = loss + settings.attention_weight * held
    return loss, int((outputs.logits.argmax(1) == wanted).sum())


def _validate(bench: _Bench) -> dict[str, float]:
    """The validation figures of an `EpochRecord`."""
    chosen = bench.validation
    scores = torch.from_numpy(predict_logits(bench.judged, bench.pictures.pixels[chosen]))
    targets = bench.targets[chosen]
    losses = nn.functional.cross_entropy(scores, targets, reduction="none").numpy()
    right = (scores.argmax(1) == targets).numpy()
    examples = [bench.pictures.examples[index] for index in chosen]
    strata = np.array([f"{example.dataset}/{example.label}" for example in examples])
    labels = np.array([example.label for example in examples])
    return {
        "validation_loss": float(np.mean([losses[strata == s].mean() for s in set(strata)])),
        "validation_accuracy": float(right.mean()),
        "validation_macro_recall": float(
            np.mean([right[labels == label].mean() for label in set(labels)])
        ),
    }


def _build(config: Config, classes: int) -> Classifier:
    """The network as configured, also from the checkpoint of an earlier run."""
    wanted = config.network
    earlier = Path(wanted.weights)
    begun = is_checkpoint(earlier)
    network = build_network(
        wanted.name,
        classes=classes,
        dropout=wanted.dropout,
        weights=NONE if begun else wanted.weights,
        frozen_stages=wanted.frozen_stages,
        outlines=wanted.outlines,
    )
    if begun:
        load_checkpoint(earlier, network)
    return network


def _optimizer(weights: list[nn.Parameter], decay: float) -> torch.optim.AdamW:
    """AdamW that spares biases and batch norm (one-dimensional weights) the decay."""
    return torch.optim.AdamW(
        [
            {"params": [w for w in weights if w.ndim > 1], "weight_decay": decay},
            {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
        ],
        fused=True,
    )


def _loss(
    config: Config, targets: Tensor, draws: np.ndarray, classes: int, device: torch.device
) -> Callable[[Tensor, Tensor], Tensor]:
    settings = config.training
    weight = None
    if settings.class_weights:
        found = class_weights(targets.tolist(), classes=classes, draws=draws)
        weight = torch.from_numpy(found).to(device)
    return LOSSES[settings.loss](weight=weight, label_smoothing=settings.label_smoothing)


def _resume(run: Path, bench: _Bench) -> tuple[list[EpochRecord], float]:
    """The history so far and its lowest validation loss, after loading the last checkpoint."""
    if not (run / LAST).is_file():
        return [], math.inf
    progress = load_checkpoint(run / LAST, bench.bare, bench.optimizer, average=bench.average)
    history = [EpochRecord(**record) for record in progress["history"]]
    return history, min(record.validation_loss for record in history)


def _has_stalled(history: Sequence[EpochRecord], patience: int) -> bool:
    """Whether the last ``patience`` epochs brought no lower validation loss."""
    losses = [record.validation_loss for record in history]
    return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])


def _draw(indices: np.ndarray, draws: np.ndarray, generator: torch.Generator) -> np.ndarray:
    """One epoch's pictures in random order, each kept with its probability."""
    kept = torch.rand(len(indices), generator=generator).numpy() < draws
    chosen = indices[kept]
    return np.asarray(chosen[torch.randperm(len(chosen), generator=generator).numpy()])


def _rate(config: Config, epochs_done: float) -> float:
    """Linear warm-up, then half a cosine to zero."""
    settings = config.training
    warmup = min(settings.warmup_epochs, settings.epochs / 2)
    if epochs_done < warmup:
        return settings.learning_rate * epochs_done / warmup
    through = (epochs_done - warmup) / (settings.epochs - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, through)))


def _to_float(pixels: ByteArray, indices: np.ndarray) -> Tensor:
    """(N, 1, size, size), float32, 0..1."""
    return torch.from_numpy(pixels[indices]).unsqueeze(1).float() / 255


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
        remedy="Lower training.learning_rate, or train in 32-true precision.",
        source=str(run),
    )
