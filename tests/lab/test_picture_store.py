"""The store of prepared pictures: found again only if nothing changed, and never half there."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.lab import picture_store
from tumorlens.lab.datasets import Example
from tumorlens.lab.picture_store import Arrays, open_store, store_folder, store_of, write_store
from tumorlens.preparation import Preparation

SMALL = Preparation(size=32)
COUNT = 4


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Example]:
    monkeypatch.setenv(picture_store.VARIABLE, str(tmp_path / "stores"))
    monkeypatch.setattr(picture_store, "STORED_FROM", 2)
    made = []
    for number in range(COUNT):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.full((8, 8), 50 * number, np.uint8)).save(path)
        made.append(Example(path, path.name, "glioma", path.name, None, "made"))
    return made


def _arrays(count: int = COUNT) -> Arrays:
    pixels = np.random.default_rng(0).integers(0, 255, (count, 32, 32)).astype(np.uint8)
    return Arrays(pixels, pixels // 2, pixels[:, :4, :4].copy(), np.ones(count, bool))


def _brighter(examples: list[Example]) -> list[Example]:
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(examples[2].path)
    return examples


def _other_channel(examples: list[Example]) -> list[Example]:
    return [replace(examples[0], channel=1), *examples[1:]]


def _with_mask(examples: list[Example]) -> list[Example]:
    return [replace(examples[0], mask=examples[1].path), *examples[1:]]


def _other_order(examples: list[Example]) -> list[Example]:
    return examples[::-1]


@pytest.mark.parametrize("change", [_brighter, _other_channel, _with_mask, _other_order])
def test_whatever_changes_the_pictures_changes_the_store(
    examples: list[Example], change: Callable[[list[Example]], list[Example]]
) -> None:
    before = store_of(examples, SMALL)
    assert before is not None
    assert store_of(change(examples), SMALL) != before


def test_another_preparation_or_other_code_is_another_store(
    examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store_of(examples, SMALL)
    assert store_of(examples, replace(SMALL, margin=0.1)) != before
    monkeypatch.setattr(picture_store, "_code_digest", lambda: "other")
    assert store_of(examples, SMALL) != before


def test_labels_names_and_places_change_nothing(examples: list[Example], tmp_path: Path) -> None:
    moved = [replace(one, path=one.path.rename(tmp_path / f"m{one.path.name}")) for one in examples]
    before = store_of(moved, SMALL)
    renamed = [replace(one, label="no_tumor", group="other", picture="x.png") for one in moved]
    assert store_of(renamed, SMALL) == before


def test_what_is_written_is_read_back_mapped(examples: list[Example]) -> None:
    store = store_of(examples, SMALL)
    assert store is not None
    assert open_store(store) is None
    write_store(store, _arrays())
    found = open_store(store)
    assert found is not None
    np.testing.assert_array_equal(found.pixels, _arrays().pixels)
    assert not found.pixels.flags.writeable
    assert [one.name for one in store.parent.iterdir()] == [store.name]


def test_a_damaged_store_is_none_and_is_replaced(examples: list[Example]) -> None:
    store = store_of(examples, SMALL)
    assert store is not None
    write_store(store, _arrays())
    (store / "masks.npy").write_bytes(b"")
    assert open_store(store) is None
    write_store(store, _arrays())
    assert open_store(store) is not None


def test_where_nothing_can_be_written_nothing_is_lost(
    examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(picture_store.VARIABLE, str(tmp_path / "file"))
    store = store_of(examples, SMALL)
    assert store is not None
    write_store(store, _arrays())
    assert open_store(store) is None


def test_a_full_disk_leaves_no_half(
    examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    store = store_of(examples, SMALL)
    assert store is not None
    monkeypatch.setattr(np, "save", full)
    write_store(store, _arrays())
    assert list(store.parent.iterdir()) == []


def test_the_store_unused_for_longest_makes_room(
    examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store_folder()
    assert folder is not None
    for age, name in enumerate(("new", "middle", "old")):
        write_store(folder / name, _arrays())
        os.utime(folder / name, (1e9 - 1000 * age, 1e9 - 1000 * age))
    size = sum(file.stat().st_size for file in (folder / "new").iterdir())
    monkeypatch.setattr(picture_store, "MOST_BYTES", 3 * size)
    write_store(folder / "newest", _arrays())
    assert sorted(one.name for one in folder.iterdir()) == ["middle", "new", "newest"]


def test_nothing_but_stores_is_ever_deleted(
    examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store_folder()
    assert folder is not None
    assert folder.parent == tmp_path / "stores"
    for place in (folder.parent, folder):
        (place / "scans").mkdir(parents=True)
        (place / "scans" / "all.nii").write_bytes(bytes(1_000_000))
    monkeypatch.setattr(picture_store, "MOST_BYTES", 1)
    store = store_of(examples, SMALL)
    assert store is not None
    write_store(folder / "older", _arrays())
    write_store(store, _arrays())
    assert sorted(one.name for one in folder.iterdir()) == sorted([store.name, "scans"])
    assert (folder.parent / "scans" / "all.nii").stat().st_size == 1_000_000


def test_no_folder_few_pictures_and_absent_files_mean_none(
    examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store_of(examples[:1], SMALL) is None
    absent = [replace(one, path=one.path.with_suffix(".gone")) for one in examples]
    assert store_of(absent, SMALL) is None
    monkeypatch.delenv(picture_store.VARIABLE)
    assert store_of(examples, SMALL) is None
    assert store_folder() is None
