"""Fit conformal sets and the input gate of a finished model, and write them into its folder.

    python tools/fit_confidence.py MODEL --data DATA --split runs/default/split.csv \
        --others DATA/not_brain_mri --more DATA/volumes --output FOLDER

``tools/gather_others.py`` gathers more for both.

Prints what was measured: calibration error, coverage and size of the sets, what the gate refuses
and loses. MODEL itself is changed where no --output is given.
"""

import argparse
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from tumorlens.card import write_card
from tumorlens.lab.confidence import fit_confidence, write_confidence
from tumorlens.lab.datasets import Example, load_examples
from tumorlens.lab.gate import load_brains, load_others
from tumorlens.lab.pictures import ByteArray, load_pictures
from tumorlens.lab.quantization import measure_graphs
from tumorlens.lab.splitting import TRAINING, VALIDATION, read_part
from tumorlens.model import load_model

MOST = 800
"""Training pictures of each data set that are read; the gate uses no more than 600."""


OTHERS = "folders of what must be refused, with a folder for each kind"
MORE = "folders of brain scans of sources that the network did not learn from"


def part_of(examples: list[Example], groups: dict[str, str]) -> list[Example]:
    """The examples of one part, with the groups that the split recorded."""
    return [
        replace(example, group=groups[example.picture])
        for example in examples
        if example.picture in groups
    ]


def thinned(examples: list[Example]) -> list[Example]:
    """At most `MOST` of each data set, evenly spread."""
    kept = []
    for name in sorted({example.dataset for example in examples}):
        own = [example for example in examples if example.dataset == name]
        kept += own[:: -(-len(own) // MOST)]
    return kept


def merged(parts: list[dict[str, ByteArray]]) -> dict[str, ByteArray]:
    """Pictures by name from several folders; those of one name together."""
    kinds = sorted({kind for part in parts for kind in part})
    return {kind: np.concatenate([part[kind] for part in parts if kind in part]) for kind in kinds}


def _tell(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done} of {total} pictures" + "\n" * (done == total))


def main() -> None:
    """Read the pictures, fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--others", type=Path, nargs="*", default=[], help=OTHERS)
    parser.add_argument("--more", type=Path, nargs="*", default=[], help=MORE)
    parser.add_argument("--output", type=Path, help="a copy of the model folder")
    chosen = parser.parse_args()
    folder = chosen.output or chosen.model
    if folder.resolve() != chosen.model.resolve():
        shutil.copytree(chosen.model, folder, dirs_exist_ok=True)
    model = load_model(folder, threads=1, gated=False)  # its gate is about to be replaced
    parts = [read_part(chosen.split, part) for part in (TRAINING, VALIDATION)]
    names = {picture.partition("/")[0] for part in parts for picture in part}
    examples = load_examples(chosen.data, only=sorted(names))
    preparation = model.card.preparation
    training, validation = (
        load_pictures(part, preparation)
        for part in (thinned(part_of(examples, parts[0])), part_of(examples, parts[1]))
    )
    confidence = fit_confidence(
        model,
        training.examples,
        training.pixels,
        validation.examples,
        validation.pixels,
        others=merged([load_others(folder, preparation) for folder in chosen.others]),
        progress=_tell,
        more=merged([{one.name: load_brains(one, preparation)} for one in chosen.more]),
    )
    card = write_confidence(folder, confidence)
    if card.int8:
        pair = (load_model(folder, threads=1), load_model(folder, threads=1, precision="int8"))
        found = measure_graphs(*pair, validation.examples, validation.pixels, _tell)
        measured = {**card.int8.measured, "accepted": found["accepted"]}
        card = replace(card, int8=replace(card.int8, measured=measured))
        write_card(folder, card)
    written = {name: card.to_json()[name] for name in ("calibration", "conformal", "gate")}
    sys.stdout.write(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
