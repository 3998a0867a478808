"""A classifier that returns its scores alone, as Grad-CAM libraries want it."""

from torch import Tensor, nn

from tumorlens.lab.networks import Classifier


class Scores(nn.Module):
    """The network's scores; its parts stay within reach as ``network``."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 1, size, size) to (N, classes)."""
        scores: Tensor = self.network(pictures).logits
        return scores
