"""Networks for volumes, from MONAI: sequences in, one logit a region and voxel out."""

import math
from collections.abc import Callable

from monai.networks.nets import SegResNet, UNet
from torch import nn

from tumorlens.lab.settings import known_name
from tumorlens.lab.volumes.settings import VolumeConfig


def _segresnet(sequences: int, regions: int, filters: int, dropout: float) -> nn.Module:
    """SegResNet, without the autoencoder.

    A. Myronenko, "3D MRI brain tumor segmentation using autoencoder regularization", BrainLes
    2018, arXiv:1810.11654.
    """
    built: nn.Module = SegResNet(
        spatial_dims=3,
        in_channels=sequences,
        out_channels=regions,
        init_filters=filters,
        blocks_down=(1, 2, 2, 4),
        blocks_up=(1, 1, 1),
        norm=("GROUP", {"num_groups": math.gcd(8, filters)}),
        dropout_prob=dropout or None,
    )
    return built


def _unet(sequences: int, regions: int, filters: int, dropout: float) -> nn.Module:
    """3-D U-Net with residual units.

    O. Cicek and others, "3D U-Net", MICCAI 2016, arXiv:1606.06650; E. Kerfoot and others,
    "Left-Ventricle Quantification Using Residual U-Net", STACOM 2018,
    doi:10.1007/978-3-030-12029-0_40.
    """
    built: nn.Module = UNet(
        spatial_dims=3,
        in_channels=sequences,
        out_channels=regions,
        channels=[filters * 2**level for level in range(5)],
        strides=(2, 2, 2, 2),
        num_res_units=2,
        dropout=dropout,
    )
    return built


NETWORKS: dict[str, Callable[[int, int, int, float], nn.Module]] = {
    "segresnet": _segresnet,
    "unet": _unet,
}
"""Each is built from the numbers of sequences, regions and first filters, and the dropout."""


def build_volume_network(config: VolumeConfig) -> nn.Module:
    """The network as configured.

    Raises:
        ConfigError: There is none of this name.
    """
    wanted = config.network
    build = NETWORKS[known_name(wanted.name, NETWORKS, setting="network.name")]
    data = config.data
    return build(len(data.sequences), len(data.regions), wanted.filters, wanted.dropout)
