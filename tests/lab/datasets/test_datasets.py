"""Every data set of the table, on made-up folders and on the real ones where present."""

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.reading.made import dataset, dicom_bytes, picture
from tumorlens.errors import DataError
from tumorlens.lab.datasets import (
    DATASETS,
    Example,
    load_examples,
    read_mask,
    read_pixels,
    recognise,
)

from .made_sets import MAKERS, make_br35h, make_cheng, make_class_folders, make_lgg, save

DATA = Path(__file__).parents[4] / "shared" / "data"

REAL = {
    "cheng": (2485, "8ea04bac4e4da1e2"),
    "brisc": (1415, "4032957dd2c202be"),
    "br35h": (1210, "00ed4d4b7b802a5f"),
    "lgg": (8789, "a9eca7e0b3b48534"),
    "sartaj": (2710, "9c257ac3bb02f2ec"),
}
"""How many examples, and a hash of what a recorded split or a trained model relies on."""


def counts(root: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for example in load_examples(root):
        found[example.label] = found.get(example.label, 0) + 1
    return found


def digest(examples: list[Example]) -> str:
    """A hash of names, labels, groups, patients, channels and outlines, in their order."""
    lines = hashlib.sha256()
    for e in examples:
        mask = e.mask.relative_to(DATA.resolve()) if e.mask else None
        row = (e.picture, e.label, e.group, e.patient, e.channel, mask)
        lines.update((",".join(map(str, row)) + "\n").encode())
    return lines.hexdigest()[:16]


def test_the_table_is_tested_whole() -> None:
    assert set(MAKERS) == set(DATASETS)


@pytest.mark.parametrize("name", list(DATASETS))
def test_each_is_recognised_and_read(name: str, tmp_path: Path) -> None:
    make, expected = MAKERS[name]
    make(tmp_path / "data")
    assert recognise(tmp_path / "data") == name
    assert counts(tmp_path / "data") == expected
    examples = load_examples(tmp_path / "data")
    assert [e.picture for e in examples] == [e.picture for e in load_examples(tmp_path / "data")]
    for example in examples:
        assert example.picture.startswith("data/")
        assert example.path.is_file()
        pixels, mask = read_pixels(example), read_mask(example)
        assert pixels.ndim == 2
        assert pixels.dtype == "float32"
        assert mask is None or (mask.shape == pixels.shape and set(mask.flat) <= {0, 1})


@pytest.mark.parametrize("name", list(DATASETS))
def test_each_tells_what_it_is(name: str) -> None:
    about = DATASETS[name].about
    assert all((about.title, about.content, about.count, about.labels, about.licence))
    assert about.recognised_by
    if about.kaggle:
        assert about.address == f"https://www.kaggle.com/datasets/{about.kaggle}"


def test_a_folder_of_data_sets_is_read_whole_or_in_part(tmp_path: Path) -> None:
    for name, (make, _) in MAKERS.items():
        make(tmp_path / name)
    assert {e.dataset for e in load_examples(tmp_path)} == set(MAKERS)
    assert {e.dataset for e in load_examples(tmp_path, only=["lgg"])} == {"lgg"}
    with pytest.raises(DataError, match="no absent"):
        load_examples(tmp_path, only=["absent"])


@pytest.mark.parametrize(
    "wrapper",
    ["kaggle_3m", "brain_tumor_dataset", "brisc2025", "MICCAI_BraTS2020_TrainingData", "LGG"],
)
def test_a_wrapping_folder_does_not_hide_its_neighbours(wrapper: str, tmp_path: Path) -> None:
    make, name = {
        "kaggle_3m": (make_lgg, "lgg"),
        "brain_tumor_dataset": (MAKERS["navoneel"][0], "navoneel"),
        "brisc2025": (MAKERS["brisc"][0], "brisc"),
    }.get(wrapper, (MAKERS["brats"][0], "brats"))
    make(tmp_path / wrapper)
    make_class_folders(tmp_path / "ours")
    assert recognise(tmp_path / wrapper) == name
    assert {e.dataset for e in load_examples(tmp_path)} == {wrapper, "ours"}
    shutil.rmtree(tmp_path / "ours")
    assert {e.dataset for e in load_examples(tmp_path, only=[wrapper])} == {wrapper}


def test_hidden_folders_are_passed_by(tmp_path: Path) -> None:
    make_br35h(tmp_path / "br35h")
    make_lgg(tmp_path / ".lgg.part")
    assert {e.dataset for e in load_examples(tmp_path)} == {"br35h"}


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
    assert {(e.channel, e.sequence) for e in examples} == {(0, "t1"), (1, "flair")}
    make_cheng(tmp_path / "cheng")
    assert {e.group for e in load_examples(tmp_path / "cheng")} == {"cheng:A", "cheng:B"}


def test_what_is_there_instead_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(DataError, match="none that is known"):
        load_examples(folder)
    save(folder / "1.png")
    with pytest.raises(DataError, match="pictures without classes"):
        load_examples(folder)
    save(folder / "glioma" / "1.png")
    with pytest.raises(DataError, match=r"one class only \(glioma\)"):
        load_examples(folder)
    (folder / "archive.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"archive\.zip, which is not unpacked"):
        load_examples(folder)
    (folder / "archive.zip").unlink()
    (folder / "no_tumor").mkdir()
    for name in ("1.dcm", "2.dcm"):
        (folder / "no_tumor" / name).write_bytes(dicom_bytes(dataset(picture())))
    with pytest.raises(DataError, match=r"no_tumor/1\.dcm and 1 more, no pictures.*in a CSV"):
        load_examples(folder)
    (folder / "labels.csv").write_text("image,class\n1.png,glioma\n")
    with pytest.raises(DataError, match=r"labels\.csv, which.*columns named path,label"):
        load_examples(folder)
    with pytest.raises(DataError, match="no such folder"):
        load_examples(tmp_path / "absent")
    with pytest.raises(DataError, match="another kind of file"):
        load_examples(folder / "1.png")


@pytest.mark.parametrize("name", list(REAL))
def test_the_real_sets_are_complete_and_as_they_were(name: str) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"the real scans of ../shared/data/{name} are absent")
    examples = load_examples(DATA, only=[name])
    assert (len(examples), digest(examples)) == REAL[name]
    assert {e.dataset for e in examples} == {name}


@pytest.mark.parametrize(
    ("name", "patients", "sequences"),
    [("brats", 2, {"t1", "t1c", "t2", "flair"}), ("brats2013_slices", 6, {"t1c", "flair"})],
)
def test_the_real_heads_of_brats(name: str, patients: int, sequences: set[str]) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"the real scans of ../shared/data/{name} are absent")
    examples = load_examples(DATA, only=[name])
    assert len({e.patient for e in examples}) == patients
    assert {e.sequence for e in examples} == sequences
    assert {e.label for e in examples} == {"glioma", "no_tumor"}
    for example in examples[:: len(examples) // 12]:
        mask, pixels = read_mask(example), read_pixels(example)
        assert (mask is None) == (example.label == "no_tumor")
        if mask is not None:  # the outline lies on the brain
            assert (pixels[mask > 0] > 8).mean() > 0.95
