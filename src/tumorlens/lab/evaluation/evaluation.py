"""A model's scores on a set of pictures, as one frozen record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation.metrics import Scores, score
from tumorlens.lab.evaluation.reliability import Reliability, measure_reliability
from tumorlens.lab.evaluation.strata import STRATA
from tumorlens.model import Model
from tumorlens.scan import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A model's scores on a set of pictures.

    Attributes:
        model: The model's name, version and hash.
        scores: On all pictures.
        per_dataset: On each data set's own.
        probabilities: float32, (pictures, classes).
        targets: int, (pictures,).
        blank: How many pictures were left out because nothing is to be seen in them.
        per_plane: On the pictures of each plane, where known.
        per_sequence: On the pictures of each MR sequence, where known.
        reliability: Stated against true confidence.
        examples: One for each picture.
        skull_strip: By what the skulls were taken off first; None where they were left on.
        tta: Whether the mirror images were answered too (test-time augmentation).
        split: ``leaky split`` where a patient or a picture that the model was trained on may be
            among these; else None.
    """

    model: Mapping[str, str]
    scores: Scores
    per_dataset: Mapping[str, Scores]
    probabilities: FloatArray
    targets: np.ndarray
    blank: int = 0
    per_plane: Mapping[str, Scores] = field(default_factory=dict)
    per_sequence: Mapping[str, Scores] = field(default_factory=dict)
    reliability: Reliability | None = None
    examples: tuple[Example, ...] = ()
    skull_strip: str | None = None
    tta: bool = False
    split: str | None = None

    @property
    def groups(self) -> list[str]:
        """The group of each picture."""
        return [example.group for example in self.examples]

    def to_json(self, *, command: str = "") -> dict[str, Any]:
        """The evaluation as JSON values; ``command`` is what gives it again."""
        return {
            "command": command,
            "split": self.split,
            "model": dict(self.model),
            "skull_strip": self.skull_strip,
            "tta": self.tta,
            "blank": self.blank,
            "scores": self.scores.to_json(),
            **{
                name: {key: one.to_json() for key, one in getattr(self, name).items()}
                for name in STRATA
            },
            "reliability": self.reliability.to_json() if self.reliability else None,
        }


def score_answers(
    model: Model, examples: Sequence[Example], probabilities: FloatArray, *, blank: int = 0
) -> Evaluation:
    """The same for pictures that are answered already: float32, (pictures, classes)."""
    card = model.card
    return score_examples(
        card.identity.to_json(),
        card.classes,
        examples,
        probabilities,
        blank=blank,
        skull_strip=card.preparation.skull_strip,
        tta=model.tta,
        split=card.scores.get("split"),
    )


def score_examples(
    model: Mapping[str, str],
    classes: Sequence[str],
    examples: Sequence[Example],
    probabilities: FloatArray,
    *,
    blank: int = 0,
    skull_strip: str | None = None,
    tta: bool = False,
    split: str | None = None,
) -> Evaluation:
    """Score answers, whole and by `STRATA`.

    Args:
        model: Which model answered; see `identity`.
        classes: Names in the order of the columns.
        examples: One for each picture.
        probabilities: float32, (pictures, classes), calibrated.
        blank: How many pictures were left out because nothing is to be seen in them.
        skull_strip: By what the skulls were taken off first; None where they were left on.
        tta: Whether the mirror images were answered too (test-time augmentation).
        split: ``leaky split`` where the model's is one.
    """
    targets = np.array([classes.index(example.label) for example in examples])
    groups = np.array([example.group for example in examples])

    def scores_of(chosen: np.ndarray) -> Scores:
        return score(
            probabilities[chosen], targets[chosen], classes, groups=groups[chosen].tolist()
        )

    whole = scores_of(np.ones(len(targets), bool))
    strata = {}
    for table, name_of in STRATA.items():
        names = np.array([name_of(example) for example in examples])
        strata[table] = {str(name): scores_of(names == name) for name in np.unique(names)}
    return Evaluation(
        model=model,
        scores=whole,
        probabilities=probabilities,
        targets=targets,
        blank=blank,
        reliability=measure_reliability(probabilities, targets, groups.tolist()),
        examples=tuple(examples),
        skull_strip=skull_strip,
        tta=tta,
        split=split,
        **strata,
    )


def check_labels(model: Model, examples: Sequence[Example]) -> None:
    """Refuse what cannot be scored before anything is read.

    Raises:
        DataError: There is no example, or one has a class that the model does not know.
    """
    unknown = sorted({example.label for example in examples} - set(model.card.classes))
    if not examples or unknown:
        raise DataError(
            expected=f"pictures of the classes {', '.join(model.card.classes)}",
            found=f"the classes {', '.join(unknown)}" if unknown else "no pictures",
            remedy="Name the class folders so, or leave the others out.",
        )
