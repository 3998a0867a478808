"""One channel in, where a network was trained on three."""

import math
from collections.abc import Sequence

import torch
from torch import nn

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue, 0..1: how most ImageNet weights were trained."""


def take_gray(
    convolution: nn.Conv2d,
    norm: nn.BatchNorm2d | None = None,
    *,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
) -> tuple[float, float]:
    """Let a first layer take one channel, in place, and answer as for three equal ones.

    The channels' weights are summed, each brought to a common mean and deviation; what is left
    of their different means becomes a constant. Equal but for the rim, where the padding of a
    network of three channels stands for three different grays.

    Args:
        convolution: The first layer, with three channels.
        norm: The batch norm after it, which takes the constant where the convolution has no
            bias.
        mean: Of each channel's normalisation, for 0..1 pixels.
        std: The same.

    Returns:
        The mean and the deviation to normalise the one channel with.
    """
    gray_mean, gray_std = math.fsum(mean) / len(mean), math.fsum(std) / len(std)
    weight = convolution.weight.detach()
    scale = torch.tensor([gray_std / one for one in std]).view(1, -1, 1, 1)
    rest = torch.tensor([gray_mean - one for one in mean]) / torch.tensor(std)
    constant = (weight * rest.view(1, -1, 1, 1)).sum(dim=(1, 2, 3))
    convolution.weight = nn.Parameter((weight * scale).sum(dim=1, keepdim=True))
    convolution.in_channels = 1
    with torch.no_grad():
        if convolution.bias is not None:
            convolution.bias += constant
        elif norm is not None and norm.running_mean is not None:
            norm.running_mean -= constant
    return gray_mean, gray_std
