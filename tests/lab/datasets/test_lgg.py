"""The LGG set as downloaded, and what is said where it is not whole."""

from pathlib import Path

import numpy as np
import pytest

from tumorlens.errors import DataError
from tumorlens.lab.datasets import load_examples, read_pixels

from .made_sets import make_lgg


def test_the_archive_holds_the_same_tif_slices_twice(tmp_path: Path) -> None:
    root = tmp_path / "lgg"
    make_lgg(root / "kaggle_3m", ".tif")
    make_lgg(root / "lgg-mri-segmentation" / "kaggle_3m", ".tif")
    examples = load_examples(root)
    assert [e.picture for e in examples] == [
        f"lgg/kaggle_3m/TCGA_XX_1/TCGA_XX_1_{number}.tif" for number in (1, 1, 2, 2)
    ]
    assert [e.sequence for e in examples] == ["t1", "flair"] * 2
    np.testing.assert_array_equal(read_pixels(examples[0]), 50)
    np.testing.assert_array_equal(read_pixels(examples[1]), 100)


def test_slices_without_masks_are_not_taken_for_healthy(tmp_path: Path) -> None:
    make_lgg(tmp_path / "lgg")
    (tmp_path / "lgg" / "TCGA_XX_1" / "TCGA_XX_1_2_mask.png").unlink()
    with pytest.raises(DataError, match=r"1 slices without one, the first TCGA_XX_1_2\.png"):
        load_examples(tmp_path / "lgg")


def test_an_empty_patient_is_named(tmp_path: Path) -> None:
    make_lgg(tmp_path / "lgg")
    (tmp_path / "lgg" / "TCGA_YY_2").mkdir()
    with pytest.raises(DataError, match="TCGA_YY_2: expected slices such as TCGA_YY_2_1"):
        load_examples(tmp_path / "lgg")
