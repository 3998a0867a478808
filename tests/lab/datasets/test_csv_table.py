"""Any CSV of paths and labels, and the mistakes in it."""

from pathlib import Path

import pytest

from tumorlens.errors import DataError
from tumorlens.lab.datasets import load_examples, read_mask

from .made_sets import make_csv, save


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
