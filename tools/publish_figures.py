"""Bundle the model of a run and write its figures into the card and the README.

    python tools/publish_figures.py

The figures come from the run's ``evaluation.json``; none is typed by hand, and a test compares
them with the file. The run's model folder is taken over where it is there (it is not kept in git).
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from tumorlens.card import read_card, write_card
from tumorlens.lab.evaluation import card_scores

ROOT = Path(__file__).parents[1]
RUN = ROOT / "runs" / "default"
EVALUATION = RUN / "evaluation.json"
MODEL = ROOT / "src" / "tumorlens" / "models" / "default"
README = ROOT / "README.md"
COMMAND = "tumorlens evaluate DATA --split runs/default/split.csv --part validation"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def published() -> dict[str, Any]:
    """The run's evaluation, with the command that gives it from the bundled model."""
    evaluation: dict[str, Any] = json.loads(EVALUATION.read_text())
    return evaluation | {"command": COMMAND}


def table(evaluation: dict[str, Any]) -> str:
    """The README's tables, as Markdown."""
    scores = evaluation["scores"]
    lines = [
        "| Class | Precision | Recall | F1 | AUC | Validation pictures |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in scores["per_class"].items():
        figures = " | ".join(_figure(one[key]) for key in ("precision", "recall", "f1", "auc"))
        lines.append(f"| {name} | {figures} | {one['support']} |")
    lines += [
        "",
        "| Data set | Accuracy | Macro recall | Sensitivity | Specificity | AUC | Pictures | "
        "Groups |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in [*evaluation["per_dataset"].items(), ("all", scores)]:
        binary = one["binary"] or {}
        figures = " | ".join(
            _figure(value)
            for value in (
                one["accuracy"],
                one["recall"],
                *(binary.get(key) for key in ("sensitivity", "specificity", "auc")),
            )
        )
        lines.append(f"| {name} | {figures} | {one['count']} | {one['groups']} |")
    lines += ["", "Measured by", "", "```sh", evaluation["command"], "```"]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def filled(readme: str, evaluation: dict[str, Any]) -> str:
    """The README with its tables replaced."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(evaluation)}\n{END}{after}"


def main() -> None:
    """Take over the model, then write both."""
    if (RUN / "model").is_dir():
        MODEL.mkdir(parents=True, exist_ok=True)
        for path in (RUN / "model").iterdir():
            shutil.copyfile(path, MODEL / path.name)
    evaluation = published()
    card = read_card(MODEL)
    if card.sha256 != evaluation["model"]["sha256"]:
        raise SystemExit("evaluation.json is of another model than the bundled one: evaluate it")
    write_card(MODEL, replace(card, scores=card_scores(evaluation)))
    README.write_text(filled(README.read_text(), evaluation))


if __name__ == "__main__":
    main()
