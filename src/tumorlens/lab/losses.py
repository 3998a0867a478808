"""Loss functions by name."""

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""(N, classes) logits and (N,) int64 targets to the mean loss."""


def cross_entropy(*, weight: Tensor | None, label_smoothing: float) -> Loss:
    """Cross-entropy; ``weight`` is (classes,), or None for all alike."""
    return partial(F.cross_entropy, weight=weight, label_smoothing=label_smoothing)


LOSSES: dict[str, Callable[..., Loss]] = {"cross_entropy": cross_entropy}
"""Each is built with ``weight`` and ``label_smoothing``."""
