"""How good a model is, on whom, in figures and pictures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation.answers import answer_pictures
from tumorlens.lab.evaluation.metrics import Scores, score
from tumorlens.lab.evaluation.pictures_of_scores import draw_confusion, draw_roc
from tumorlens.lab.pictures import ByteArray, load_pictures
from tumorlens.lab.progress import Progress, silent
from tumorlens.model import Model
from tumorlens.scan import FloatArray

__all__ = [
    "Evaluation",
    "Scores",
    "card_scores",
    "evaluate",
    "evaluate_pictures",
    "score",
    "write_evaluation",
]

EVALUATION_FILE = "evaluation.json"


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
    """

    model: Mapping[str, str]
    scores: Scores
    per_dataset: Mapping[str, Scores]
    probabilities: FloatArray
    targets: np.ndarray
    blank: int = 0

    def to_json(self, *, command: str = "") -> dict[str, Any]:
        """The evaluation as JSON values; ``command`` is what gives it again."""
        return {
            "command": command,
            "model": dict(self.model),
            "blank": self.blank,
            "scores": self.scores.to_json(),
            "per_dataset": {name: s.to_json() for name, s in self.per_dataset.items()},
        }


def evaluate(
    model: Model,
    examples: Sequence[Example],
    *,
    on_load: Progress = silent,
    on_answer: Progress = silent,
) -> Evaluation:
    """Read, prepare and answer every example, and score the answers.

    Args:
        model: As loaded by the runtime.
        examples: At least one.
        on_load: Called with (done, total) while pictures are read.
        on_answer: Called with (done, total) while they are answered.

    Raises:
        DataError: There is no example, one has a class that the model does not know, or a
            picture cannot be read.
    """
    _check_labels(model, examples)
    pictures = load_pictures(examples, model.card.preparation, progress=on_load)
    return evaluate_pictures(
        model, pictures.examples, pictures.pixels, blank=len(pictures.blank), progress=on_answer
    )


def evaluate_pictures(
    model: Model,
    examples: Sequence[Example],
    pixels: ByteArray,
    *,
    blank: int = 0,
    progress: Progress = silent,
) -> Evaluation:
    """The same for pictures that are prepared already: uint8, (pictures, size, size)."""
    _check_labels(model, examples)
    classes = model.card.classes
    probabilities = answer_pictures(model, pixels, progress=progress)
    targets = np.array([classes.index(example.label) for example in examples])
    datasets = np.array([example.dataset for example in examples])
    groups = np.array([example.group for example in examples])

    def scores_of(chosen: np.ndarray) -> Scores:
        return score(
            probabilities[chosen], targets[chosen], classes, groups=groups[chosen].tolist()
        )

    return Evaluation(
        {"name": model.card.name, "version": model.card.version, "sha256": model.card.sha256},
        scores_of(np.ones(len(targets), bool)),
        {str(name): scores_of(datasets == name) for name in np.unique(datasets)},
        probabilities,
        targets,
        blank,
    )


def write_evaluation(folder: Path, evaluation: Evaluation, *, command: str = "") -> None:
    """Write ``evaluation.json``, ``confusion.png`` and ``roc.png`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    classes = list(evaluation.scores.per_class)
    draw_confusion(folder / "confusion.png", evaluation.scores)
    draw_roc(folder / "roc.png", evaluation.probabilities, evaluation.targets, classes)
    aside = folder / f"{EVALUATION_FILE}.partial"
    aside.write_text(json.dumps(evaluation.to_json(command=command), indent=2) + "\n")
    aside.replace(folder / EVALUATION_FILE)


def card_scores(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says of an evaluation: the command, all pictures, each data set.

    Args:
        evaluation: As in ``evaluation.json``.
    """
    return {
        "command": evaluation["command"],
        "all": evaluation["scores"],
        "per_dataset": evaluation["per_dataset"],
    }


def _check_labels(model: Model, examples: Sequence[Example]) -> None:
    unknown = sorted({example.label for example in examples} - set(model.card.classes))
    if not examples or unknown:
        raise DataError(
            expected=f"pictures of the classes {', '.join(model.card.classes)}",
            found=f"the classes {', '.join(unknown)}" if unknown else "no pictures",
            remedy="Name the class folders so, or leave the others out.",
        )
