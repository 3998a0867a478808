"""What a few of one's own patients are worth to a model that never saw their scanner.

    tumorlens train configs/source_left_out.toml --data ../shared/data --run runs/without_lgg \\
        --set 'data.leave_out=["lgg"]'
    python benchmarks/few_scans.py ../shared/data --model runs/without_lgg/model \\
        --split runs/default/split.csv --write

The source that was left out plays the hospital. Of its training patients a few are taken, and a
network is trained on them once from the model (configs/tuned.toml) and once from ImageNet alike;
both answer the source's validation patients, as does the model untouched. Intervals are of 95 %,
over patients. With ``--write`` the figures are kept in runs/default/few_scans.json, and the table
replaces the one in docs/networks.md.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from on_a_split import ROOT, Quotation, figure
from performance_page import table as markdown

from tumorlens.card import read_card

STARTS = {"model": "from the model", "imagenet": "from ImageNet"}
SCORES = ("auc", "sensitivity", "specificity")


def few_patients(split: Path, source: str, count: int, target: Path) -> None:
    """A split of one source: some training patients, evenly chosen, and all that validate."""
    with split.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["picture"].startswith(f"{source}/")]
    training = sorted({row["group"] for row in rows if row["part"] == "training"})
    if count > len(training):
        raise SystemExit(f"{source} has {len(training)} training patients in {split}")
    chosen = {training[number * len(training) // count] for number in range(count)}
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(r for r in rows if r["part"] != "training" or r["group"] in chosen)


def tune(wanted: argparse.Namespace, run: Path, split: Path, start: str) -> Path:
    """Train a run; its evaluation."""
    card = read_card(wanted.model)
    weights = str(wanted.model) if start == "model" else wanted.weights
    settings = {
        "data.datasets": [wanted.source],
        "data.split": str(split),
        "network.name": card.network,
        "network.weights": weights,
        "training.size": card.preparation.size,
        "card.size": card.preparation.size,
    }
    if start != "model":  # what is new must take larger steps
        settings["training.learning_rate"] = 1e-3
    command = [sys.executable, "-m", "tumorlens", "train", str(ROOT / "configs" / "tuned.toml")]
    command += ["--data", str(wanted.data), "--run", str(run)]
    for name, value in settings.items():
        command += ["--set", f"{name}={json.dumps(value)}"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return run / "evaluation.json"


def untouched(wanted: argparse.Namespace, split: Path, output: Path) -> Path:
    """The model's own answers about the validation patients."""
    command = [sys.executable, "-m", "tumorlens", "evaluate", str(wanted.data / wanted.source)]
    command += ["--model", str(wanted.model), "--split", str(split), "--part", "validation"]
    subprocess.run([*command, "--output", str(output)], check=True, stdout=sys.stderr)
    return output / "evaluation.json"


def scores(evaluation: Path) -> dict[str, Any]:
    """Tumor or no tumor, with intervals."""
    found = json.loads(evaluation.read_text())["scores"]
    return {name: [found["binary"][name], found["intervals"]["binary"][name]] for name in SCORES}


def measure(wanted: argparse.Namespace) -> dict[str, Any]:
    """Every number of patients from both starts, and the model as it is."""
    card = read_card(wanted.model)
    found: dict[str, Any] = {"source": wanted.source, "network": card.network, "rows": []}
    with tempfile.TemporaryDirectory() as place:
        split = Path(place) / "split.csv"
        for count in wanted.patients:
            few_patients(wanted.split, wanted.source, count, split)
            if not found["rows"]:
                told = scores(untouched(wanted, split, Path(place) / "untouched"))
                found["rows"].append({"patients": 0, "start": "model", "scores": told})
            for start in STARTS:
                run = Path(place) / f"{start}_{count}"
                told = scores(tune(wanted, run, split, start))
                found["rows"].append({"patients": count, "start": start, "scores": told})
    return found


def table(found: dict[str, Any]) -> str:
    """One row a training, in Markdown."""
    rows = [
        [
            f"{row['patients']}, {STARTS[row['start']]}" if row["patients"] else "none",
            *(figure(*row["scores"][name]) for name in SCORES),
        ]
        for row in found["rows"]
    ]
    heads = [f"Patients of {found['source']} learnt from", "AUC", *SCORES[1:]]
    return markdown(heads, rows)


QUOTATION = Quotation(
    "few scans",
    ROOT / "runs" / "default" / "few_scans.json",
    ROOT / "docs" / "networks.md",
    table,
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder of data sets")
    parser.add_argument("--model", type=Path, required=True, help="that never saw the source")
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--source", default="lgg")
    parser.add_argument("--patients", type=int, nargs="+", default=[5, 10, 20, 40])
    parser.add_argument("--weights", default="imagenet", help="what stands for ImageNet")
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args(arguments)
    found = measure(wanted)
    print(table(found))
    if wanted.write:
        QUOTATION.write(found)


if __name__ == "__main__":
    main()
