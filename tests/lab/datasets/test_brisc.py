"""BRISC as downloaded, one task or both; the flat form is in the table's tests."""

import shutil
from pathlib import Path

import pytest

from tumorlens.errors import DataError
from tumorlens.lab.datasets import load_examples, read_mask, recognise

from .made_sets import make_brisc_classification, make_brisc_segmentation


@pytest.mark.parametrize("inner", ["", "brisc2025"])
def test_both_tasks_give_labels_planes_halves_and_outlines(inner: str, tmp_path: Path) -> None:
    root = tmp_path / "brisc"
    make_brisc_classification(root / inner)
    assert recognise(root) == "brisc"
    assert len(load_examples(root)) == 8
    assert not any(e.mask for e in load_examples(root))
    make_brisc_segmentation(root / inner)
    examples = load_examples(root)
    assert [e.official for e in examples] == ["training"] * 4 + ["testing"] * 4
    assert {e.plane for e in examples} == {"sagittal"}
    for example in examples:
        mask = read_mask(example)
        assert (mask is None) == (example.label == "no_tumor")
        assert mask is None or mask.sum() == 15 * 16


def test_the_segmentation_task_alone_is_read_by_its_names(tmp_path: Path) -> None:
    make_brisc_segmentation(tmp_path / "brisc")
    examples = load_examples(tmp_path / "brisc")
    assert [e.label for e in examples] == ["glioma", "meningioma", "pituitary"] * 2
    assert all(e.mask for e in examples)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    root = tmp_path / "brisc"
    make_brisc_classification(root)
    make_brisc_segmentation(root)
    shutil.rmtree(root / "classification_task" / "test" / "glioma")
    with pytest.raises(DataError, match=r"1 files or folders .* classification_task/test/glioma"):
        load_examples(root)
    shutil.rmtree(root / "classification_task")
    name = "brisc2025_train_00001_me_sa_t1.png"
    (root / "segmentation_task" / "train" / "masks" / name).unlink()
    with pytest.raises(DataError, match=f"the first segmentation_task/train/masks/{name}"):
        load_examples(root)
    shutil.rmtree(root / "segmentation_task" / "test")
    with pytest.raises(DataError, match="the first segmentation_task/test/images"):
        load_examples(root)
