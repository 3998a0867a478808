"""Write the figures of a run's ``evaluation.json`` into the bundled card and the README.

    python tools/publish_figures.py

No figure in either is typed by hand; a test compares them with the file.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tumorlens.card import read_card, write_card

ROOT = Path(__file__).parents[1]
EVALUATION = ROOT / "runs" / "default" / "evaluation.json"
MODEL = ROOT / "src" / "tumorlens" / "models" / "default"
README = ROOT / "README.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def card_scores(evaluation: dict[str, Any]) -> dict[str, Any]:
    """What the card says of the scores: the command, all pictures, each data set."""
    return {
        "command": evaluation["command"],
        "pictures": evaluation["scores"]["count"],
        "groups": evaluation["scores"]["groups"],
        "all": evaluation["scores"],
        "per_dataset": evaluation["per_dataset"],
    }


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
    """Write both."""
    evaluation = json.loads(EVALUATION.read_text())
    card = read_card(MODEL)
    if card.sha256 != evaluation["model"]["sha256"]:
        raise SystemExit("evaluation.json is of another model than the bundled one: evaluate it")
    write_card(MODEL, replace(card, scores=card_scores(evaluation)))
    README.write_text(filled(README.read_text(), evaluation))


if __name__ == "__main__":
    main()
