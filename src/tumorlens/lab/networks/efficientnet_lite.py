"""EfficientNet-Lite: EfficientNet without squeeze-and-excitation, with ReLU6, made for CPUs.

M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
ICML 2019, arXiv:1905.11946; the Lite variants: TensorFlow's TPU models, 2020. Built by timm.
"""

from torch import nn

from tumorlens.lab.networks.classifier import Backbone
from tumorlens.lab.networks.imagenet_weights import load_imagenet_weights
from tumorlens.lab.timm_import import timm

_MEAN = _STD = 0.5  # how its ImageNet weights were trained
_LEVELS = (0, 1, 2, 4, 6)  # the last block of each stride: 2, 4, 8, 16, 32


def build(name: str, *, weights: str) -> Backbone:
    """The backbone; one channel in, 1,280 out, stride 32.

    Args:
        name: timm's name, such as ``tf_efficientnet_lite0``.
        weights: See `load_imagenet_weights`.

    Raises:
        ConfigError: The weights cannot be had.
    """
    network = timm.create_model(name, pretrained=False)
    load_imagenet_weights(network, name, weights)
    stem = nn.Sequential(_one_channel(network.conv_stem), network.bn1)
    head = nn.Sequential(network.conv_head, network.bn2)
    stages = (stem, *network.blocks, head)
    levels = tuple((1 + block, _width(network.blocks[block])) for block in _LEVELS)
    return Backbone(nn.Sequential(*stages), network.num_features, stages, _MEAN, _STD, levels)


def _width(block: nn.Module) -> int:
    """Channels that come out of a block."""
    return [layer.out_channels for layer in block.modules() if isinstance(layer, nn.Conv2d)][-1]


def _one_channel(convolution: nn.Conv2d) -> nn.Conv2d:
    """The same answer for a gray picture as for its copy in three channels: weights summed."""
    convolution.weight = nn.Parameter(convolution.weight.detach().sum(dim=1, keepdim=True))
    convolution.in_channels = 1
    return convolution
