"""Any CSV of paths and labels, and the mistakes in it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.reading.made import dataset, dicom_bytes, picture
from tumorlens.errors import DataError
from tumorlens.lab.datasets import load_examples, read_mask, recognise
from tumorlens.lab.pictures import load_pictures
from tumorlens.preparation import Preparation

from .made_sets import make_class_folders, make_csv, save


def test_columns_become_patients_halves_and_outlines(tmp_path: Path) -> None:
    root = tmp_path / "ours"
    make_csv(root)
    save(root / "outline.png", 255)
    (root / "labels.csv").write_text(
        "\ufeffpath,label,patient,split,mask,age\n"
        "pictures/a.png,glioma tumor,P1,train,outline.png,50\n"
        "pictures/b.png,normal,P1,Test,,50\n"
        f"{root / 'pictures' / 'c.png'},glioma,,,,\n",
        encoding="utf-8",
    )
    a, b, c = load_examples(root)
    assert (a.label, a.patient, a.group, a.official) == ("glioma", "P1", "ours:P1", "training")
    assert (b.label, b.official, b.mask) == ("no_tumor", "testing", None)
    assert (c.patient, c.official, c.group) == (None, None, c.picture)
    mask = read_mask(a)
    assert mask is not None
    assert mask.sum() == 15 * 16
    assert load_examples(root / "labels.csv") == [a, b, c]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("path,label\nabsent.png,glioma\n", r"1 missing, the first .*absent\.png"),
        ("path,label\npictures/a.png,\n", "no label in line 2"),
        ("path,label\npictures/a.png\n", "no label in line 2"),
        ("path,label\n", "expected one line a picture; found none"),
        ("path,label,split\npictures/a.png,glioma,both\n", "'both' in line 2"),
        (
            "path,label\npictures/a.png,glioma\n./pictures/a.png,pituitary\n",
            "pictures/a.png twice, as glioma and pituitary",
        ),
        (
            "path,label,patient\npictures/a.png,glioma,P1\npictures/b.png,pituitary,P1\n",
            "1 with two labels, the first patient P1",
        ),
        ("file,label\npictures/a.png,glioma\n", "no path in file, label"),
        ("path,label,Label\npictures/a.png,glioma,pituitary\n", "label twice"),
        ("path,label,Patient ID\npictures/a.png,glioma,P1\n", "patient id.*Rename it to patient"),
        ("path;label;case\npictures/a.png;glioma;P1\n", "case.*Rename it to patient"),
        ("path,label,outline\npictures/a.png,glioma,o.png\n", "outline.*Rename it to mask"),
    ],
)
def test_mistakes_are_named(lines: str, said: str, tmp_path: Path) -> None:
    make_csv(tmp_path / "ours")
    table = tmp_path / "ours" / "labels.csv"
    table.write_text(lines)
    with pytest.raises(DataError, match=said):
        load_examples(table)


def test_an_outline_of_another_size_is_refused(tmp_path: Path) -> None:
    make_csv(tmp_path / "ours")
    save(tmp_path / "ours" / "outline.png", 255, (8, 8))
    (tmp_path / "ours" / "labels.csv").write_text(
        "path,label,mask\npictures/a.png,glioma,outline.png\n"
    )
    with pytest.raises(DataError, match="8 x 8 for a picture of 16 x 16"):
        load_examples(tmp_path / "ours")


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_capitals_and_other_separators_lose_no_patient(between: str, tmp_path: Path) -> None:
    make_class_folders(tmp_path / "ours" / "pictures")  # one level down, read before
    name = "pictures/Training/glioma_tumor/1.jpg"
    lines = (("Path", "LABEL", " Patient"), (name, "pituitary", "P1"))
    (tmp_path / "ours" / "labels.csv").write_text("\n".join(between.join(one) for one in lines))
    assert recognise(tmp_path / "ours") == "csv"
    (found,) = load_examples(tmp_path / "ours")
    assert (found.label, found.patient, found.group) == ("pituitary", "P1", "ours:P1")


def test_a_table_in_another_encoding_is_refused_and_not_overlooked(tmp_path: Path) -> None:
    make_class_folders(tmp_path / "ours")
    text = "path;label;patient\nTraining/glioma_tumor/1.jpg;glioma;M\u00fcller\n"
    (tmp_path / "ours" / "labels.csv").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match="a CSV in UTF-8"):
        load_examples(tmp_path / "ours")


def save_mask(path: Path, value: int) -> None:
    pixels = np.zeros((16, 16), np.uint8)
    pixels[4:9, 3:10] = value
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize("white", [1, 255])
def test_outlines_of_zero_and_one_are_not_empty(white: int, tmp_path: Path) -> None:
    make_csv(tmp_path / "ours")
    save_mask(tmp_path / "ours" / "mask.png", white)
    (tmp_path / "ours" / "labels.csv").write_text(
        "path,label,mask\npictures/a.png,glioma,mask.png\n"
    )
    mask = read_mask(load_examples(tmp_path / "ours")[0])
    assert mask is not None
    assert mask.sum() == 5 * 7


@pytest.mark.parametrize("value", [0, 4])
def test_an_outline_without_tumor_is_refused_beside_a_tumor_only(
    value: int, tmp_path: Path
) -> None:
    make_csv(tmp_path / "ours")
    save_mask(tmp_path / "ours" / "mask.png", value)
    table = tmp_path / "ours" / "labels.csv"
    table.write_text("path,label,mask\npictures/a.png,no_tumor,mask.png\n")
    assert len(load_examples(table)) == 1
    table.write_text("path,label,mask\npictures/a.png,glioma,mask.png\n")
    with pytest.raises(DataError, match=rf"1 without any.*mask\.png, .* largest value is {value}"):
        load_examples(table)


def test_dicom_slices_may_be_listed_with_their_outlines(tmp_path: Path) -> None:
    (tmp_path / "slice.dcm").write_bytes(dicom_bytes(dataset(picture(24, 32))))
    save(tmp_path / "mask.png", 255, (24, 32))
    save(tmp_path / "small.png", 255, (12, 16))
    table = tmp_path / "labels.csv"
    table.write_text("path,label,patient,mask\nslice.dcm,glioma,P1,mask.png\n")
    loaded = load_pictures(load_examples(table), Preparation(size=32))
    assert loaded.pixels.any()
    assert loaded.masks.any()
    table.write_text("path,label,patient,mask\nslice.dcm,glioma,P1,small.png\n")
    with pytest.raises(DataError, match="16 x 12 for a picture of 32 x 24"):
        load_examples(table)
