"""Learning from networks that were trained before: their answers stand beside the labels.

G. Hinton and others, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531. The
teachers see the very pictures that the student sees, changed in the same way, for as long as it
learns (L. Beyer and others, "Knowledge distillation: A good teacher is patient and consistent",
CVPR 2022, arXiv:2106.05237). Where nobody drew an outline, theirs is learnt.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Tensor, nn

from tumorlens.lab.networks import Classifier, Outputs


class Lesson(NamedTuple):
    """What the teachers say of N pictures, on average.

    Attributes:
        probabilities: (N, classes).
        outline: (N, 1, h, w), probabilities; None where none of them outlines.
    """

    probabilities: Tensor
    outline: Tensor | None


class Teachers(nn.Module):
    """Finished networks of the same classes, asked together."""

    def __init__(self, networks: Sequence[Classifier]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, pictures: Tensor) -> Lesson:
        """(N, 1, size, size) in 0..1 to a `Lesson`: the softmax of their mean logits."""
        answers: list[Outputs] = [network(pictures) for network in self.networks]
        logits = torch.stack([answer.logits.float() for answer in answers]).mean(dim=0)
        outlines = [answer.outline for answer in answers if answer.outline is not None]
        if not outlines:
            return Lesson(logits.softmax(dim=1), None)
        finest = max((outline.shape[-2:] for outline in outlines), key=lambda shape: shape[0])
        drawn = [
            F.interpolate(outline.float().sigmoid(), finest, mode="bilinear", align_corners=False)
            for outline in outlines
        ]
        return Lesson(logits.softmax(dim=1), torch.stack(drawn).mean(dim=0))


def lesson_loss(outputs: Outputs, lesson: Lesson, *, outline_weight: float) -> Tensor:
    """How far a student's answers are from its teachers'.

    Args:
        outputs: The student's.
        lesson: The teachers'.
        outline_weight: Of the outline's part.

    Returns:
        The cross-entropy between the classes' probabilities, plus that between the outlines'.
    """
    loss = F.cross_entropy(outputs.logits, lesson.probabilities)
    if outputs.outline is None or lesson.outline is None:
        return loss
    wanted = F.interpolate(lesson.outline, outputs.outline.shape[-2:], mode="area")
    drawn = F.binary_cross_entropy_with_logits(outputs.outline, wanted)
    return loss + outline_weight * drawn
