"""Pixels and outlines, from whatever file an example lies in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example, load_examples, read_mask, read_pixels
from tumorlens.reading import read_scan

from .made_sets import make_brats, save


def example(path: Path, **fields: object) -> Example:
    return replace(Example(path, path.name, "glioma", path.name, None, "made"), **fields)


def test_a_picture_is_what_the_runtime_reads(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "rgb.png")
    one = example(tmp_path / "rgb.png")
    np.testing.assert_array_equal(read_pixels(one), read_scan(one.path).pixels)
    blue = read_pixels(replace(one, channel=2))
    np.testing.assert_array_equal(blue, pixels[..., 2])
    assert blue.dtype == np.float32
    assert read_mask(one) is None


def test_what_counts_as_tumor_is_the_examples_own(tmp_path: Path) -> None:
    values = np.array([[0, 1, 4], [127, 128, 255]], np.uint8)
    Image.fromarray(values).save(tmp_path / "mask.png")
    one = example(tmp_path / "absent.png", mask=tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(one), [[0, 0, 0], [0, 1, 1]])
    tissues = replace(one, mask_above=0)
    np.testing.assert_array_equal(read_mask(tissues), [[0, 1, 1], [1, 1, 1]])


def test_a_turned_picture_and_its_outline_have_one_size(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30), np.uint8)
    turned = Image.Exif()
    turned[0x0112] = 6  # stored lying on its side
    (tmp_path / "ours").mkdir()
    Image.fromarray(pixels).save(tmp_path / "ours" / "a.png", exif=turned)
    save(tmp_path / "ours" / "mask.png", 255, (30, 20))
    (tmp_path / "ours" / "labels.csv").write_text("path,label,mask\na.png,glioma,mask.png\n")
    one = load_examples(tmp_path / "ours")[0]
    mask = read_mask(one)
    assert mask is not None
    assert read_pixels(one).shape == mask.shape == (30, 20)


def test_a_volume_without_a_slice_number_or_with_a_wrong_one(tmp_path: Path) -> None:
    make_brats(tmp_path / "brats")
    one = load_examples(tmp_path / "brats")[0]
    with pytest.raises(DataError, match="a volume of 20 slices"):
        read_pixels(replace(one, slice_index=None))
    with pytest.raises(DataError, match="expected a slice from 0 to 19; found 20"):
        read_pixels(replace(one, slice_index=20))
