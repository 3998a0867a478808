"""How good a model is, on whom, in figures and pictures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation.answer_table import ANSWERS_FILE, write_answers
from tumorlens.lab.evaluation.answers import answer_pictures
from tumorlens.lab.evaluation.evaluation import Evaluation, check_labels, score_answers
from tumorlens.lab.evaluation.metrics import Scores, score
from tumorlens.lab.evaluation.pictures_of_scores import draw_confusion, draw_roc
from tumorlens.lab.pictures import ByteArray, load_pictures
from tumorlens.lab.progress import Progress, silent
from tumorlens.model import Model
from tumorlens.reporting.folder import write_bytes, writing

__all__ = [
    "Evaluation",
    "Scores",
    "card_scores",
    "check_labels",
    "evaluate",
    "evaluate_pictures",
    "score",
    "score_answers",
    "write_evaluation",
]

EVALUATION_FILE = "evaluation.json"


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
    check_labels(model, examples)
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
    check_labels(model, examples)
    probabilities = answer_pictures(model, pixels, progress=progress)
    return score_answers(model, examples, probabilities, blank=blank)


def write_evaluation(
    folder: Path,
    evaluation: Evaluation,
    *,
    command: str = "",
    record: Mapping[str, Any] | None = None,
) -> None:
    """Write ``evaluation.json``, ``answers.csv``, ``confusion.png``, ``roc.png`` into a folder.

    Args:
        folder: Made if absent.
        evaluation: What to write.
        command: What gives it again.
        record: The whole of the JSON file, where more was measured than the scores.

    Raises:
        ConfigError: The folder cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    classes = list(evaluation.scores.per_class)
    write_bytes(folder / "confusion.png", draw_confusion(evaluation.scores))
    write_bytes(folder / "roc.png", draw_roc(evaluation.probabilities, evaluation.targets, classes))
    write_answers(folder / ANSWERS_FILE, evaluation.examples, evaluation.probabilities, classes)
    text = json.dumps(record or evaluation.to_json(command=command), indent=2) + "\n"
    write_bytes(folder / EVALUATION_FILE, text.encode())


def card_scores(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says of an evaluation: a leaky split, the command, all pictures, each data set.

    Args:
        evaluation: As in ``evaluation.json``.
    """
    leaky = {"split": evaluation["split"]} if evaluation.get("split") else {}
    return leaky | {
        "command": evaluation["command"],
        "all": evaluation["scores"],
        "per_dataset": evaluation["per_dataset"],
    }
