"""Every data set of the table, on made-up folders and on the real ones where present."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.errors import DataError
from tumorlens.lab.datasets import DATASETS, load_examples

DATA = Path(__file__).parents[4] / "shared" / "data"


def save(path: Path, value: int = 120, shape: tuple[int, ...] = (16, 16)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(shape, value, np.uint8)).save(path)


def make_cheng(root: Path) -> None:
    save(root / "images" / "1.jpg")
    save(root / "images" / "2.jpg")
    (root / "patients.csv").write_text("index,label,patient\n1,glioma,A\n2,pituitary,B\n")


def make_brisc(root: Path) -> None:
    save(root / "images" / "brisc2025_train_00001_gl_ax_t1.jpg")
    save(root / "images" / "brisc2025_test_00002_no_co_t1.jpg")


def make_lgg(root: Path) -> None:
    slices = root / "TCGA_XX_1"
    rgb = np.zeros((16, 16, 3), np.uint8)
    rgb[..., 0], rgb[..., 1], rgb[..., 2] = 50, 100, 100  # no T1 with contrast: FLAIR repeated
    for number, area in ((1, 0), (2, 100), (3, 4)):
        slices.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(slices / f"TCGA_XX_1_{number}.png")
        mask = np.zeros(256, np.uint8)
        mask[:area] = 255
        Image.fromarray(mask.reshape(16, 16)).save(slices / f"TCGA_XX_1_{number}_mask.png")


def make_br35h(root: Path) -> None:
    save(root / "no" / "no1.jpg")
    save(root / "yes" / "y1.jpg")


def make_class_folders(root: Path) -> None:
    save(root / "Training" / "glioma_tumor" / "1.jpg")
    save(root / "Testing" / "no_tumor" / "2.jpg")


MAKERS = {
    "cheng": (make_cheng, {"glioma": 1, "pituitary": 1}),
    "brisc": (make_brisc, {"glioma": 1, "no_tumor": 1}),
    "lgg": (make_lgg, {"glioma": 2, "no_tumor": 2}),
    "br35h": (make_br35h, {"no_tumor": 1}),
    "class_folders": (make_class_folders, {"glioma": 1, "no_tumor": 1}),
}

REAL = {"cheng": 2485, "brisc": 1415, "br35h": 1210, "sartaj": 2710}


def counts(root: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for example in load_examples(root):
        found[example.label] = found.get(example.label, 0) + 1
    return found


@pytest.mark.parametrize("name", list(DATASETS))
def test_each_is_recognised_and_read(name: str, tmp_path: Path) -> None:
    make, expected = MAKERS[name]
    make(tmp_path / "data")
    recognised = next(key for key, entry in DATASETS.items() if entry.matches(tmp_path / "data"))
    assert recognised == name
    assert counts(tmp_path / "data") == expected


def test_a_folder_of_data_sets_is_read_whole_or_in_part(tmp_path: Path) -> None:
    for name, (make, _) in MAKERS.items():
        make(tmp_path / name)
    assert {e.dataset for e in load_examples(tmp_path)} == set(MAKERS)
    assert {e.dataset for e in load_examples(tmp_path, only=["lgg"])} == {"lgg"}
    with pytest.raises(DataError, match="no absent"):
        load_examples(tmp_path, only=["absent"])


def test_what_is_no_brain_tumor_set_is_passed_by_among_others(tmp_path: Path) -> None:
    make_class_folders(tmp_path / "ours")
    for name in ("chest_xray", "knee_mri"):
        save(tmp_path / "others" / name / "1.jpg")
    for name in ("images", "masks"):
        save(tmp_path / "segmentation" / name / "1.png")
    assert {e.dataset for e in load_examples(tmp_path)} == {"ours"}
    assert len(load_examples(tmp_path, only=["others"])) == 2
    with pytest.raises(DataError, match="none that is known"):
        load_examples(tmp_path / "segmentation")


def test_patients_are_groups_and_channels_are_sequences(tmp_path: Path) -> None:
    make_lgg(tmp_path / "lgg")
    examples = load_examples(tmp_path / "lgg")
    assert {e.group for e in examples} == {"lgg:TCGA_XX_1"}
    assert {e.channel for e in examples} == {0, 1}
    make_cheng(tmp_path / "cheng")
    assert {e.group for e in load_examples(tmp_path / "cheng")} == {"cheng:A", "cheng:B"}


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    make_cheng(tmp_path / "cheng")
    (tmp_path / "cheng" / "images" / "2.jpg").unlink()
    with pytest.raises(DataError, match=r"1 missing, the first 2\.jpg"):
        load_examples(tmp_path / "cheng")
    (tmp_path / "cheng" / "patients.csv").write_text("index,label\n")
    with pytest.raises(DataError, match="no column patient"):
        load_examples(tmp_path / "cheng")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="none that is known"):
        load_examples(tmp_path / "empty")
    with pytest.raises(DataError, match="no such folder"):
        load_examples(tmp_path / "absent")


@pytest.mark.parametrize("name", list(REAL))
def test_the_real_sets_are_complete(name: str) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"the real scans of ../shared/data/{name} are absent")
    assert len(load_examples(DATA / name)) == REAL[name]
