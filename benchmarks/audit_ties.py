"""How many copies the audit ties to the right patient, and how many strangers it ties.

Known pictures of Cheng's set are altered on purpose, each in one way and in all ways at once, and
laid beside the whole set and beside pictures of other people (Br35H, LGG, BraTS). A copy is a hit
where it is tied to its own patient; a false tie is a picture tied to a patient who is not its own.
For the real copies in Sartaj's set nobody knows the truth, so that three signs of it are given.

    python benchmarks/audit_ties.py ../shared/data --copies 2400

``--write`` puts the figures into docs/audit.md.
"""

import argparse
import csv
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from performance_page import table
from PIL import Image, ImageEnhance, ImageOps
from quoting import quote

from tumorlens.lab.audit import Audit, audit

DOCS = Path(__file__).parents[1] / "docs" / "audit.md"

Random = np.random.Generator
Alteration = Callable[[Image.Image, Random], Image.Image]

UNRELATED = ("br35h", "lgg", "brats2013_slices")
TARGET_HITS, TARGET_FALSE = 0.99, 0.001


def encode(picture: Image.Image, rng: Random) -> Image.Image:
    coded = io.BytesIO()
    picture.save(coded, "JPEG", quality=int(rng.integers(40, 95)))
    return Image.open(coded)


def resize(picture: Image.Image, rng: Random) -> Image.Image:
    scale = rng.integers(128, 512) / max(picture.size)
    size = [max(1, round(length * scale)) for length in picture.size]
    return picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)


def crop(picture: Image.Image, rng: Random) -> Image.Image:
    """Up to a quarter of the width and of the height is cut off, anywhere."""
    width, height = picture.size
    cut, part = rng.uniform(0, 0.25, 2), rng.uniform(0, 1, 2)
    left, top = int(width * cut[0] * part[0]), int(height * cut[1] * part[1])
    right, bottom = left + int(width * (1 - cut[0])), top + int(height * (1 - cut[1]))
    return picture.crop((left, top, right, bottom))


def pad(picture: Image.Image, rng: Random) -> Image.Image:
    edges = [int(length) for length in rng.uniform(0, 0.3, 4) * max(picture.size)]
    fill = int(rng.integers(0, 20))
    return ImageOps.expand(picture, (edges[0], edges[1], edges[2], edges[3]), fill=fill)


def flip(picture: Image.Image, rng: Random) -> Image.Image:
    upright = rng.random() < 0.8
    way = Image.Transpose.FLIP_LEFT_RIGHT if upright else Image.Transpose.FLIP_TOP_BOTTOM
    return picture.transpose(way)


def brighten(picture: Image.Image, rng: Random) -> Image.Image:
    brighter = ImageEnhance.Brightness(picture).enhance(float(rng.uniform(0.6, 1.6)))
    return ImageEnhance.Contrast(brighter).enhance(float(rng.uniform(0.6, 1.6)))


def stretch(picture: Image.Image, rng: Random) -> Image.Image:
    width, height = picture.size
    wider = max(1, round(width * rng.uniform(0.85, 1.18)))
    return picture.resize((wider, height), Image.Resampling.BICUBIC)


def all_at_once(picture: Image.Image, rng: Random) -> Image.Image:
    """Each with an even chance, in the order in which people do it; encoded at the end."""
    for alter in (flip, crop, pad, stretch, resize, brighten):
        picture = alter(picture, rng) if rng.random() < 0.5 else picture
    return encode(picture, rng)


ALTERATIONS: dict[str, Alteration] = {
    "encode": encode,
    "resize": resize,
    "crop": crop,
    "pad": pad,
    "flip": flip,
    "brighten": brighten,
    "stretch": stretch,
    "all_at_once": all_at_once,
}


def make_copies(data: Path, folder: Path, count: int, rng: Random) -> dict[str, tuple[str, str]]:
    """Altered copies in a folder: file name -> (alteration, patient)."""
    with (data / "cheng" / "patients.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = list(ALTERATIONS)
    made: dict[str, tuple[str, str]] = {}
    for number in range(count):
        row = rows[int(rng.integers(len(rows)))]
        # Half of the copies are altered in all ways, the other half in one way each.
        name = "all_at_once" if number % 2 else names[number // 2 % (len(names) - 1)]
        with Image.open(data / "cheng" / "images" / f"{row['index']}.jpg") as picture:
            altered = ALTERATIONS[name](picture.convert("L"), rng)
        file = f"{number:05d}.png"
        altered.save(folder / file)
        made[file] = name, f"cheng:{row['patient']}"
    return made


def patients_of(found: Audit, dataset: str) -> dict[str, tuple[str, ...]]:
    """The patients that each picture of a data set is tied to, by path."""
    return {
        entry.path.as_posix(): patients
        for entry, patients in zip(found.entries, found.clusters.patients, strict=True)
        if entry.dataset == dataset
    }


def score_copies(found: Audit, made: dict[str, tuple[str, str]]) -> dict[str, object]:
    """Hits and false ties of the altered copies, by alteration."""
    tied = {Path(path).name: who for path, who in patients_of(found, "copies").items()}
    scores: dict[str, object] = {}
    for name in ALTERATIONS:
        ours = [(file, patient) for file, (how, patient) in made.items() if how == name]
        hits = sum(patient in tied[file] for file, patient in ours)
        false = sum(bool(set(tied[file]) - {patient}) for file, patient in ours)
        scores[name] = {"copies": len(ours), "hits": hits, "false": false}
    hits = sum(patient in tied[file] for file, (_, patient) in made.items())
    false = sum(bool(set(tied[file]) - {patient}) for file, (_, patient) in made.items())
    scores["all"] = {"copies": len(made), "hits": hits, "false": false}
    return scores


def false_pairs(found: Audit, own: Sequence[str]) -> tuple[int, list[list[str]]]:
    """(pictures, pairs): those of the data sets ``own`` tied to somebody else's picture."""
    pictures: set[int] = set()
    pairs: list[list[str]] = []
    for pair in found.twins:
        one, other = found.entries[pair.first], found.entries[pair.second]
        known = one.patient and other.patient
        if {one.dataset, other.dataset} <= set(own) and one.patient != other.patient and known:
            pictures |= {pair.first, pair.second}
            pairs.append([one.path.name, other.path.name, str(one.patient), str(other.patient)])
    return len(pictures), pairs


def score_unrelated(found: Audit) -> dict[str, object]:
    """Pictures of other people that are tied to a patient of Cheng's set, and Cheng's own."""
    scores: dict[str, object] = {}
    for dataset in UNRELATED:
        tied = patients_of(found, dataset)
        wrong = sum(any(name.startswith("cheng:") for name in who) for who in tied.values())
        scores[dataset] = {"pictures": len(tied), "false": wrong}
    for dataset in ("cheng", "lgg"):
        pictures, pairs = false_pairs(found, [dataset])
        total = len(patients_of(found, dataset))
        scores[f"{dataset}, other patients"] = {
            "pictures": total,
            "false": pictures,
            "pairs": pairs,
        }
    return scores


def score_sartaj(data: Path, found: Audit) -> dict[str, object]:
    """Signs of the truth for real copies: labels that agree, and no healthy picture tied."""
    with (data / "cheng" / "patients.csv").open(newline="") as lines:
        label = {f"cheng:{row['patient']}": row["label"] for row in csv.DictReader(lines)}
    tumors = healthy = tied = agreeing = several = healthy_tied = 0
    for entry, patients in zip(found.entries, found.clusters.patients, strict=True):
        if entry.dataset != "sartaj":
            continue
        of_cheng = [name for name in patients if name in label]
        if entry.label == "no_tumor":
            healthy, healthy_tied = healthy + 1, healthy_tied + bool(of_cheng)
            continue
        tumors, tied = tumors + 1, tied + bool(of_cheng)
        several += len(of_cheng) > 1
        agreeing += any(label[name] == entry.label for name in of_cheng)
    return {
        "tumor pictures": tumors,
        "tied to a patient": tied,
        "of these, with the patient's label": agreeing,
        "tied to several patients": several,
        "no_tumor pictures": healthy,
        "no_tumor pictures tied": healthy_tied,
    }


def page(record: dict[str, Any]) -> str:
    """What docs/audit.md says of it."""
    rows = [
        [name.replace("_", " "), one["copies"], f"{_share(one['hits'], one['copies'])}",
         f"{_share(one['false'], one['copies'])}"]
        for name, one in record["altered copies"].items()
    ]  # fmt: skip
    others = [
        [name, one["pictures"], "-", _share(one["false"], one["pictures"])]
        for name, one in record["unrelated"].items()
    ]
    heads = ["altered copies of `cheng`, and pictures of others", "pictures"]
    heads += ["tied to the right patient", "tied to a wrong one"]
    text = table(heads, [list(map(str, row)) for row in rows + others])
    told = ", ".join(f"{count} {name}" for name, count in record["sartaj"].items())
    return f"{text}\n\nThe real copies in Sartaj's set: {told}."


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.2%})" if whole else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder that holds cheng/, sartaj/, ...")
    parser.add_argument("--copies", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        copies = Path(place) / "copies"
        copies.mkdir()
        rng = np.random.default_rng(options.seed)
        made = make_copies(options.data, copies, options.copies, rng)
        found = audit([options.data / name for name in ("cheng", *UNRELATED)] + [copies])
    real = audit([options.data / "cheng", options.data / "sartaj"])
    record = {
        "altered copies": score_copies(found, made),
        "unrelated": score_unrelated(found),
        "sartaj": score_sartaj(options.data, real),
        "targets": {"hits": TARGET_HITS, "false": TARGET_FALSE},
    }
    print(json.dumps(record, indent=1))
    if options.write:
        quote(page(record), DOCS, name="ties")


if __name__ == "__main__":
    main()
