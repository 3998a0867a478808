"""Everything that is measured of a model: scores, leakage, standing checks, another model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.errors import DataError
from tumorlens.lab.evaluation import evaluate_pictures
from tumorlens.lab.evaluation.answers import answer_pictures
from tumorlens.lab.evaluation.checks import run_checks
from tumorlens.lab.evaluation.comparison import compare_models
from tumorlens.lab.evaluation.evaluation import Evaluation, check_labels, score_answers
from tumorlens.lab.evaluation.leakage import official_tests
from tumorlens.lab.evaluation.material import Follow, check_can_be_checked, gather
from tumorlens.lab.evaluation.mistakes import worst_mistakes
from tumorlens.lab.evaluation.parts import Parts
from tumorlens.lab.grouping import group_near_duplicates
from tumorlens.lab.pictures import Pictures, load_pictures
from tumorlens.lab.progress import silent
from tumorlens.lab.seen import find_seen
from tumorlens.lab.splitting import LEAKY
from tumorlens.model import Model
from tumorlens.scan import FloatArray


def check_request(model: Model, *, checks: bool, against: Model | None) -> None:
    """Refuse what cannot be measured before anything is read.

    Raises:
        DataError: The checks need a class ``no_tumor``, or the models tell other classes apart.
    """
    if checks:
        check_can_be_checked(model)
    if against is not None and against.card.classes != model.card.classes:
        raise DataError(
            expected=f"two models of the classes {', '.join(model.card.classes)}",
            found=f"one of {', '.join(against.card.classes)}",
            remedy="Compare models that tell the same classes apart.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """All that was measured of a model.

    Attributes:
        evaluation: The scores.
        pictures: The evaluated pictures.
        sections: ``mistakes``, and where they were measured ``leakage``, ``comparison`` and
            ``checks``, as JSON values.
    """

    evaluation: Evaluation
    pictures: Pictures
    sections: Mapping[str, Any]

    def to_json(self, *, command: str = "") -> dict[str, Any]:
        """What stands in ``evaluation.json``; ``command`` is what gives it again."""
        return self.evaluation.to_json(command=command) | dict(self.sections)


def measure(
    model: Model,
    parts: Parts,
    *,
    data: Path,
    grouped: bool = False,
    checks: bool = False,
    against: Model | None = None,
    run: Path | None = None,
    against_run: Path | None = None,
    follow: Follow = silent,
) -> Measurement:
    """Score a model, and measure what was asked for beside the scores.

    Args:
        model: As loaded by the runtime.
        parts: The examples, by what the run's split says of them.
        data: The folder of data.
        grouped: Whether the examples carry their final groups; if not, nearly identical
            pictures are tied together first.
        checks: Whether to run the standing checks too.
        against: Another model to compare with.
        run: The model's own run folder, where it can be asked what it has learnt from
            (`tumorlens.lab.seen.own_run`); scores on that count as those of a leaky split.
        against_run: The same of the other model.
        follow: Told (what, done, total).

    Raises:
        DataError: Something cannot be read, or has a class that the model does not know.
    """
    check_labels(model, parts.evaluated)
    pictures = load_pictures(
        parts.evaluated, model.card.preparation, progress=partial(follow, "reading pictures")
    )
    if not grouped:
        examples = group_near_duplicates(pictures.examples, pictures.thumbnails)
        pictures = replace(pictures, examples=tuple(examples))
    evaluation = evaluate_pictures(
        model,
        pictures.examples,
        pictures.pixels,
        blank=len(pictures.blank),
        progress=partial(follow, "answering"),
    )
    seen = seen_share(run, model, pictures)
    if parts.leaky or seen:
        evaluation = replace(evaluation, split=LEAKY)
    sections: dict[str, Any] = seen | {
        "mistakes": [one.to_json() for one in worst_mistakes(evaluation)]
    }
    if parts.training and (leakage := _leakage(model, parts, follow)):
        sections["leakage"] = leakage
    if against is not None:
        sections["comparison"] = _comparison(
            model, evaluation, pictures, against, run=against_run, follow=follow
        )
    if checks:
        material = gather(
            model, evaluation, pictures, data=data, training=parts.training, follow=follow
        )
        sections["checks"] = run_checks(material)
    return Measurement(evaluation, pictures, sections)


def seen_share(run: Path | None, model: Model, pictures: Pictures) -> dict[str, Any]:
    """As ``seen``, how many of the pictures, or of their groups, a model's run has learnt from.

    Args:
        run: The model's run; None where it is unknown, or the pictures are of its own split.
        model: By whose preparation the pictures were prepared.
        pictures: With the groups that hold now.

    Returns:
        ``seen`` with ``count``, ``of`` how many and their ``share``; empty where it has learnt from
        none.
    """
    if run is None:
        return {}
    count = len(pictures.examples)
    prepared = pictures.pixels, model.card.preparation
    found = len(find_seen(run, pictures.examples, range(count), prepared=prepared).pictures)
    return {"seen": {"count": found, "of": count, "share": found / count}} if found else {}


def _leakage(model: Model, parts: Parts, follow: Follow) -> dict[str, Any]:
    """Scores on each side of every official test, by data set."""
    found = {}
    for test in official_tests(parts):
        pictures = load_pictures(
            test.examples,
            model.card.preparation,
            progress=partial(follow, f"reading the official test of {test.dataset}"),
        )
        what = partial(follow, f"answering the official test of {test.dataset}")
        answers = answer_pictures(model, pictures.pixels, progress=what)
        shown = np.isin(
            [example.picture for example in test.examples],
            [example.picture for example in pictures.examples],
        )
        found[test.dataset] = test.to_json()
        for side, chosen in test.sides().items():
            kept = np.flatnonzero(chosen[shown])
            found[test.dataset][side] = _scores(model, pictures, answers, kept)
    return found


def _scores(
    model: Model, pictures: Pictures, answers: FloatArray, kept: npt.NDArray[np.intp]
) -> dict[str, Any] | None:
    if not len(kept):
        return None
    examples = [pictures.examples[index] for index in kept]
    return score_answers(model, examples, answers[kept]).scores.to_json()


def _comparison(
    model: Model,
    evaluation: Evaluation,
    pictures: Pictures,
    against: Model,
    *,
    run: Path | None,
    follow: Follow,
) -> dict[str, Any]:
    if against.card.preparation != model.card.preparation:
        what = partial(follow, "reading for the other model")
        pictures = load_pictures(pictures.examples, against.card.preparation, progress=what)
    what = partial(follow, "answering by the other model")
    answers = answer_pictures(against, pictures.pixels, progress=what)
    seen = seen_share(run, against, pictures)
    compared = compare_models(
        evaluation.probabilities,
        answers,
        evaluation.targets,
        against.card.classes,
        evaluation.groups,
    )
    how = {
        "skull_strip": against.card.preparation.skull_strip,
        "tta": against.tta,
        "split": LEAKY if seen else against.card.scores.get("split"),
    } | seen
    return {"against": against.card.identity.to_json() | how, **compared.to_json()}
