"""The CNN + LSTM over the slices of heads beside the same classifier without it.

    python benchmarks/slice_sequence.py ../shared/data --split runs/default/split.csv

Trains what `tumorlens sequence` trains on the bundled classifier, and measures it on validation
patients that chose nothing of it: slices with and without tumor, and heads whole and without their
tumor slices. Intervals are of 95 %, over patients. With ``--write`` the figures are kept in
runs/default/slice_sequence.json, and the table replaces the one in docs/networks.md.
"""

import tempfile
from pathlib import Path
from typing import Any

from on_a_split import ROOT, Quotation, figure, run

from tumorlens.lab.slice_sequence import build_sequence
from tumorlens.model import DEFAULT_FOLDER

WAYS = {"slice_by_slice": "slice by slice", "with_neighbours": "neighbours", "sequence": "LSTM"}
WHAT = {"slices": "slices", "heads": "whole heads"}


def measure(data: Path, split: Path) -> dict[str, Any]:
    """Which model, how the network was trained, and its figures beside those without it."""
    with tempfile.TemporaryDirectory() as folder:
        card = build_sequence(
            DEFAULT_FOLDER, data=data, split=split, output=Path(folder) / "joined"
        )
    assert card.sequence is not None
    return {
        "model": card.identity.to_json(),
        "training": dict(card.sequence.training),
        "measured": dict(card.sequence.measured),
    }


def table(found: dict[str, Any]) -> str:
    """AUC of every way by data set and MR sequence, and the differences in Markdown."""
    measured = found["measured"]
    lines = [
        "| what | with / without tumor | "
        + " | ".join(f"AUC {way}" for way in WAYS.values())
        + " |",
        "|---|---|" + "---|" * len(WAYS),
    ]
    for what, told in WHAT.items():
        for rows in zip(*(measured[what][way] for way in WAYS), strict=True):
            first = rows[0]
            name = f"{told}, {first['source']} {first['sequence']}"
            counts = f"{first['with_tumor']} / {first['without_tumor']}"
            areas = (figure(row["auc"], row["intervals"]["auc"]) for row in rows)
            lines.append(" | ".join(["| " + name, counts, *areas]) + " |")
    lines += ["", *(_difference(told, measured[what]) for what, told in WHAT.items())]
    return "\n".join(lines)


def _difference(told: str, found: dict[str, Any]) -> str:
    one = found["difference"]["all"]["differences"]["auc"]
    low, high = one["interval"]
    verdict = "it is better" if low > 0 else "it is worse" if high < 0 else "no difference is shown"
    return (
        f"LSTM less neighbours, AUC of all {told}, paired by patient: "
        f"{one['difference']:+.3f} ({low:+.3f} to {high:+.3f}): {verdict}.  "
    )


QUOTATION = Quotation(
    "slice sequence",
    ROOT / "runs" / "default" / "slice_sequence.json",
    ROOT / "docs" / "networks.md",
    table,
)

if __name__ == "__main__":
    run(measure, QUOTATION, description=__doc__)
