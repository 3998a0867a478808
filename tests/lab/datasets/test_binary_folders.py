"""Br35H and Navoneel: ``yes/`` and ``no/``."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tumorlens.errors import DataError
from tumorlens.lab.datasets import load_examples, recognise
from tumorlens.lab.splitting import split_by_group

from .made_sets import make_br35h, make_class_folders, make_navoneel, save


@pytest.mark.parametrize(("make", "tumors"), [(make_br35h, 1), (make_navoneel, 2)])
def test_some_tumor_is_a_label_only_where_asked_for(
    make: object, tumors: int, tmp_path: Path
) -> None:
    make(tmp_path / "data")
    assert {e.label for e in load_examples(tmp_path / "data")} == {"no_tumor"}
    both = Counter(e.label for e in load_examples(tmp_path / "data", binary=True))
    assert both == {"no_tumor": 1, "tumor": tumors}
    shutil.rmtree(tmp_path / "data" / "no")
    with pytest.raises(DataError, match="no pictures in no/"):
        load_examples(tmp_path / "data")


@pytest.mark.parametrize(
    ("make", "name", "tumors"), [(make_br35h, "br35h", 1), (make_navoneel, "navoneel", 2)]
)
@pytest.mark.parametrize("capitals", [str.title, str.upper])
def test_capitals_make_no_class_of_yes(
    make: Callable[[Path], None],
    name: str,
    tumors: int,
    capitals: Callable[[str], str],
    tmp_path: Path,
) -> None:
    root = tmp_path / "data"
    make(root)
    for inner in ("yes", "no"):
        (root / inner).rename(root / capitals(inner))
    assert recognise(root) == name
    assert [e.label for e in load_examples(root)] == ["no_tumor"]
    both = load_examples(root, binary=True)
    assert Counter(e.label for e in both) == {"no_tumor": 1, "tumor": tumors}
    with pytest.raises(DataError, match=rf"because .*{capitals('yes')} does not say which"):
        split_by_group(load_examples(root), folds=2, fold=0, seed=0)
    if name == "navoneel":
        shutil.rmtree(root / "brain_tumor_dataset")
        assert recognise(root) == name  # by its files' names


def test_what_was_left_out_of_yes_and_no_is_told_with_a_way_out(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for number in range(2):
        save(root / "no" / f"{number}.png")
        save(root / "yes" / f"{number}.png")
    with pytest.raises(DataError, match=r"only no_tumor, because .*yes does not say which") as told:
        split_by_group(load_examples(root), folds=2, fold=0, seed=0)
    assert "rename it to tumor" in told.value.remedy
    (root / "yes").rename(root / "tumor")
    split = split_by_group(load_examples(root), folds=2, fold=0, seed=0)
    assert len(split.training) == len(split.validation) == 2


def test_other_sets_have_all_their_classes_either_way(tmp_path: Path) -> None:
    make_class_folders(tmp_path / "data")
    both = load_examples(tmp_path / "data", binary=True)
    assert both == load_examples(tmp_path / "data")


def test_pictures_with_tumor_are_asked_for_in_vain(tmp_path: Path) -> None:
    make_br35h(tmp_path / "br35h")
    shutil.rmtree(tmp_path / "br35h" / "yes")
    assert len(load_examples(tmp_path / "br35h")) == 1
    with pytest.raises(DataError, match="no pictures in yes/"):
        load_examples(tmp_path / "br35h", binary=True)


def test_navoneels_copy_is_read_only_where_it_is_alone(tmp_path: Path) -> None:
    make_navoneel(tmp_path / "navoneel")
    assert len(load_examples(tmp_path / "navoneel", binary=True)) == 3
    for name in ("yes", "no"):
        shutil.rmtree(tmp_path / "navoneel" / name)
    assert recognise(tmp_path / "navoneel") == "navoneel"
    pictures = [e.picture for e in load_examples(tmp_path / "navoneel")]
    assert pictures == ["navoneel/brain_tumor_dataset/no/1 no.jpeg"]
