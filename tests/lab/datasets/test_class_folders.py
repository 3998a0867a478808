"""Sartaj, Nickparvar and other folders of class folders."""

import shutil
from pathlib import Path

import pytest

from tumorlens.errors import DataError
from tumorlens.lab.datasets import load_examples, recognise

from .made_sets import make_class_folders, make_nickparvar, make_sartaj, save


@pytest.mark.parametrize(
    ("make", "empty"),
    [(make_sartaj, "no_tumor"), (make_nickparvar, "notumor")],
)
def test_a_half_or_a_class_that_is_missing_is_named(
    make: object, empty: str, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    make(root)
    assert {e.official for e in load_examples(root)} == {"training", "testing"}
    shutil.rmtree(root / "Testing" / empty)
    with pytest.raises(DataError, match=rf"no pictures in Testing/{empty}\. "):
        load_examples(root)
    shutil.rmtree(root / "Testing")
    with pytest.raises(DataError, match=rf"no pictures in Testing/glioma.*, Testing/{empty}"):
        load_examples(root)


def test_ones_own_folder_of_the_same_classes_needs_no_second_half(tmp_path: Path) -> None:
    for name in ("glioma_tumor", "meningioma_tumor", "no_tumor"):
        save(tmp_path / "ours" / "Training" / name / "scan.jpg")
    assert recognise(tmp_path / "ours") == "class_folders"
    assert {e.official for e in load_examples(tmp_path / "ours")} == {"training"}


def test_the_halves_of_any_folder_are_recorded(tmp_path: Path) -> None:
    make_class_folders(tmp_path / "ours")
    save(tmp_path / "ours" / "val" / "glioma" / "3.jpg")
    found = {e.path.name: e.official for e in load_examples(tmp_path / "ours")}
    assert found == {"1.jpg": "training", "2.jpg": "testing", "3.jpg": "validation"}
    save(tmp_path / "plain" / "glioma" / "1.jpg")
    save(tmp_path / "plain" / "train" / "1.jpg")
    save(tmp_path / "plain" / "meningioma" / "1.jpg")
    shutil.rmtree(tmp_path / "plain" / "train")
    assert {e.official for e in load_examples(tmp_path / "plain")} == {None}
