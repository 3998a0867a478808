"""The networks by name. One file a family, one line in `NETWORKS` each."""

from collections.abc import Callable

from tumorlens.errors import ConfigError
from tumorlens.lab.networks import custom_cnn, efficientnet, inception, resnet, vgg
from tumorlens.lab.networks.classifier import Backbone, Classifier, Outputs
from tumorlens.lab.networks.imagenet_weights import IMAGENET, NONE
from tumorlens.lab.settings import known_name

__all__ = ["IMAGENET", "NETWORKS", "NONE", "Backbone", "Classifier", "Outputs", "build_network"]


def _untrained(build: Callable[[], Backbone]) -> Callable[[str], Backbone]:
    """For a network that no weights exist for."""

    def build_with(weights: str) -> Backbone:
        if weights != NONE:
            raise ConfigError(
                expected=f'"{NONE}", a checkpoint of an earlier run, or a model folder: there are '
                "no other weights of this network",
                found=weights,
                remedy=f'Check the path, or set network.weights = "{NONE}".',
                source="network.weights",
            )
        return build()

    return build_with


NETWORKS: dict[str, Callable[[str], Backbone]] = {
    "custom_cnn": _untrained(custom_cnn.build),
    "vgg16": lambda weights: vgg.build(weights=weights),
    "resnet50": lambda weights: resnet.build("resnet50", weights=weights),
    "resnet50_v1_5": lambda weights: resnet.build("resnet50_v1_5", weights=weights),
    "inception_v3": lambda weights: inception.build(weights=weights),
    "efficientnet_b0": lambda weights: efficientnet.build("efficientnet_b0", weights=weights),
    "tf_efficientnet_lite0": lambda weights: efficientnet.build(
        "tf_efficientnet_lite0", weights=weights
    ),
    "tf_efficientnet_lite2": lambda weights: efficientnet.build(
        "tf_efficientnet_lite2", weights=weights
    ),
}
"""Each takes where its first weights come from and returns its backbone."""


def build_network(
    name: str,
    *,
    classes: int,
    dropout: float = 0.2,
    weights: str = NONE,
    frozen_stages: int = 0,
    outlines: bool = False,
) -> Classifier:
    """A classifier, ready to train.

    Args:
        name: A name in `NETWORKS`.
        classes: How many.
        dropout: Before the linear layer, in [0, 1).
        weights: ``none``, ``imagenet`` or a file.
        frozen_stages: How many of the first stages keep their weights.
        outlines: Whether it also outlines the tumor.

    Raises:
        ConfigError: There is no such network, its weights cannot be had, there are fewer
            stages than are to be frozen, or it cannot outline.
    """
    backbone = NETWORKS[known_name(name, NETWORKS, setting="network.name")](weights)
    if frozen_stages > len(backbone.stages):
        raise ConfigError(
            expected=f"at most {len(backbone.stages)}, the stages of {name}",
            found=str(frozen_stages),
            remedy="Lower network.frozen_stages.",
            source="network.frozen_stages",
        )
    if outlines and not backbone.levels:
        raise ConfigError(
            expected="a network that can outline, such as tf_efficientnet_lite0",
            found=name,
            remedy="Set network.outlines = false, or take another network.",
            source="network.outlines",
        )
    return Classifier(
        backbone, classes=classes, dropout=dropout, frozen_stages=frozen_stages, outlines=outlines
    )
