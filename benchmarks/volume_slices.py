"""Slices of whole heads with and without tumor: answered one by one, and in their volume.

    python benchmarks/volume_slices.py ../shared/data --split runs/default/split.csv

The heads are those of the split's validation patients. A slice shows a tumor if its outline has at
least 32 pixels, and none if it is empty; others are left out, as are slices that show too little
of the head to be judged. Intervals are of 95 %, over patients. With ``--write`` the figures are
kept in runs/default/volume_slices.json, and the table replaces the one in docs/evaluation.md.
Needs ``[brats]``.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from on_a_split import ROOT, Quotation, figure, run
from sklearn.metrics import roc_auc_score

from tumorlens.lab.datasets.example import MIN_TUMOR_PIXELS
from tumorlens.lab.volumes.heads import find_training_cases
from tumorlens.model import Model, load_model
from tumorlens.prediction import VolumePrediction, predict, predict_slices
from tumorlens.scan import Volume
from tumorlens.volume_outlining.regions import WHOLE

SEQUENCES = ("flair", "t1", "t1c", "t2")
WAYS = ("one by one", "in their volume")
_DRAWS = 1000


def answer(volume: Volume, labels: np.ndarray, model: Model) -> list[tuple[float, float, bool]]:
    """Of each judged slice: P(tumor) by itself, in the volume, and whether it shows tumor."""
    joined = predict(volume, model=model)
    assert isinstance(joined, VolumePrediction)
    indices = [one.index for one in joined.slices]
    alone = predict_slices([volume.slice(index) for index in indices], model=model)
    areas = [int((labels[index] > 0).sum()) for index in indices]
    return [
        (by_itself.tumor_probability, one.answer.tumor_probability, area > 0)
        for by_itself, one, area in zip(alone, joined.slices, areas, strict=True)
        if not 0 < area < MIN_TUMOR_PIXELS
    ]


def collect(data: Path, split: Path, model: Model) -> dict[str, list[np.ndarray]]:
    """``DATASET, sequence`` -> one array a patient: (slices, 3) as `answer` gives them."""
    with split.open(newline="") as lines:
        held = {row["group"] for row in csv.DictReader(lines) if row["part"] == "validation"}
    heads = find_training_cases(data, sequences=SEQUENCES, regions=[WHOLE], can_miss=True)
    found: dict[str, list[np.ndarray]] = {}
    for head in heads:
        if head.group not in held:
            continue
        shown, labels = head.read()
        for sequence, volume in shown.volumes.items():
            rows = np.array(answer(volume, labels, model), float)
            found.setdefault(f"{head.dataset}, {sequence}", []).append(rows)
        print(head.name, flush=True)
    return dict(sorted(found.items()))


def figures(patients: list[np.ndarray], way: int) -> dict[str, Any]:
    """AUC with its interval, sensitivity and specificity of one way of answering."""
    rows = np.concatenate(patients)
    tumor, truth = rows[:, way], rows[:, 2] > 0
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(_DRAWS if len(patients) > 1 else 0):
        some = np.concatenate(
            [patients[i] for i in random.integers(len(patients), size=len(patients))]
        )
        if 0 < some[:, 2].mean() < 1:
            drawn.append(roc_auc_score(some[:, 2], some[:, way]))
    return {
        "auc": round(float(roc_auc_score(truth, tumor)), 4),
        "interval": [round(float(end), 4) for end in np.quantile(drawn, (0.025, 0.975))]
        if drawn
        else None,
        "sensitivity": round(float((tumor[truth] >= 0.5).mean()), 4),
        "specificity": round(float((tumor[~truth] < 0.5).mean()), 4),
    }


def measure(data: Path, split: Path) -> dict[str, Any]:
    """Model, and for each data set and sequence the figures of both ways."""
    model = load_model()
    card = model.card
    found = collect(data, split, model)
    return {
        "model": {"name": card.name, "version": card.version, "sha256": card.sha256},
        "rows": {
            name: {
                "patients": len(patients),
                "slices": sum(map(len, patients)),
                **{way: figures(patients, column) for column, way in enumerate(WAYS)},
            }
            for name, patients in found.items()
        },
    }


def table(found: dict[str, Any]) -> str:
    """The same in Markdown."""
    lines = [
        "| slices of | patients | slices | " + " | ".join(f"AUC {way}" for way in WAYS) + " | "
        "sensitivity | specificity |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in found["rows"].items():
        areas = [figure(row[way]["auc"], row[way]["interval"]) for way in WAYS]
        both = [
            " → ".join(f"{row[way][what]:.3f}" for way in WAYS)
            for what in ("sensitivity", "specificity")
        ]
        cells = [name, str(row["patients"]), str(row["slices"]), *areas, *both]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


QUOTATION = Quotation(
    "volume slices",
    ROOT / "runs" / "default" / "volume_slices.json",
    ROOT / "docs" / "evaluation.md",
    table,
)

if __name__ == "__main__":
    run(measure, QUOTATION, description=__doc__)
