"""A decoder that outlines the tumor from the maps of a classifier's own backbone.

O. Ronneberger and others, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
MICCAI 2015, arXiv:1505.04597: coarse maps are enlarged step by step and joined with the finer
ones of the same size. Class and outline share one encoder and one pass.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Tensor, nn

WIDTHS = (96, 64, 48, 32, 16)
"""Channels of the decoder, from the coarsest level to the finest."""

SEEN_LEVEL = 2
"""The level whose maps the classifier sees too: fine enough for a small tumor."""


class OutlineDecoder(nn.Module):
    """Maps of falling stride in, maps of logits out, as fine as the finest of them."""

    def __init__(self, channels: Sequence[int], *, regions: int = 1) -> None:
        """Build one block a level.

        Args:
            channels: Of the backbone's maps, finest first; as many as `WIDTHS`.
            regions: Maps of logits that come out.
        """
        super().__init__()
        coarse, *finer = reversed(channels)
        widths = WIDTHS[: len(channels)]
        self.blocks = nn.ModuleList([_block(coarse, widths[0], kernel=1)])
        for inner, width, before in zip(finer, widths[1:], widths, strict=False):
            self.blocks.append(_block(before + inner, width, kernel=3))
        self.outline = nn.Conv2d(widths[-1], regions, kernel_size=1)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Outline the tumor.

        Args:
            maps: The backbone's, finest first: (N, channels, h, w) each.

        Returns:
            Logits, (N, regions, h, w) of the finest map, and the decoder's own maps at
            `SEEN_LEVEL`.
        """
        coarse, *finer = reversed(maps)
        inner = seen = self.blocks[0](coarse)
        for level, (block, fine) in enumerate(zip(self.blocks[1:], finer, strict=True), 1):
            enlarged = F.interpolate(inner, fine.shape[-2:], mode="nearest")
            inner = block(torch.cat([enlarged, fine], dim=1))
            if level == SEEN_LEVEL:
                seen = inner
        return self.outline(inner), seen


def _block(inner: int, outer: int, *, kernel: int) -> nn.Sequential:
    convolution = nn.Conv2d(inner, outer, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outer), nn.ReLU(inplace=True))
