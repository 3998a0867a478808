"""How the weights are changed: the optimizer, its rate over time and depth, and averages."""

import math

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel

from tumorlens.lab.config import TrainingConfig
from tumorlens.lab.networks import Classifier

_SCALE = "scale"
_Tensors = tuple[Tensor, ...] | list[Tensor]


def build_optimizer(network: Classifier, settings: TrainingConfig) -> AdamW:
    """AdamW that spares biases and batch norm (one-dimensional weights) the decay.

    With ``depth_decay`` below 1 each stage has a smaller rate than the next deeper one
    (J. Howard and S. Ruder, "Universal Language Model Fine-tuning", ACL 2018,
    arXiv:1801.06146, section 3.2).
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for scale, weight in _scaled(network, settings.depth_decay):
        if weight.requires_grad or settings.unfreeze_every:
            groups.setdefault((scale, weight.ndim <= 1), []).append(weight)
    decay = settings.weight_decay
    return AdamW(
        [
            {"params": weights, "weight_decay": 0.0 if spared else decay, _SCALE: scale}
            for (scale, spared), weights in sorted(groups.items(), key=lambda item: item[0])
        ],
        fused=True,
    )


def _scaled(network: Classifier, decay: float) -> list[tuple[float, nn.Parameter]]:
    """Every weight with the part of the learning rate it learns at."""
    depth = len(network.stages)
    scales = {
        id(weight): decay ** (depth - number)
        for number, stage in enumerate(network.stages)
        for weight in stage.parameters()
    }
    return [(scales.get(id(weight), 1.0), weight) for weight in network.parameters()]


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Let each group of weights learn at its part of the rate."""
    for weights in optimizer.param_groups:
        weights["lr"] = rate * weights.get(_SCALE, 1.0)


def learning_rate(settings: TrainingConfig, epochs_done: float) -> float:
    """Linear warm-up, then half a cosine to zero; as often as there are cycles.

    I. Loshchilov and F. Hutter, "SGDR", ICLR 2017, arXiv:1608.03983.
    """
    length = settings.epochs / settings.cycles
    cycle = max(0, min(settings.cycles, math.ceil(epochs_done / length)) - 1)
    done = epochs_done - cycle * length
    warmup = min(settings.warmup_epochs, length / 2)
    if done < warmup:
        return settings.learning_rate * done / warmup
    through = (done - warmup) / (length - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, through)))


def frozen_stages(frozen: int, settings: TrainingConfig, epoch: int) -> int:
    """How many of the ``frozen`` first stages still are so in an epoch (from 1)."""
    if not settings.unfreeze_every:
        return frozen
    return max(0, frozen - (epoch - 1) // settings.unfreeze_every)


def ends_cycle(settings: TrainingConfig, epoch: int) -> int:
    """The number (from 1) of the cycle that ends with this epoch; 0 if none, or only one, does.

    G. Huang and others, "Snapshot Ensembles", ICLR 2017, arXiv:1704.00109.
    """
    cycle, rest = divmod(epoch * settings.cycles, settings.epochs)
    return cycle if settings.cycles > 1 and rest == 0 else 0


def moving_average(network: nn.Module, decay: float) -> AveragedModel | None:
    """A moving average of weights and batch-norm statistics, shorter in the first steps."""
    if decay == 0:
        return None

    def move(averages: _Tensors, current: _Tensors, steps: Tensor | int) -> None:
        if not averages[0].is_floating_point():  # batch norm's counter
            torch._foreach_copy_(averages, current)
            return
        kept = ((1 + torch.as_tensor(steps)) / (10 + torch.as_tensor(steps))).clamp(max=decay)
        torch._foreach_mul_(averages, kept)
        torch._foreach_add_(averages, torch._foreach_mul(current, 1 - kept))

    return AveragedModel(network, multi_avg_fn=move, use_buffers=True)
