"""EfficientNet, and its Lite variants without squeeze-and-excitation, made for CPUs.

M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
ICML 2019, arXiv:1905.11946; the Lite variants: TensorFlow's TPU models, 2020. Built by timm.
"""

from torch import nn

from tumorlens.lab.networks.classifier import Backbone
from tumorlens.lab.networks.gray import take_gray
from tumorlens.lab.networks.imagenet_weights import load_imagenet_weights
from tumorlens.lab.timm_import import timm

_LEVELS = (0, 1, 2, 4, 6)  # the last block of each stride: 2, 4, 8, 16, 32


def build(name: str, *, weights: str) -> Backbone:
    """The backbone; one channel in, 1,280 out, stride 32.

    Args:
        name: timm's name, such as ``tf_efficientnet_lite0`` or ``efficientnet_b0``.
        weights: See `load_imagenet_weights`.

    Raises:
        ConfigError: The weights cannot be had.
    """
    network = timm.create_model(name, pretrained=False)
    load_imagenet_weights(network, name, weights)
    usual = network.default_cfg
    mean, std = take_gray(network.conv_stem, network.bn1, mean=usual["mean"], std=usual["std"])
    stem = nn.Sequential(network.conv_stem, network.bn1)
    head = nn.Sequential(network.conv_head, network.bn2)
    stages = (stem, *network.blocks, head)
    levels = tuple((1 + block, _width(network.blocks[block])) for block in _LEVELS)
    return Backbone(nn.Sequential(*stages), network.num_features, stages, mean, std, levels)


def _width(block: nn.Module) -> int:
    """Channels that come out of a block."""
    return [layer.out_channels for layer in block.modules() if isinstance(layer, nn.Conv2d)][-1]
