"""The most confident mistakes, and where the network looked when it made them."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image as Pillow

from tumorlens.explanation import grad_cam
from tumorlens.lab.evaluation.evaluation import Evaluation
from tumorlens.lab.evaluation.metrics import rounded
from tumorlens.lab.evaluation.strata import sequence_of
from tumorlens.lab.pictures import ByteArray
from tumorlens.model import Model
from tumorlens.reporting.colormap import colorize
from tumorlens.reporting.overlay import RGB, blend_pictures

MOST = 24
MOST_OF_A_GROUP = 1
"""So that neither one patient nor copies of one slice fill the page."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong answer.

    Attributes:
        index: The picture's place in the evaluation.
        picture: Its name.
        sequence: Its MR sequence, or ``not known``.
        truth: The class that it is.
        answer: The class that it was called.
        probability: How sure the model was, in [0, 1].
    """

    index: int
    picture: str
    sequence: str
    truth: str
    answer: str
    probability: float

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, without its place."""
        values: dict[str, Any] = rounded(asdict(self))
        del values["index"]
        return values


def worst_mistakes(evaluation: Evaluation, *, most: int = MOST) -> list[Mistake]:
    """The wrong answers that the model was surest of, the surest first."""
    names = list(evaluation.scores.per_class)
    answers = evaluation.probabilities.argmax(axis=1)
    sure = evaluation.probabilities.max(axis=1)
    wrong = np.flatnonzero(answers != evaluation.targets)
    seen: Counter[str] = Counter()
    found: list[Mistake] = []
    for index in wrong[np.argsort(-sure[wrong], kind="stable")]:
        example = evaluation.examples[index]
        if len(found) == most:
            break
        if seen[example.group] < MOST_OF_A_GROUP:
            seen[example.group] += 1
            found.append(
                Mistake(
                    int(index), example.picture, sequence_of(example), example.label,
                    names[answers[index]], float(sure[index]),
                )
            )  # fmt: skip
    return found


def draw_mistakes(
    model: Model, mistakes: list[Mistake], pixels: ByteArray
) -> list[tuple[RGB, RGB]]:
    """Each mistaken picture, in gray and with the heatmap of the answer over it.

    Args:
        model: As loaded by the runtime.
        mistakes: Of an evaluation.
        pixels: uint8, (pictures, size, size), all pictures of that evaluation.

    Returns:
        uint8 RGB, (size, size, 3), two for each.
    """
    drawn = []
    for mistake in mistakes:
        picture = pixels[mistake.index]
        outputs = model.run(picture[np.newaxis, np.newaxis].astype(np.float32) / np.float32(255))
        weights = model.class_weights[model.card.classes.index(mistake.answer)]
        coarse = Pillow.fromarray(grad_cam(np.einsum("c,chw->hw", weights, outputs.features[0])))
        heatmap = np.asarray(coarse.resize(picture.shape[::-1], Pillow.Resampling.BILINEAR))
        gray = np.repeat(picture[..., np.newaxis], 3, axis=-1)
        drawn.append((gray, blend_pictures(gray, colorize(heatmap), np.clip(heatmap, 0, 1))))
    return drawn
