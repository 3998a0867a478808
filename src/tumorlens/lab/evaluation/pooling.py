"""The folds of a cross-validation as one evaluation.

Every patient is answered once, by a model that never saw that patient.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.card import read_card
from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation import EVALUATION_FILE
from tumorlens.lab.evaluation.answer_table import ANSWERS_FILE, read_answers
from tumorlens.lab.evaluation.evaluation import Evaluation, score_examples
from tumorlens.lab.splitting import VALIDATION, read_part
from tumorlens.scan import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Several runs' answers about their own validation parts.

    Attributes:
        whole: The scores on all of them together.
        runs: By the run folder's name, the scores on its part alone.
    """

    whole: Evaluation
    runs: Mapping[str, Evaluation]

    def to_json(self, *, command: str = "") -> dict[str, Any]:
        """As an evaluation's ``evaluation.json``, with each run under ``pooled``."""
        runs = {name: one.scores.to_json() for name, one in self.runs.items()}
        return self.whole.to_json(command=command) | {"pooled": runs}


@dataclass(frozen=True, slots=True, eq=False)
class _Answered:
    examples: tuple[Example, ...]
    probabilities: FloatArray
    classes: tuple[str, ...]
    model: Mapping[str, str]
    skull_strip: str | None
    tta: bool
    split: str | None


def pool_runs(folders: Sequence[Path]) -> Pooled:
    """Score the validation answers of several runs together, with intervals by group.

    Args:
        folders: Run folders, one for each fold, that kept their ``answers.csv``.

    Raises:
        DataError: There are fewer than two runs, or one is given twice; one has no answers, or
            answers about pictures that are not its validation part; two answer the same picture or
            patient; they tell other classes apart; one saw its pictures without the skull or with
            their mirror images and another did not; or its ``evaluation.json`` is damaged.
        ModelError: A run has no model.
    """
    if len(folders) < 2:
        raise DataError(
            expected="at least two run folders, one for each fold",
            found=str(len(folders)),
            remedy="Train the other folds: --set data.validation_fold=1, and so on.",
        )
    counts = Counter(folder.resolve() for folder in folders)
    if twice := [folder for folder in folders if counts[folder.resolve()] > 1]:
        raise DataError(
            expected="every run folder once",
            found=f"{twice[0]} {counts[twice[0].resolve()]} times",
            remedy="Give each fold's own run folder.",
        )
    answered = {_name(folder, folders): _read(folder) for folder in folders}
    _check_classes(answered)
    _check_manner(answered)
    _check_apart(answered)
    every = list(answered.values())
    classes = every[0].classes
    examples = [example for one in every for example in one.examples]
    probabilities = np.concatenate([one.probabilities for one in every])
    model = {
        "name": " + ".join(sorted({one.model["name"] for one in every})),
        "version": " + ".join(sorted({one.model["version"] for one in every})),
        "sha256": ", ".join(one.model["sha256"] for one in every),
    }
    scored = partial(score_examples, skull_strip=every[0].skull_strip, tta=every[0].tta)
    leaky = next((one.split for one in every if one.split), None)
    return Pooled(
        scored(model, classes, examples, probabilities, split=leaky),
        {
            name: scored(one.model, classes, one.examples, one.probabilities, split=one.split)
            for name, one in answered.items()
        },
    )


def _name(folder: Path, folders: Sequence[Path]) -> str:
    """The folder's own name, or its whole path where two are named alike."""
    names = Counter(one.resolve().name for one in folders)
    own = folder.resolve().name
    return own if names[own] == 1 else folder.as_posix()


def _read(folder: Path) -> _Answered:
    examples, probabilities, classes = read_answers(folder / ANSWERS_FILE)
    held = read_part(folder / "split.csv", VALIDATION)
    foreign = [example.picture for example in examples if example.picture not in held]
    if foreign:
        raise DataError(
            expected="answers about the run's own validation part",
            found=f"{len(foreign)} about other pictures, the first {foreign[0]}",
            remedy="Evaluate with --split RUN/split.csv --part validation --output RUN.",
            source=str(folder),
        )
    card = read_card(folder / "model")
    record = _evaluation(folder)
    _check_answerer(folder, record, card.identity.to_json())
    skull_strip = record.get("skull_strip", card.preparation.skull_strip)
    return _Answered(
        examples,
        probabilities,
        classes,
        card.identity.to_json(),
        skull_strip,
        tta=record.get("tta", False),
        split=record.get("split") or card.scores.get("split"),
    )


def _evaluation(folder: Path) -> Mapping[str, Any]:
    """What was written beside the answers; empty where there are only answers."""
    path = folder / EVALUATION_FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise _no_evaluation(path, str(error)) from error
    if not isinstance(found, dict):
        raise _no_evaluation(path, f"a {type(found).__name__}, no object")
    if "model" in found and not _is_identity(found["model"]):
        raise _no_evaluation(path, "a model without name, version and sha256")
    if not isinstance(how := found.get("skull_strip"), str | None):
        raise _no_evaluation(path, f"{how!r} as skull_strip")
    if not isinstance(split := found.get("split"), str | None):
        raise _no_evaluation(path, f"{split!r} as split")
    if not isinstance(tta := found.get("tta", False), bool):
        raise _no_evaluation(path, f"{tta!r} as tta")
    return found


def _is_identity(model: Any) -> bool:
    return isinstance(model, dict) and all(
        isinstance(model.get(name), str) for name in ("name", "version", "sha256")
    )


def _no_evaluation(path: Path, found: str) -> DataError:
    return DataError(
        expected="the JSON file of an evaluation",
        found=found,
        remedy="Evaluate again with --output RUN, or delete it.",
        source=str(path),
    )


def _check_answerer(folder: Path, record: Mapping[str, Any], own: Mapping[str, str]) -> None:
    """An evaluation written into a run's folder may have been of another model."""
    answered = record.get("model", own)
    if answered["sha256"] != own["sha256"]:
        raise DataError(
            expected="answers of the run's own model",
            found=f"answers of {answered['name']} {answered['version']}",
            remedy="Evaluate with --model RUN/model --split RUN/split.csv --output RUN.",
            source=str(folder),
        )


def _check_classes(answered: Mapping[str, _Answered]) -> None:
    told = {one.classes for one in answered.values()}
    if len(told) > 1:
        raise DataError(
            expected="runs that tell the same classes apart, in the same order",
            found="; ".join(", ".join(classes) for classes in sorted(told)),
            remedy="Pool the folds of one experiment.",
        )


def _check_manner(answered: Mapping[str, _Answered]) -> None:
    how = {
        name: f"--skull-strip {one.skull_strip or 'none'}{' --tta' * one.tta}"
        for name, one in answered.items()
    }
    if len(set(how.values())) > 1:
        raise DataError(
            expected="runs that were answered alike: skulls left on or taken off by one method, "
            "all with their mirror images or none",
            found="; ".join(f"{name}: {manner}" for name, manner in how.items()),
            remedy="Evaluate the others again, with the same options and --output RUN.",
        )


def _patient(example: Example) -> str | None:
    return f"{example.patient} of {example.dataset}" if example.patient else None


_COUNTED_ONCE: Mapping[str, Callable[[Example], str | None]] = {
    "group": lambda example: example.group,
    "patient": _patient,
    "picture": lambda example: example.picture,
}
"""What two runs may not both answer. Groups alone do not tell: a run names them by what it read."""


def _check_apart(answered: Mapping[str, _Answered]) -> None:
    """Nothing may be answered by two runs: it would count twice."""
    for what, name_of in _COUNTED_ONCE.items():
        owner: dict[str, str] = {}
        for run, one in answered.items():
            names = {name for example in one.examples if (name := name_of(example))}
            if shared := sorted(names & owner.keys()):
                raise DataError(
                    expected="folds that share no patient, group or picture",
                    found=f"{len(shared)} in both {owner[shared[0]]} and {run}, "
                    f"first the {what} {shared[0]}",
                    remedy="Pool runs of the same data and seed that differ in "
                    "data.validation_fold.",
                )
            owner |= dict.fromkeys(names, run)
