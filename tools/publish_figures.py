"""Bundle the model of a run and write its figures into the card, MODEL_CARD.md and the README.

    python tools/publish_figures.py

The figures come from the run's ``evaluation.json``; none is typed by hand, and a test compares
them with the file. The run's model folder is taken over where it is there (it is not kept in git).
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from tumorlens.card import CARD_FILE, read_card, write_card
from tumorlens.lab.evaluation import card_scores
from tumorlens.lab.evaluation.model_card import render_model_card
from tumorlens.lab.evaluation.wording import scored

ROOT = Path(__file__).parents[1]
RUN = ROOT / "runs" / "default"
EVALUATION = RUN / "evaluation.json"
MODEL = ROOT / "src" / "tumorlens" / "models" / "default"
README = ROOT / "README.md"
MODEL_CARD = ROOT / "MODEL_CARD.md"
COMMAND = "tumorlens evaluate DATA --split runs/default/split.csv --part validation"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def published() -> dict[str, Any]:
    """The run's evaluation, with the command that gives it from the bundled model."""
    evaluation: dict[str, Any] = json.loads(EVALUATION.read_text())
    command = f"{COMMAND} --checks" if "checks" in evaluation else COMMAND
    return evaluation | {"command": command}


def table(evaluation: dict[str, Any]) -> str:
    """The README's tables, as Markdown."""
    scores = evaluation["scores"]
    lines = [
        "| Class | Precision | Recall | F1 | AUC | Validation pictures |",
        "|---|---|---|---|---|---|",
    ]
    ends = (scores.get("intervals") or {}).get("per_class") or {}
    for name, one in scores["per_class"].items():
        shown = one | {"intervals": ends.get(name)}
        figures = " | ".join(scored(shown, key) for key in ("precision", "recall", "f1", "auc"))
        lines.append(f"| {name} | {figures} | {one['support']} |")
    lines += [
        "",
        "| Data set | Accuracy | Macro recall | Sensitivity | Specificity | AUC | Pictures | "
        "Groups |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in [*evaluation["per_dataset"].items(), ("all", scores)]:
        binary = (one["binary"] or {}) | {"intervals": (one.get("intervals") or {}).get("binary")}
        figures = [scored(one, "accuracy"), scored(one, "recall")]
        figures += [scored(binary, key) for key in ("sensitivity", "specificity", "auc")]
        lines.append(f"| {name} | {' | '.join(figures)} | {one['count']} | {one['groups']} |")
    lines += ["", "Measured by", "", "```sh", evaluation["command"], "```"]
    return "\n".join(lines)


def filled(readme: str, evaluation: dict[str, Any]) -> str:
    """The README with its tables replaced."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(evaluation)}\n{END}{after}"


def model_card(evaluation: dict[str, Any]) -> str:
    """``MODEL_CARD.md``, from the bundled model's card and its evaluation."""
    return render_model_card(json.loads((MODEL / CARD_FILE).read_text()), evaluation)


def main() -> None:
    """Take over the model, then write all three."""
    if (RUN / "model").is_dir():
        MODEL.mkdir(parents=True, exist_ok=True)
        for path in (RUN / "model").iterdir():
            shutil.copyfile(path, MODEL / path.name)
    evaluation = published()
    card = read_card(MODEL)
    if card.sha256 != evaluation["model"]["sha256"]:
        raise SystemExit("evaluation.json is of another model than the bundled one: evaluate it")
    write_card(MODEL, replace(card, scores=card_scores(evaluation)))
    MODEL_CARD.write_text(model_card(evaluation))
    README.write_text(filled(README.read_text(), evaluation))


if __name__ == "__main__":
    main()
