"""Whole tumors of validation heads: by the model for whole heads, and slice by slice.

    python benchmarks/whole_tumor.py ../shared/data --split runs/whole_tumor/split.csv

One row a way of answering: mean Dice of each data set's heads, with its 95 % interval where there
are five patients. With ``--write`` the figures are kept in runs/whole_tumor/ways.json, and the
table replaces the one in docs/brats.md. Needs ``[brats]``.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from on_a_split import ROOT, Quotation, figure, run

from tumorlens.lab.volumes.heads import find_training_cases
from tumorlens.lab.volumes.measuring import CaseScore, per_dataset, score_case
from tumorlens.lab.volumes.split import VALIDATION, read_case_part
from tumorlens.model import WHOLE_TUMOR_FOLDER, Model, load_model
from tumorlens.outlining import outline_volume
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.volume_outlining import load_volume_model, outline_head
from tumorlens.volume_outlining.head import Head
from tumorlens.volume_outlining.regions import LABELS, WHOLE, LabelArray

Way = Callable[[Head], LabelArray]


def ways() -> dict[str, Way]:
    """Ways of outlining a head, by what the table calls them."""
    whole = load_volume_model(WHOLE_TUMOR_FOLDER)
    both = load_model()
    slices = replace(both, companion=None)

    def with_sequences(*names: str) -> Way:
        def answer(head: Head) -> LabelArray:
            kept = {name: head.volumes[name] for name in names}
            return outline_head(replace(head, volumes=kept), whole).labels

        return answer

    def answered(sequence: str, model: Model) -> Way:
        def answer(head: Head) -> LabelArray:
            volume = head.volumes[sequence]
            found = predict(volume, model=model)
            assert isinstance(found, VolumePrediction)
            mask = outline_volume(volume, found).mask
            return np.where(mask, LABELS[WHOLE], 0).astype(np.uint8)

        return answer

    return {
        "whole heads, FLAIR and T1 with contrast": with_sequences("flair", "t1c"),
        "whole heads, FLAIR alone": with_sequences("flair"),
        "whole heads, T1 with contrast alone": with_sequences("t1c"),
        "as predict answers, FLAIR alone": answered("flair", both),
        "slice by slice, FLAIR": answered("flair", slices),
        "slice by slice, T1 with contrast": answered("t1c", slices),
    }


def measure(data: Path, split: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Way -> data set -> summary, over the split's validation heads that have both sequences."""
    chosen = read_case_part(split, VALIDATION)
    found = find_training_cases(
        data, sequences=("flair", "t1c"), regions=[WHOLE], can_miss=True, only=chosen
    )
    heads = [head for head in found if {"flair", "t1c"} <= set(head.sequences)]
    known = ways()
    scores: dict[str, list[CaseScore]] = {name: [] for name in known}
    for head in heads:
        shown, truth = head.read()
        for name, answer in known.items():
            found = answer(shown)
            scores[name].append(
                score_case(
                    head.name,
                    found,
                    truth,
                    regions=[WHOLE],
                    spacing_mm=next(iter(shown.volumes.values())).spacing_mm,
                    patient=head.patient,
                    dataset=head.dataset,
                )
            )
        print(head.name, *(f"{one[-1].dice[WHOLE]:.3f}" for one in scores.values()), flush=True)
    return {name: per_dataset(one) for name, one in scores.items()}


def table(found: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The same in Markdown."""
    datasets = sorted({name for one in found.values() for name in one})
    counts = next(iter(found.values()))
    heads = " | ".join(f"{name} ({counts[name]['cases']})" for name in datasets)
    lines = [f"| Dice of the whole tumor | {heads} |", "|---|" + "---|" * len(datasets)]
    for name, one in found.items():
        dice = (one[dataset][WHOLE]["dice"] for dataset in datasets)
        figures = " | ".join(figure(score["mean"], score["interval"]) for score in dice)
        lines.append(f"| {name} | {figures} |")
    return "\n".join(lines)


QUOTATION = Quotation(
    "whole tumor",
    ROOT / "runs" / "whole_tumor" / "ways.json",
    ROOT / "docs" / "brats.md",
    table,
)

if __name__ == "__main__":
    run(measure, QUOTATION, description=__doc__)
