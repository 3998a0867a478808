from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.errors import DataError
from tumorlens.lab import picture_store, pictures
from tumorlens.lab.datasets import Example, load_examples
from tumorlens.lab.pictures import load_pictures
from tumorlens.preparation import Preparation, prepare
from tumorlens.reading import read_scan

SMALL = Preparation(size=32)


def example(path: Path, channel: int | None = None) -> Example:
    return Example(path, path.name, "glioma", path.name, None, "made", channel)


def test_pictures_are_exactly_what_the_runtime_prepares(class_folders: Path) -> None:
    examples = load_examples(class_folders)
    told: list[tuple[int, int]] = []
    loaded = load_pictures(examples, SMALL, progress=lambda done, total: told.append((done, total)))
    assert loaded.examples == tuple(examples)
    assert told[-1] == (len(examples), len(examples))
    expected = prepare(read_scan(examples[5].path), SMALL).pixels
    np.testing.assert_array_equal(loaded.pixels[5] / np.float32(255), expected)


def test_a_channel_is_read_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (40, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "rgb.png")
    Image.fromarray(pixels[..., 2]).save(tmp_path / "blue.png")
    loaded = load_pictures(
        [example(tmp_path / "rgb.png", 2), example(tmp_path / "blue.png")], SMALL
    )
    np.testing.assert_array_equal(loaded.pixels[0], loaded.pixels[1])


def test_blank_slices_are_left_out_and_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 6, (40, 40), np.uint8)).save(tmp_path / "blank.png")
    Image.fromarray(rng.integers(0, 255, (40, 40), np.uint8)).save(tmp_path / "full.png")
    loaded = load_pictures([example(tmp_path / name) for name in ("blank.png", "full.png")], SMALL)
    assert [e.path.name for e in loaded.examples] == ["full.png"]
    assert [e.path.name for e in loaded.blank] == ["blank.png"]


def test_a_volume_or_a_broken_file_is_an_error(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((20, 20), 50 * i, np.uint8)) for i in range(1, 4)]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(DataError, match="volume of 3 slices"):
        load_pictures([example(tmp_path / "stack.tif")], SMALL)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="1 more") as caught:
        load_pictures([example(tmp_path / n) for n in ("broken.png", "stack.tif")], SMALL)
    assert "broken.png, stack.tif" in caught.value.remedy


def test_float_pictures_are_not_taken_for_blank(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((40, 40), np.float32)
    Image.fromarray(pixels).save(tmp_path / "float.tif")
    assert len(load_pictures([example(tmp_path / "float.tif")], SMALL).examples) == 1


def test_masks_lie_where_the_tumor_lies(tmp_path: Path) -> None:
    pixels = np.zeros((60, 50), np.uint8)
    pixels[10:50, 10:40] = np.random.default_rng(0).integers(40, 80, (40, 30))
    pixels[20:30, 15:25] = 250
    Image.fromarray(pixels).save(tmp_path / "head.png")
    Image.fromarray((pixels == 250).astype(np.uint8) * 255).save(tmp_path / "mask.png")
    outlined = replace(example(tmp_path / "head.png"), mask=tmp_path / "mask.png")
    healthy = replace(example(tmp_path / "head.png"), label="no_tumor")
    loaded = load_pictures([outlined, example(tmp_path / "head.png"), healthy], SMALL)
    assert loaded.outlined.tolist() == [True, False, True]
    assert loaded.masks[1:].max() == 0
    bright = loaded.pixels[0] > 200
    found = loaded.masks[0] > 127
    assert (bright & found).sum() / (bright | found).sum() > 0.7


def test_a_mask_of_another_size_is_an_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (40, 40), np.uint8)).save(tmp_path / "head.png")
    Image.fromarray(np.zeros((20, 40), np.uint8)).save(tmp_path / "mask.png")
    with pytest.raises(DataError, match="40x40"):
        load_pictures([replace(example(tmp_path / "head.png"), mask=tmp_path / "mask.png")], SMALL)


def _no_reading(*_: object) -> None:
    raise AssertionError("a picture was read again")


def test_many_pictures_are_read_once(
    class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = load_examples(class_folders)
    plain = load_pictures(examples, SMALL)
    monkeypatch.setenv(picture_store.VARIABLE, str(tmp_path))
    monkeypatch.setattr(picture_store, "STORED_FROM", 10)
    first = load_pictures(examples, SMALL)
    monkeypatch.setattr(pictures, "read_pixels", _no_reading)
    told: list[tuple[int, int]] = []
    again = load_pictures(examples, SMALL, progress=lambda *at: told.append(at))
    assert told == [(len(examples), len(examples))]
    for loaded in (first, again):
        assert loaded.examples == plain.examples
        for name in ("pixels", "masks", "thumbnails", "outlined"):
            np.testing.assert_array_equal(getattr(loaded, name), getattr(plain, name))
    assert isinstance(again.pixels.base, np.memmap)


def test_slices_of_one_value_are_blank(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (40, 40), np.uint8)).save(tmp_path / "full.png")
    Image.new("L", (40, 40), 0).save(tmp_path / "black.png")
    Image.new("RGB", (40, 40), (9, 8, 7)).save(tmp_path / "brown.png")
    names = ("full.png", "black.png", "brown.png")
    loaded = load_pictures([example(tmp_path / name) for name in names], SMALL)
    assert [one.path.name for one in loaded.blank] == ["black.png", "brown.png"]


@pytest.mark.parametrize("made", [lambda x: (x - x.mean()) / x.std(), lambda x: 1.2 * x / 255])
def test_floats_of_other_units_are_not_taken_for_blank(
    made: Callable[[np.ndarray], np.ndarray], tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40)).astype(np.float32)
    Image.fromarray(made(pixels)).save(tmp_path / "float.tif")
    assert len(load_pictures([example(tmp_path / "float.tif")], SMALL).examples) == 1


def test_nearly_black_slices_of_whole_numbers_are_blank(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, mode in (("gray.png", "L"), ("rgb.png", "RGB")):
        noise = rng.choice([0, 0, 0, 2], (40, 40)).astype(np.uint8)
        Image.fromarray(noise).convert(mode).save(tmp_path / name)
    loaded = load_pictures([example(tmp_path / name) for name in ("gray.png", "rgb.png")], SMALL)
    assert len(loaded.blank) == 2
