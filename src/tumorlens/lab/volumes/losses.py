"""Losses for regions that overlap: each voxel has a yes or no for each of them."""

from collections.abc import Callable

from monai.losses import DiceFocalLoss, DiceLoss
from torch import Tensor, nn

from tumorlens.lab.settings import known_name


class DiceCrossEntropy(nn.Module):
    """Dice and binary cross-entropy, added.

    MONAI's ``DiceCELoss`` takes a softmax over the channels, and so knows no regions that lie
    within one another.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dice = DiceLoss(sigmoid=True, batch=True)
        self.entropy = nn.BCEWithLogitsLoss()

    def forward(self, logits: Tensor, regions: Tensor) -> Tensor:
        """Both float, (N, R, X, Y, Z); a number."""
        loss: Tensor = self.dice(logits, regions) + self.entropy(logits, regions)
        return loss


LOSSES: dict[str, Callable[[], nn.Module]] = {
    "dice_ce": DiceCrossEntropy,
    "dice_focal": lambda: DiceFocalLoss(sigmoid=True, batch=True),
}
"""Name -> what makes a loss of logits and regions, both (N, R, X, Y, Z)."""


def build_loss(name: str) -> nn.Module:
    """The loss of this name.

    Raises:
        ConfigError: There is none.
    """
    return LOSSES[known_name(name, LOSSES, setting="training.loss")]()
