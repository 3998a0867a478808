"""A network over slices and their neighbours ("2.5-D"): a U-Net on an ImageNet encoder.

Each slice is outlined by itself from all sequences of itself and of the slices below and above, so
that a network pretrained on photographs serves volumes, and thick slices do no harm. Decoder:
`tumorlens.lab.networks.outline`.
"""

import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Tensor, nn

from tumorlens.lab.networks.efficientnet import build
from tumorlens.lab.networks.outline import OutlineDecoder

NEIGHBOURS = 1
"""Slices on either side that are looked at."""


class SliceUNet(nn.Module):
    """Float32 (N, C, X, Y, Z) to logits (N, R, X, Y, Z); slices lie along Z, X and Y are 32 n."""

    def __init__(self, sequences: int, regions: int, *, encoder: str, weights: str) -> None:
        """Build it.

        Args:
            sequences: C.
            regions: R.
            encoder: A name of `tumorlens.lab.networks.efficientnet`.
            weights: See `tumorlens.lab.networks.imagenet_weights`.
        """
        super().__init__()
        backbone = build(encoder, weights=weights)
        last = backbone.levels[-1][0]
        self.stages = nn.ModuleList(backbone.stages[: last + 1])
        first = next(layer for layer in self.stages.modules() if isinstance(layer, nn.Conv2d))
        _take_channels(first, sequences * (2 * NEIGHBOURS + 1))
        self.levels = [stage for stage, _ in backbone.levels]
        self.decoder = OutlineDecoder([width for _, width in backbone.levels], regions=regions)

    def forward(self, volumes: Tensor) -> Tensor:
        """(N, C, X, Y, Z) to (N, R, X, Y, Z)."""
        number, channels, height, width, depth = volumes.shape
        slices = _with_neighbours(volumes).permute(0, 4, 1, 2, 3)
        flat = slices.reshape(number * depth, channels * (2 * NEIGHBOURS + 1), height, width)
        maps = [flat.contiguous(memory_format=torch.channels_last)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        logits, _ = self.decoder([maps[level + 1] for level in self.levels])
        fine = F.interpolate(logits, (height, width), mode="bilinear", align_corners=False)
        return fine.reshape(number, depth, -1, height, width).permute(0, 2, 3, 4, 1)


def _with_neighbours(volumes: Tensor) -> Tensor:
    """Each slice's channels with those of its neighbours; at the ends the last one again."""
    ends = [volumes[..., :1], volumes[..., -1:]]
    padded = torch.cat([*ends[:1] * NEIGHBOURS, volumes, *ends[1:] * NEIGHBOURS], dim=-1)
    depth = volumes.shape[-1]
    return torch.cat([padded[..., at : at + depth] for at in range(2 * NEIGHBOURS + 1)], dim=1)


def _take_channels(convolution: nn.Conv2d, channels: int) -> None:
    """Let a first layer for one channel take several, and answer their mean as it did one."""
    weight = convolution.weight.detach()
    convolution.weight = nn.Parameter(weight.repeat(1, channels, 1, 1) / channels)
    convolution.in_channels = channels
