"""What every classifier is: backbone features -> global average pooling -> dropout -> linear.

For such a network the Grad-CAM of a class is the weighted sum of the last feature maps with
that class's linear weights (B. Zhou and others, "Learning Deep Features for Discriminative
Localization", CVPR 2016, arXiv:1512.04150; R. Selvaraju and others, "Grad-CAM", ICCV 2017,
section 3.1, arXiv:1610.02391), so one pass gives the class and all heatmaps.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Tensor, nn

from tumorlens.lab.networks.outline import SEEN_LEVEL, WIDTHS, OutlineDecoder


class Outputs(NamedTuple):
    """What a classifier returns for N pictures.

    Attributes:
        logits: (N, classes), before softmax.
        embedding: (N, channels), the pooled features.
        features: (N, channels, h, w), the last feature maps.
        outline: (N, 1, h', w') logits of the tumor's outline; None where it outlines nothing.
    """

    logits: Tensor
    embedding: Tensor
    features: Tensor
    outline: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Backbone:
    """The part of a network before the pooling.

    Attributes:
        features: Maps (N, 1, size, size), normalised, to (N, channels, h, w).
        channels: Of the last feature maps.
        stages: Its parts from the input on; the first ones may be frozen.
        mean: Subtracted from the picture's 0..1 pixels.
        std: Divided by after that.
        levels: Which stages' maps an outline is drawn from (indices into ``stages``, finest
            first) and their channels; empty where the network cannot outline.
    """

    features: nn.Module
    channels: int
    stages: tuple[nn.Module, ...]
    mean: float
    std: float
    levels: tuple[tuple[int, int], ...] = ()


class Classifier(nn.Module):
    """A backbone with pooling, dropout and one linear layer, and a decoder where it outlines.

    Takes float32 (N, 1, size, size) in 0..1 and returns `Outputs`. Where it outlines, the
    decoder's maps stand beside the backbone's, so that the class sees what the outline sees.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        *,
        classes: int,
        dropout: float,
        frozen_stages: int,
        outlines: bool = False,
    ) -> None:
        super().__init__()
        self.features = backbone.features
        self.decoder = OutlineDecoder([width for _, width in backbone.levels]) if outlines else None
        self.last = nn.Identity()  # the last feature maps, where a hook finds them
        self.dropout = nn.Dropout(dropout)
        channels = backbone.channels + (WIDTHS[SEEN_LEVEL] if outlines else 0)
        self.linear = nn.Linear(channels, classes)
        self._levels = [stage for stage, _ in backbone.levels]
        self._stages = backbone.stages
        self.register_buffer("mean", torch.tensor(backbone.mean))
        self.register_buffer("std", torch.tensor(backbone.std))
        self._frozen: tuple[nn.Module, ...] = ()
        self.freeze(frozen_stages)

    def forward(self, pictures: Tensor) -> Outputs:
        """(N, 1, size, size) in 0..1 to logits, embedding, features and outline."""
        normal = (pictures - self.mean) / self.std
        features, outline = self._look(normal)
        embedding = features.mean(dim=(2, 3))
        return Outputs(self.linear(self.dropout(embedding)), embedding, features, outline)

    def _look(self, normal: Tensor) -> tuple[Tensor, Tensor | None]:
        """The last feature maps and the outline."""
        if self.decoder is None:
            return self.last(self.features(normal)), None
        maps = [normal]
        for stage in self._stages:
            maps.append(stage(maps[-1]))
        outline, seen = self.decoder([maps[level + 1] for level in self._levels])
        height, width = maps[-1].shape[-2:]
        beside = F.adaptive_avg_pool2d(seen, (height, width))
        return self.last(torch.cat([maps[-1], beside], dim=1)), outline

    @property
    def stages(self) -> tuple[nn.Module, ...]:
        """The backbone's parts from the input on."""
        return self._stages

    def freeze(self, stages: int) -> None:
        """Keep the weights of the first stages as they are, and let all others learn."""
        self._frozen = self._stages[:stages]
        for number, stage in enumerate(self._stages):
            stage.requires_grad_(number >= stages)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As usual, but frozen stages keep their batch-norm statistics."""
        super().train(mode)
        for stage in self._frozen:
            stage.eval()
        return self
