"""Loss functions by name."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""(N, classes) logits and (N,) int64 targets to the mean loss."""


def cross_entropy(*, weight: Tensor | None, label_smoothing: float) -> Loss:
    """Cross-entropy; ``weight`` is (classes,), or None for all alike."""
    return partial(F.cross_entropy, weight=weight, label_smoothing=label_smoothing)


def focal(*, weight: Tensor | None, label_smoothing: float, focus: float = 2.0) -> Loss:
    """Cross-entropy in which pictures count less, the surer they are named rightly.

    T.-Y. Lin and others, "Focal Loss for Dense Object Detection", ICCV 2017, arXiv:1708.02002.

    Args:
        weight: (classes,), or None for all alike.
        label_smoothing: In [0, 1).
        focus: The exponent (gamma) of the doubt that a picture counts with; 0 for cross-entropy.
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        crossed = F.cross_entropy(
            logits, targets, reduction="none", label_smoothing=label_smoothing
        )
        doubt = 1 - logits.softmax(dim=1).gather(1, targets.unsqueeze(1)).squeeze(1)
        each = doubt.clamp(min=1e-6) ** focus * crossed
        weights = torch.ones_like(each) if weight is None else weight[targets]
        return (weights * each).sum() / weights.sum()

    return loss


LOSSES: dict[str, Callable[..., Loss]] = {"cross_entropy": cross_entropy, "focal": focal}
"""Each is built with ``weight`` and ``label_smoothing``."""


def outline_loss(logits: Tensor, masks: Tensor, outlined: Tensor) -> Tensor:
    """Cross-entropy of every pixel plus soft Dice of the pictures that show a tumor.

    F. Milletari and others, "V-Net", 3DV 2016, arXiv:1606.04797 (section 3).

    Args:
        logits: (N, 1, h, w).
        masks: (N, 1, H, W), 0..1; brought to the size of the logits.
        outlined: bool, (N,): whose mask is known; the others do not count.
    """
    wanted = F.interpolate(masks, logits.shape[-2:], mode="area")
    each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    area, found = wanted.sum(dim=(1, 2, 3)), logits.sigmoid()
    common = (found * wanted).sum(dim=(1, 2, 3))
    dice = (2 * common + 1) / (found.sum(dim=(1, 2, 3)) + area + 1)
    crossed = _mean_of(each.mean(dim=(1, 2, 3)), outlined)
    return crossed + _mean_of(1 - dice, outlined & (area > 0))


def attention_loss(features: Tensor, weights: Tensor, masks: Tensor) -> Tensor:
    """How little of the heatmap lies on the tumor, as cross-entropy over its places.

    Args:
        features: (N, channels, h, w), the last feature maps.
        weights: (N, channels), the linear weights of each picture's own class.
        masks: (N, 1, H, W), 0..1; pictures whose mask is empty do not count.
    """
    allowed = F.adaptive_max_pool2d(masks, features.shape[-2:]).flatten(1) > 0.5
    shown = allowed.any(dim=1)
    heat = torch.einsum("nchw,nc->nhw", features, weights).flatten(1)
    elsewhere = ~allowed & shown.unsqueeze(1)
    on_tumor = F.log_softmax(heat, dim=1).masked_fill(elsewhere, -torch.inf)
    return _mean_of(-on_tumor.logsumexp(dim=1), shown)


def _mean_of(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the chosen ones, 0 where there is none; an accelerator is not waited for."""
    weights = chosen.to(values.dtype)
    return (values * weights).sum() / weights.sum().clamp(min=1)
