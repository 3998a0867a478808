"""InceptionV3: blocks of parallel convolutions of several sizes.

C. Szegedy and others, "Rethinking the Inception Architecture for Computer Vision", CVPR 2016,
arXiv:1512.00567. Its first layers pad nothing, so its maps do not lie evenly on the picture: it
outlines no tumor, and wants pictures of 75 pixels at least (299 by custom). Built by timm.
"""

from torch import nn

from tumorlens.lab.networks.classifier import Backbone
from tumorlens.lab.networks.gray import take_gray
from tumorlens.lab.networks.imagenet_weights import load_imagenet_weights
from tumorlens.lab.timm_import import timm

SMALLEST = 75
"""Side in pixels under which nothing is left of a picture."""

_STAGES = (
    ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"),
    ("Pool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3"),
    ("Pool2", "Mixed_5b", "Mixed_5c", "Mixed_5d"),
    ("Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
    ("Mixed_7a", "Mixed_7b", "Mixed_7c"),
)


def build(*, weights: str) -> Backbone:
    """The backbone; one channel in, 2,048 out, stride 32.

    Args:
        weights: See `load_imagenet_weights`.

    Raises:
        ConfigError: The weights cannot be had.
    """
    network = timm.create_model("inception_v3", pretrained=False)
    load_imagenet_weights(network, "inception_v3", weights)
    first = network.Conv2d_1a_3x3
    usual = network.default_cfg
    mean, std = take_gray(first.conv, first.bn, mean=usual["mean"], std=usual["std"])
    stages = tuple(nn.Sequential(*(getattr(network, part) for part in parts)) for parts in _STAGES)
    return Backbone(nn.Sequential(*stages), network.num_features, stages, mean, std)
