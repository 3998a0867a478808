"""Several processes train one network: ``torchrun --nproc-per-node 2 -m tumorlens train ...``.

Each process draws and changes the whole batch alike and sends its own part through the network;
the outputs are gathered, so that every process has the loss of the whole batch, and the gradients
are those of one process. Only batch norm sees the own part alone. The first process writes.
S. Li and others, "PyTorch Distributed", VLDB 2020, arXiv:2006.15704.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from tumorlens.errors import ConfigError
from tumorlens.lab.networks import Outputs
from tumorlens.scan import FloatArray


def is_first() -> bool:
    """Whether this is the process that writes: the only one, or the first of torchrun's."""
    return not TorchElasticEnvironment.detect() or TorchElasticEnvironment().global_rank() == 0


def open_fabric(precision: Any, *, freezes: bool = False) -> Fabric:
    """What a run trains with: one device, or one for each process of torchrun.

    Args:
        precision: As Fabric names it.
        freezes: Whether some weights do not learn all along.

    Raises:
        ConfigError: There are fewer GPUs than processes on this machine.
    """
    if not TorchElasticEnvironment.detect():
        return Fabric(accelerator="auto", devices=1, precision=precision)
    here, everywhere = (int(os.environ[f"{name}WORLD_SIZE"]) for name in ("LOCAL_", ""))
    graphics = torch.cuda.device_count()
    if 0 < graphics < here:
        raise ConfigError(
            expected=f"at most {graphics} processes, one for each GPU",
            found=str(here),
            remedy="Lower --nproc-per-node.",
            source="torchrun",
        )
    fabric = Fabric(
        accelerator="cuda" if graphics else "cpu",
        strategy=DDPStrategy(find_unused_parameters=freezes),
        devices=here,
        num_nodes=everywhere // here,
        precision=precision,
    )
    fabric.launch()
    return fabric


def set_up_network(
    fabric: Fabric, network: nn.Module, optimizer: Optimizer
) -> tuple[nn.Module, Optimizer]:
    """Fabric's own set-up, in which weights that are frozen for now may learn later."""
    frozen = [weight for weight in network.parameters() if not weight.requires_grad]
    several = fabric.world_size > 1
    for weight in frozen:
        weight.requires_grad_(several)  # DDP passes over those that need no gradient at first
    wrapped, set_up = fabric.setup(network, optimizer)
    for weight in frozen:
        weight.requires_grad_(False)
    return wrapped, set_up


def look_together(fabric: Fabric, network: nn.Module, pictures: Tensor) -> Outputs:
    """The network's outputs about a batch, of which each process computes a part.

    Args:
        fabric: From `open_fabric`.
        network: From `set_up_network`.
        pictures: (N, 1, size, size), at least two, the same in every process.

    Returns:
        The outputs of all N, in order, in every process; gradients flow to where each was made.
    """
    if fabric.world_size == 1:
        outputs: Outputs = network(pictures)
        return outputs
    own = torch.from_numpy(own_part(fabric, len(pictures), least=2)).to(pictures.device)
    made: Outputs = network(pictures[own])

    def of_all(rows: Tensor) -> Tensor:
        return _gathered(fabric, rows, len(pictures))

    outline = None if made.outline is None else of_all(made.outline)
    return Outputs(of_all(made.logits), of_all(made.embedding), of_all(made.features), outline)


def answer_together(
    fabric: Fabric, count: int, answer: Callable[[np.ndarray], FloatArray]
) -> FloatArray:
    """Rows about ``count`` pictures, each counted once, of which each process computes a part.

    Args:
        fabric: From `open_fabric`.
        count: How many pictures, at least one.
        answer: Takes indices of pictures and gives float32, (indices, ...).

    Returns:
        float32, (count, ...), in order, in every process.
    """
    if fabric.world_size == 1:
        return answer(np.arange(count))
    made = torch.from_numpy(answer(own_part(fabric, count))).to(fabric.device)
    rows: FloatArray = _gathered(fabric, made, count).cpu().numpy()
    return rows


def own_part(fabric: Fabric, count: int, *, least: int = 1) -> np.ndarray:
    """Which of ``count`` pictures this process computes.

    Every ``world_size``-th; as many in every process, so that some may be computed twice.

    Args:
        fabric: From `open_fabric`.
        count: How many there are.
        least: How many at least, such as two for batch norm.
    """
    each = max(least, -(-count // fabric.world_size))
    return (np.arange(each) * fabric.world_size + fabric.global_rank) % count


def share_statistics(fabric: Fabric, network: nn.Module) -> None:
    """Give the network the mean of all processes' batch-norm statistics, in every process."""
    if fabric.world_size > 1:
        for buffer in network.buffers():
            if buffer.is_floating_point():
                fabric.all_reduce(buffer, reduce_op="mean")


def first_only(fabric: Fabric, action: Callable[..., None]) -> Callable[..., None]:
    """The action in the first process, and nothing in the others."""
    return action if fabric.is_global_zero else _do_nothing


def _do_nothing(*_: object, **__: object) -> None:
    pass


def _gathered(fabric: Fabric, own: Tensor, count: int) -> Tensor:
    """All processes' rows, (each, ...) of every one, as (count, ...) in order.

    DDP takes the mean of the processes' gradients, and each has that of its own rows alone: it
    is made larger by their number, so that the mean is the sum.
    """
    fixed = own.detach().contiguous()
    parts = [torch.empty_like(fixed) for _ in range(fabric.world_size)]
    distributed.all_gather(parts, fixed)
    parts[fabric.global_rank] = fixed + (own - fixed) * fabric.world_size
    return torch.stack(parts, dim=1).flatten(0, 1)[:count]
