"""Networks for volumes: sequences in, one logit a region and voxel out."""

import math
from collections.abc import Callable

from monai.networks.nets import SegResNet, UNet
from torch import nn

from tumorlens.errors import ConfigError
from tumorlens.lab.settings import known_name
from tumorlens.lab.volumes.settings import VolumeConfig, VolumeNetwork
from tumorlens.lab.volumes.slice_unet import SliceUNet

SLICES = "_slices"
"""How the names of networks over slices end; before it stands their encoder's."""


def _segresnet(sequences: int, regions: int, settings: VolumeNetwork) -> nn.Module:
    """SegResNet, without the autoencoder.

    A. Myronenko, "3D MRI brain tumor segmentation using autoencoder regularization", BrainLes
    2018, arXiv:1810.11654.
    """
    built: nn.Module = SegResNet(
        spatial_dims=3,
        in_channels=sequences,
        out_channels=regions,
        init_filters=settings.filters,
        blocks_down=(1, 2, 2, 4),
        blocks_up=(1, 1, 1),
        norm=("GROUP", {"num_groups": math.gcd(8, settings.filters)}),
        dropout_prob=settings.dropout or None,
    )
    return built


def _unet(sequences: int, regions: int, settings: VolumeNetwork) -> nn.Module:
    """3-D U-Net with residual units.

    O. Cicek and others, "3D U-Net", MICCAI 2016, arXiv:1606.06650; E. Kerfoot and others,
    "Left-Ventricle Quantification Using Residual U-Net", STACOM 2018,
    doi:10.1007/978-3-030-12029-0_40.
    """
    built: nn.Module = UNet(
        spatial_dims=3,
        in_channels=sequences,
        out_channels=regions,
        channels=[settings.filters * 2**level for level in range(5)],
        strides=(2, 2, 2, 2),
        num_res_units=2,
        dropout=settings.dropout,
    )
    return built


def _slice_unet(sequences: int, regions: int, settings: VolumeNetwork) -> nn.Module:
    return SliceUNet(
        sequences,
        regions,
        encoder=settings.name.removesuffix(SLICES),
        weights=settings.weights,
    )


NETWORKS: dict[str, Callable[[int, int, VolumeNetwork], nn.Module]] = {
    "segresnet": _segresnet,
    "unet": _unet,
    "tf_efficientnet_lite0_slices": _slice_unet,
    "tf_efficientnet_lite2_slices": _slice_unet,
}
"""Each is built from the numbers of sequences and regions, and the settings of its section."""


def build_volume_network(config: VolumeConfig) -> nn.Module:
    """The network as configured.

    Raises:
        ConfigError: There is none of this name, or it cannot have such weights, dropout or
            patches.
    """
    wanted = config.network
    build = NETWORKS[known_name(wanted.name, NETWORKS, setting="network.name")]
    _check(config)
    data = config.data
    return build(len(data.sequences), len(data.regions), wanted)


def _check(config: VolumeConfig) -> None:
    """Hold patch and weights to what the network can do."""
    is_flat = config.network.name.endswith(SLICES)
    sides = (32, 32, 1) if is_flat else (16, 16, 16)
    patch = config.training.patch
    if any(length % side for length, side in zip(patch, sides, strict=True)):
        raise ConfigError(
            expected="a patch whose sides are multiples of {}, {} and {}".format(*sides),
            found=str(list(patch)),
            remedy="Change training.patch.",
            source="training.patch",
        )
    if is_flat and config.network.dropout:
        raise ConfigError(
            expected="no dropout for a network over slices",
            found=str(config.network.dropout),
            remedy="Leave network.dropout out.",
            source="network.dropout",
        )
    if not is_flat and config.network.weights != "none":
        raise ConfigError(
            expected="weights none for a network in three dimensions",
            found=config.network.weights,
            remedy="Leave network.weights out.",
            source="network.weights",
        )
