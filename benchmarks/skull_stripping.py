"""How well skulls are stripped, and whether that helps or hurts the classes.

    python benchmarks/skull_stripping.py masks ../shared/data/volumes
    python benchmarks/skull_stripping.py classes ../shared/data --split runs/default/split.csv

``masks`` holds every method against the brain mask of the MNI152 template (Dice), volumes whole
and single slices by plane, and tells the CPU seconds of a head. With ``--other HEAD --by hd-bet``
single slices of another head are held against the mask that a method for volumes makes of it.

``classes`` answers validation pictures with and without the methods for slices: accuracy, macro
recall, AUC of tumor against none, and their differences with 95 % intervals by patient. A model
that was trained with the skull on is asked, so what is measured is stripping as an afterthought.
``--per-set`` takes so many pictures of each data set only.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tumorlens.lab.evaluation.answers import answer_pictures
from tumorlens.lab.evaluation.comparison import compare_models
from tumorlens.lab.evaluation.parts import read_parts
from tumorlens.lab.evaluation.sampling import sample_each
from tumorlens.lab.pictures import load_pictures
from tumorlens.model import load_model
from tumorlens.preparation import SKULL_STRIPPERS, find_brain, strips_volumes
from tumorlens.reading import read_scan
from tumorlens.scan import Scan, Volume

HEAD, BRAIN = "MNI152_T1_2mm.nii.gz", "MNI152_T1_2mm_Brain_Mask.nii.gz"
LEAST_AREA = 0.2
"""Slices that show less of the brain than this part of the largest are left out."""

Bools = np.ndarray
Row = dict[str, str | float | int]
OF_VOLUMES = [name for name in SKULL_STRIPPERS if strips_volumes(name)]
OF_SLICES = [name for name in SKULL_STRIPPERS if not strips_volumes(name)]


def dice(one: Bools, other: Bools) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def planes(voxels: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """An axial volume's slices in three planes, each upright."""
    yield "axial", voxels
    yield "coronal", voxels.transpose(1, 0, 2)[:, ::-1]
    yield "sagittal", voxels.transpose(2, 0, 1)[:, ::-1]


def score_slices(method: str, head: np.ndarray, brain: Bools, source: str) -> list[Row]:
    rows: list[Row] = []
    for (plane, slices), (_, masks) in zip(planes(head), planes(brain), strict=True):
        areas = masks.sum(axis=(1, 2))
        shown = np.flatnonzero(areas >= LEAST_AREA * areas.max())
        began = time.process_time()
        scores = [dice(find_brain(Scan(slices[i], source), method), masks[i]) for i in shown]
        rows.append(
            {
                "method": method,
                "head": source,
                "what": f"{len(shown)} {plane} slices",
                "dice": round(float(np.mean(scores)), 4),
                "median": round(float(np.median(scores)), 4),
                "least": round(min(scores), 4),
                "cpu_s": round((time.process_time() - began) / len(shown), 3),
            }
        )
    return rows


def score_volume(method: str, volume: Volume, brain: Bools) -> Row:
    began = time.process_time()
    score = dice(find_brain(volume, method), brain)
    seconds = time.process_time() - began
    what = "the whole volume"
    row = {"method": method, "head": Path(volume.source).name, "what": what}
    return row | {"dice": round(score, 4), "cpu_s": round(seconds, 1)}


def masks(chosen: argparse.Namespace) -> list[Row]:
    head, brain = read_scan(chosen.folder / HEAD), read_scan(chosen.folder / BRAIN)
    assert isinstance(head, Volume)
    assert isinstance(brain, Volume)
    inside = brain.voxels > 0
    rows = [score_volume(name, head, inside) for name in chosen.methods if name in OF_VOLUMES]
    for name in chosen.methods:
        if name in OF_SLICES:
            rows += score_slices(name, head.voxels, inside, HEAD)
    if chosen.other:
        other = read_scan(chosen.other)
        assert isinstance(other, Volume)
        made = find_brain(other, chosen.by)
        for name in chosen.methods:
            if name in OF_SLICES:
                source = f"{chosen.other.name}, mask by {chosen.by}"
                rows += score_slices(name, other.voxels, made, source)
    return rows


def classes(chosen: argparse.Namespace) -> list[Row]:
    model = load_model(chosen.model)
    examples = read_parts(chosen.data, split=chosen.split, part="validation").evaluated
    if chosen.per_set:
        kept = sample_each([one.dataset for one in examples], most=chosen.per_set)
        examples = tuple(examples[index] for index in kept)
    preparation = model.card.preparation.unstripping()
    plain = load_pictures(examples, preparation)
    with_skull = answer_pictures(model, plain.pixels)
    rows: list[Row] = []
    for method in chosen.methods:
        if method not in OF_SLICES:
            continue
        stripped = load_pictures(examples, replace(preparation, skull_strip=method))
        assert stripped.examples == plain.examples
        without = answer_pictures(model, stripped.pixels)
        names = np.array([one.dataset for one in plain.examples])
        for name in ("all", *np.unique(names)):
            own = np.flatnonzero((names == name) | (name == "all"))
            targets = [model.card.classes.index(plain.examples[i].label) for i in own]
            compared = compare_models(
                without[own],
                with_skull[own],
                np.array(targets),
                model.card.classes,
                [plain.examples[i].group for i in own],
            )
            row = {"method": method, "data set": str(name), "pictures": compared.count}
            row["groups"] = compared.groups
            for score, one in compared.differences.items():
                row |= {
                    f"{score} with skull": round(one.theirs, 4),
                    f"{score} stripped": round(one.ours, 4),
                    f"{score} difference": _spoken(one.difference, one.interval),
                }
            rows.append(row)
    return rows


def _spoken(value: float, interval: tuple[float, float] | None) -> str:
    return f"{value:+.3f}" + (f" ({interval[0]:+.3f} to {interval[1]:+.3f})" if interval else "")


def table(rows: list[Row]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[str(row.get(column, "-")) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    verbs = parser.add_subparsers(required=True)
    one = verbs.add_parser("masks")
    one.add_argument("folder", type=Path, help="with the MNI152 template and its brain mask")
    one.add_argument("--other", type=Path, help="a whole head without a mask")
    one.add_argument("--by", default="hd-bet", choices=OF_VOLUMES, help="makes its mask")
    one.set_defaults(run=masks)
    two = verbs.add_parser("classes")
    two.add_argument("data", type=Path)
    two.add_argument("--split", type=Path, required=True)
    two.add_argument("--model", type=Path, help="the bundled one if left out")
    two.add_argument("--per-set", type=int, help="pictures of each data set; all if left out")
    two.set_defaults(run=classes)
    for verb in (one, two):
        verb.add_argument(
            "--methods", nargs="+", default=list(SKULL_STRIPPERS), choices=list(SKULL_STRIPPERS)
        )
        verb.add_argument("--json", type=Path, help="write the rows there too")
    chosen = parser.parse_args()
    rows = chosen.run(chosen)
    print(table(rows))
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
