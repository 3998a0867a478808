"""What every classifier is: backbone features -> global average pooling -> dropout -> linear.

For such a network the Grad-CAM of a class is the weighted sum of the last feature maps with
that class's linear weights (B. Zhou and others, "Learning Deep Features for Discriminative
Localization", CVPR 2016, arXiv:1512.04150; R. Selvaraju and others, "Grad-CAM", ICCV 2017,
section 3.1, arXiv:1610.02391), so one pass gives the class and all heatmaps.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn


class Outputs(NamedTuple):
    """What a classifier returns for N pictures.

    Attributes:
        logits: (N, classes), before softmax.
        embedding: (N, channels), the pooled features.
        features: (N, channels, h, w), the last feature maps.
    """

    logits: Tensor
    embedding: Tensor
    features: Tensor


@dataclass(frozen=True, slots=True)
class Backbone:
    """The part of a network before the pooling.

    Attributes:
        features: Maps (N, 1, size, size), normalised, to (N, channels, h, w).
        channels: Of the last feature maps.
        stages: Its parts from the input on; the first ones may be frozen.
        mean: Subtracted from the picture's 0..1 pixels.
        std: Divided by after that.
    """

    features: nn.Module
    channels: int
    stages: tuple[nn.Module, ...]
    mean: float
    std: float


class Classifier(nn.Module):
    """A backbone with pooling, dropout and one linear layer.

    Takes float32 (N, 1, size, size) in 0..1 and returns `Outputs`.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, backbone: Backbone, *, classes: int, dropout: float, frozen_stages: int
    ) -> None:
        super().__init__()
        self.features = backbone.features
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(backbone.channels, classes)
        self.register_buffer("mean", torch.tensor(backbone.mean))
        self.register_buffer("std", torch.tensor(backbone.std))
        self._frozen = backbone.stages[:frozen_stages]
        for stage in self._frozen:
            stage.requires_grad_(False)

    def forward(self, pictures: Tensor) -> Outputs:
        """(N, 1, size, size) in 0..1 to logits, embedding and features."""
        features = self.features((pictures - self.mean) / self.std)
        embedding = features.mean(dim=(2, 3))
        return Outputs(self.linear(self.dropout(embedding)), embedding, features)

    def train(self, mode: bool = True) -> Self:
        """As usual, but frozen stages keep their batch-norm statistics."""
        super().train(mode)
        for stage in self._frozen:
            stage.eval()
        return self
