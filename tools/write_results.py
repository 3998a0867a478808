"""Write docs/results.md: every network and technique on the same validation groups.

    python tools/write_results.py

The figures come from the folders of ``runs/results``, which ``tools/add_result.py`` makes of
finished runs; none is typed by hand, and a test compares the page with what this script writes.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation import EVALUATION_FILE
from tumorlens.lab.evaluation.answer_table import ANSWERS_FILE, read_answers
from tumorlens.lab.evaluation.comparison import Comparison, compare_models
from tumorlens.lab.evaluation.evaluation import score_examples
from tumorlens.lab.evaluation.wording import NONE, figure, scored
from tumorlens.lab.history import HISTORY_FILE
from tumorlens.scan import FloatArray

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "runs" / "results"
PAGE = ROOT / "docs" / "results.md"
RESULT_FILE, ANSWERS = "result.json", f"{ANSWERS_FILE}.gz"

PATIENTS = "cheng"
"""The data set whose tumors of three classes most publications name, here by patient."""

SOURCES, FOLDS = "sources", "folds"
SECTIONS = {
    "networks": "Networks",
    "techniques": "Networks and techniques, trained alike for minutes on two cores",
    FOLDS: "Five folds: every patient answered by a network that never saw it",
    "scarce": "One class made rare",
    SOURCES: "A source left out",
    "ensembles": "Ensembles",
}
"""By their names for ``tools/add_result.py``, in the page's order."""

APART = {
    SOURCES: "Pictures and groups are of the source left out.",
    FOLDS: "Pictures and groups are of the fold that was kept apart; no two folds share a group.",
}
"""Sections whose rows answer pictures of their own, and what to say of them."""

POOLED = "all folds"

INTRODUCTION = """\
# Results

Written by `python tools/write_results.py` from `runs/results/`; `tools/add_result.py` adds a row.

The rows of a section were trained on the same groups (patients, or clusters of like pictures where
no patient is known) and answer the same validation pictures of other groups; where a source is left
out, each row answers the pictures of its own, which chose nothing; each fold answers its own too.
Intervals are of 95 %, bootstrapped by group; differences are paired, on the same resamples: where
their interval holds 0, the row has not shown that it is better or worse. Sensitivity, specificity
and AUC are of tumor against none. The validation pictures also chose each run's best epoch and its
temperature, so that all rows are a little too good, and alike so. Training time is of epochs with
their validation, on the device that is named, on a CPU beside other work for some rows; CPU time is
one pass of the exported graph, one picture, one thread, warm.

One split stands for five but in the section of folds: five of each short run would take two cores
about ten hours. The goals were 0.975 on the tumors of `cheng` by patient, 0.98 over all four
classes, and every recall at least 0.95: no row reaches them. Most of what the bundled model misses
are gliomas of `lgg` and `brats2013_slices` called no tumor.
"""

_SCORES = (
    "accuracy",
    "macro F1",
    "lowest recall",
    f"accuracy on `{PATIENTS}`",
    "AUC",
    "sensitivity",
    "specificity",
    "calibration error",
)
_COSTS = ("accuracy", "macro recall", "AUC", "parameters", "training", "CPU ms")


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One folder of ``runs/results``.

    Attributes:
        name: The folder's.
        about: Its ``result.json``.
        evaluation: Its ``evaluation.json``.
        training: How long, on what device; ``-`` where nothing was trained, as for ensembles.
        examples: The pictures answered, in a fixed order.
        answers: float32, (pictures, classes), probabilities.
        classes: Names in the order of the columns.
    """

    name: str
    about: dict[str, Any]
    evaluation: dict[str, Any]
    training: str
    examples: tuple[Example, ...]
    answers: FloatArray
    classes: tuple[str, ...]

    @property
    def pictures(self) -> list[str]:
        """What was answered, one name a picture."""
        return [_key(example) for example in self.examples]


def read_row(folder: Path) -> Row:
    """Read one folder.

    Raises:
        SystemExit: Its answers and its scores are not of the same evaluation.
    """
    examples, answers, classes = read_answers(folder / ANSWERS)
    order = sorted(range(len(examples)), key=lambda index: _key(examples[index]))
    row = Row(
        folder.name,
        json.loads((folder / RESULT_FILE).read_text()),
        json.loads((folder / EVALUATION_FILE).read_text()),
        _training(folder / HISTORY_FILE),
        tuple(examples[index] for index in order),
        answers[order],
        classes,
    )
    right = [
        classes[answer] == example.label
        for answer, example in zip(row.answers.argmax(axis=1), row.examples, strict=True)
    ]
    if abs(np.mean(right) - row.evaluation["scores"]["accuracy"]) > 1e-5:
        raise SystemExit(f"{folder}: {ANSWERS} and {EVALUATION_FILE} are of different evaluations")
    return row


def _key(example: Example) -> str:
    return f"{example.picture} {example.channel} {example.sequence}"


def _training(history: Path) -> str:
    if not history.is_file():
        return NONE
    with history.open(newline="") as lines:
        epochs = list(csv.DictReader(lines))
    minutes = sum(float(epoch["seconds"]) for epoch in epochs) / 60
    devices = dict.fromkeys(epoch.get("device") or "cpu" for epoch in epochs)
    return f"{minutes:.1f} min, {', '.join(devices)}"


def compare(row: Row, other: Row) -> Comparison:
    """A row less the one it stands against, picture by picture.

    Raises:
        SystemExit: They did not answer the same pictures, or tell other classes apart.
    """
    if row.pictures != other.pictures or row.classes != other.classes:
        raise SystemExit(
            f"{row.name} and {other.name} did not answer the same pictures: train both with the "
            "same data.split"
        )
    targets = np.array([row.classes.index(example.label) for example in other.examples])
    groups = [example.group for example in other.examples]
    return compare_models(row.answers, other.answers, targets, row.classes, groups)


def page(folder: Path | None = None) -> str:
    """The whole page, of ``runs/results`` or another folder like it."""
    root = folder or RESULTS
    rows = {one.parent.name: read_row(one.parent) for one in sorted(root.glob(f"*/{RESULT_FILE}"))}
    parts = [INTRODUCTION]
    for section, title in SECTIONS.items():
        own = [row for row in rows.values() if row.about["section"] == section]
        if section == FOLDS and len(own) > 1:
            own.append(_pooled(own))
        if own:
            parts.append(_section(title, own, rows))
    if not rows:
        parts.append("No run has been added yet.\n")
    return "\n".join(parts)


def _section(title: str, rows: Sequence[Row], every: dict[str, Row]) -> str:
    """A section's two tables: the baselines first, then the best macro F1.

    Raises:
        SystemExit: Its rows answered unlike pictures, and it is none of `APART`.
    """
    section = rows[0].about["section"]
    ordered = sorted(
        rows, key=lambda row: (bool(row.about["against"]), -row.evaluation["scores"]["f1"])
    )
    if section == FOLDS:
        ordered = sorted(rows, key=lambda row: row.name)
    counted = section in APART
    lines = [
        f"## {title}",
        "",
        APART[section] if counted else _answered(title, ordered),
        "",
        *_head("row", "what it is", *(("pictures", "groups") if counted else ()), *_SCORES),
        *(_scores(row, counted=counted) for row in ordered),
        "",
        "Differences to the row that is named, and costs:",
        "",
        *_head("row", "less", *_COSTS),
        *(_costs(row, every) for row in ordered),
        "",
    ]
    return "\n".join(lines)


def _pooled(folds: Sequence[Row]) -> Row:
    """All folds as one row.

    Raises:
        SystemExit: Two of them answered pictures of the same group.
    """
    named = [{example.group for example in row.examples} for row in folds]
    if len(set().union(*named)) < sum(map(len, named)):
        raise SystemExit(f"{', '.join(row.name for row in folds)} share groups: no folds")
    examples = tuple(example for row in folds for example in row.examples)
    answers = np.concatenate([row.answers for row in folds])
    classes = folds[0].classes
    evaluation = score_examples(folds[0].evaluation["model"], classes, examples, answers).to_json()
    about = folds[0].about | {"says": "together"}
    return Row(POOLED, about, evaluation, NONE, examples, answers, classes)


def _answered(title: str, rows: Sequence[Row]) -> str:
    """What all rows answered."""
    for row in rows:
        if row.pictures != rows[0].pictures:
            raise SystemExit(
                f"{rows[0].name} and {row.name} of {title} did not answer the same pictures: train "
                "both with the same data.split"
            )
    scores = rows[0].evaluation["scores"]
    return f"{scores['count']} validation pictures of {scores['groups']} groups."


def _head(*columns: str) -> list[str]:
    return [_line(*columns), "|" + "---|" * len(columns)]


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _scores(row: Row, *, counted: bool) -> str:
    scores = row.evaluation["scores"]
    binary = scores["binary"] or {}
    binary = binary | {"intervals": (scores["intervals"] or {}).get("binary")}
    reliability = row.evaluation["reliability"]
    return _line(
        row.name,
        row.about["says"],
        *((str(scores["count"]), str(scores["groups"])) if counted else ()),
        scored(scores, "accuracy"),
        scored(scores, "f1"),
        _lowest_recall(scores["per_class"]),
        scored(row.evaluation["per_dataset"].get(PATIENTS, {}), "accuracy"),
        *(scored(binary, name) for name in ("auc", "sensitivity", "specificity")),
        figure(reliability["error"], reliability["interval"]),
    )


def _lowest_recall(per_class: dict[str, Any]) -> str:
    recalls = {name: one["recall"] for name, one in per_class.items() if one["support"]}
    lowest = min(recalls, key=lambda name: recalls[name])
    return f"{figure(recalls[lowest])} ({lowest})"


def _costs(row: Row, every: dict[str, Row]) -> str:
    against = row.about["against"]
    if against and against not in every:
        raise SystemExit(f"{row.name} stands against {against}, which is not in runs/results")
    found = compare(row, every[against]).differences if against else {}
    differences = [
        figure(found[name].difference, found[name].interval) if name in found else figure(None)
        for name in ("accuracy", "recall", "auc")
    ]
    return _line(
        row.name,
        against or NONE,
        *differences,
        f"{row.about['parameters'] / 1e6:.2f} M",
        row.training,
        f"{row.about['cpu']['milliseconds']:.1f} ({row.about['cpu']['name']})",
    )


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
