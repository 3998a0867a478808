"""ResNet50: 50 layers, with shortcuts that let the gradient pass.

K. He and others, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385.
The paper halves the resolution in the first convolution of a block; most later weights (called
v1.5) in the second. Weights of one kind do not fit the other. Built by timm.
"""

from torch import nn

from tumorlens.lab.networks.classifier import Backbone
from tumorlens.lab.networks.gray import take_gray
from tumorlens.lab.networks.imagenet_weights import load_imagenet_weights
from tumorlens.lab.timm_import import timm

_WIDTHS = (64, 256, 512, 1024, 2048)  # of strides 2, 4, 8, 16, 32


def build(name: str, *, weights: str) -> Backbone:
    """The backbone; one channel in, 2,048 out, stride 32.

    Args:
        name: ``resnet50`` as in the paper, or ``resnet50_v1_5``.
        weights: See `load_imagenet_weights`.

    Raises:
        ConfigError: The weights cannot be had.
    """
    network = timm.create_model("resnet50", pretrained=False)
    load_imagenet_weights(network, name, weights)
    if name == "resnet50":
        for layer in (network.layer2, network.layer3, network.layer4):
            layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
    mean, std = take_gray(network.conv1, network.bn1)
    stages = (
        nn.Sequential(network.conv1, network.bn1, network.act1),
        nn.Sequential(network.maxpool, network.layer1),
        network.layer2,
        network.layer3,
        network.layer4,
    )
    return Backbone(
        nn.Sequential(*stages), _WIDTHS[-1], stages, mean, std, tuple(enumerate(_WIDTHS))
    )
