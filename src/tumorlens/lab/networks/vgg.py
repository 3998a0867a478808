"""VGG16: thirteen convolutions of 3 x 3, without batch norm.

K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", ICLR 2015, arXiv:1409.1556. Its three wide layers, nine tenths of its weights, give
way to pooling and one linear layer; the last pooling is left out, for finer heatmaps.
"""

from torch import nn

from tumorlens.lab.networks.classifier import Backbone
from tumorlens.lab.networks.gray import take_gray
from tumorlens.lab.networks.imagenet_weights import load_imagenet_weights

_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of strides 1, 2, 4, 8, 16."""


def build(*, weights: str) -> Backbone:
    """The backbone; one channel in, 512 out, stride 16.

    Args:
        weights: See `load_imagenet_weights`.

    Raises:
        ConfigError: The weights cannot be had.
    """
    layers: list[nn.Module] = []
    ends, channels = [], 3
    for width, convolutions in _STAGES:
        if layers:
            layers.append(nn.MaxPool2d(2))
        for _ in range(convolutions):
            layers += [_convolution(channels, width), nn.ReLU(inplace=True)]
            channels = width
        ends.append(len(layers))
    whole = nn.ModuleDict({"features": nn.Sequential(*layers)})  # named as elsewhere
    load_imagenet_weights(whole, "vgg16", weights)
    mean, std = take_gray(_first(layers))
    stages = tuple(nn.Sequential(*layers[a:b]) for a, b in zip([0, *ends], ends, strict=False))
    levels = tuple((stage, _STAGES[stage][0]) for stage in range(1, len(stages)))
    return Backbone(nn.Sequential(*stages), channels, stages, mean, std, levels)


def _convolution(channels: int, width: int) -> nn.Conv2d:
    convolution = nn.Conv2d(channels, width, kernel_size=3, padding=1)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return convolution


def _first(layers: list[nn.Module]) -> nn.Conv2d:
    return next(layer for layer in layers if isinstance(layer, nn.Conv2d))
