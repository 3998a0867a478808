import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tumorlens.lab.datasets import Example
from tumorlens.lab.grouping import group_near_duplicates, near_duplicates
from tumorlens.lab.pictures import load_pictures
from tumorlens.preparation import Preparation

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_cheng = pytest.mark.skipif(
    not (DATA / "cheng").is_dir(), reason="the real scans of ../shared/data are absent"
)


def alter(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """What copying between public sets does: resize, brighten, mirror, re-encode."""
    side = int(rng.integers(220, 512))
    altered = picture.convert("L").resize((side, side))
    altered = ImageEnhance.Brightness(altered).enhance(float(rng.uniform(0.8, 1.3)))
    if rng.random() < 0.5:
        altered = altered.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    bytes_ = io.BytesIO()
    altered.save(bytes_, "JPEG", quality=int(rng.integers(70, 95)))
    return Image.open(bytes_)


@needs_cheng
def test_altered_copies_find_their_patient_and_other_patients_do_not(tmp_path: Path) -> None:
    with (DATA / "cheng" / "patients.csv").open() as lines:
        rows = list(csv.DictReader(lines))[::60]
    rng = np.random.default_rng(0)
    made = []
    for row in rows:
        path = DATA / "cheng" / "images" / f"{row['index']}.jpg"
        patient = f"cheng:{row['patient']}"
        made.append(Example(path, path.name, row["label"], patient, row["patient"], "cheng"))
        copy = tmp_path / f"{row['index']}.png"
        with Image.open(path) as picture:
            alter(picture, rng).save(copy)
        made.append(Example(copy, copy.name, row["label"], copy.name, None, "copies"))
    pictures = load_pictures(made, Preparation())
    grouped = group_near_duplicates(pictures.examples, pictures.thumbnails)
    originals, copies = grouped[::2], grouped[1::2]
    tied = [o.group == c.group for o, c in zip(originals, copies, strict=True)]
    assert np.mean(tied) >= 0.85
    assert [o.group for o in originals] == [f"cheng:{row['patient']}" for row in rows]


def test_sequences_of_known_patients_are_left_alone() -> None:
    same = np.tile(np.random.default_rng(0).integers(0, 255, (48, 48), np.uint8), (2, 1, 1))
    made = [
        Example(Path("a"), "a", "glioma", f"lgg:{name}", name, "lgg", channel=1, whole_head=True)
        for name in "ab"
    ]
    assert [e.group for e in group_near_duplicates(made, same)] == ["lgg:a", "lgg:b"]


def test_pairs_are_found_across_mirroring_and_not_between_strangers() -> None:
    rng = np.random.default_rng(0)
    first, other = rng.integers(0, 255, (2, 48, 48), np.uint8)
    found = near_duplicates(np.stack([first, other, first[:, ::-1]]))
    assert [(i, j) for i, j, _ in found] == [(0, 2)]
    assert found[0][2] > 0.99
