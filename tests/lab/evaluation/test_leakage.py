from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.lab.evaluation.made_set import write_split
from tests.made_heads import draw_head
from tumorlens.lab.evaluation.leakage import official_tests
from tumorlens.lab.evaluation.measuring import measure
from tumorlens.lab.evaluation.parts import read_parts
from tumorlens.model import Model


@pytest.fixture
def sartaj(tmp_path: Path) -> Path:
    """A set with its own ``Training/`` and ``Testing/``."""
    for half in ("Training", "Testing"):
        for label in ("glioma", "meningioma", "pituitary", "no_tumor"):
            folder = label if label == "no_tumor" else f"{label}_tumor"
            (tmp_path / "data" / "sartaj" / half / folder).mkdir(parents=True)
            for index in range(3):
                picture = draw_head(label, seed=index + 10 * (half == "Testing"))
                path = tmp_path / "data" / "sartaj" / half / folder / f"{index}.png"
                Image.fromarray(picture).save(path)
    return tmp_path / "data"


def test_official_and_leak_free_pictures_stand_side_by_side(
    sartaj: Path, model: Model, tmp_path: Path
) -> None:
    pictures = {}
    for folder in ("glioma_tumor", "meningioma_tumor", "pituitary_tumor", "no_tumor"):
        for index in range(3):
            pictures[f"sartaj/Training/{folder}/{index}.png"] = f"{folder}{index}", "training"
        shared = f"{folder}0"  # the first test picture is of a training picture's patient
        pictures[f"sartaj/Testing/{folder}/0.png"] = shared, "validation"
        pictures[f"sartaj/Testing/{folder}/1.png"] = f"test {folder}", "validation"
    split = write_split(tmp_path / "split.csv", pictures)
    parts = read_parts(sartaj, split=split, part="validation")
    (test,) = official_tests(parts)
    assert (len(test.examples), int(test.shared.sum())) == (8, 4)
    assert (test.trained_on, test.unknown) == (0, 4)
    leakage = measure(model, parts, data=sartaj, grouped=True).sections["leakage"]["sartaj"]
    assert [leakage[side]["count"] for side in ("official", "shared", "apart")] == [8, 4, 4]
    mean = np.mean([leakage[side]["accuracy"] for side in ("shared", "apart")])
    assert leakage["official"]["accuracy"] == pytest.approx(mean)


def test_a_set_without_an_official_test_has_none(class_folders: Path) -> None:
    assert official_tests(read_parts(class_folders, split=None, part="validation")) == []
