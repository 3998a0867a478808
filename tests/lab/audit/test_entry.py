from pathlib import Path

import pytest

from tumorlens.errors import DataError
from tumorlens.lab.audit.entry import Entry, find_entries

from .made_pictures import draw


def put(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(seed, size=64).save(path)
    return path


def by_name(entries: tuple[Entry, ...]) -> dict[str, Entry]:
    return {entry.path.name: entry for entry in entries}


def test_a_data_set_brings_labels_and_halves(tmp_path: Path) -> None:
    root = tmp_path / "set"
    put(root / "Training" / "glioma_tumor" / "a.png")
    put(root / "Training" / "no_tumor" / "b.png")
    put(root / "Testing" / "no_tumor" / "c.png")
    put(root / "Testing" / "glioma_tumor" / "d.png")
    found = by_name(find_entries([root]))
    assert found["a.png"].label == found["d.png"].label == "glioma"
    assert found["a.png"].set == "set/training"
    assert found["c.png"].set == "set/testing"
    assert found["a.png"].path == root / "Training" / "glioma_tumor" / "a.png"


def test_any_folder_of_pictures_will_do(tmp_path: Path) -> None:
    put(tmp_path / "some" / "x.png")
    put(tmp_path / "some" / "deep" / "test" / "glioma" / "y.png")
    put(tmp_path / "some" / ".hidden.png")
    found = by_name(find_entries([tmp_path / "some"]))
    assert set(found) == {"x.png", "y.png"}
    assert found["x.png"].label is None
    assert found["x.png"].set == "some"
    assert (found["y.png"].label, found["y.png"].half) == ("glioma", "testing")


def test_several_sets_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        for label in ("glioma", "no_tumor"):
            put(tmp_path / name / label / "a.png")
    put(tmp_path / "loose" / "a.png")
    found = find_entries([tmp_path])
    assert {entry.dataset for entry in found} == {"one", "two", "loose"}
    assert len(found) == 5


def test_sets_of_one_name_are_told_apart_and_no_file_counts_twice(tmp_path: Path) -> None:
    for place in ("here", "there"):
        put(tmp_path / place / "set" / "a.png")
    folders = [tmp_path / "here" / "set", tmp_path / "there" / "set", tmp_path / "here" / "set"]
    found = find_entries(folders)
    assert [entry.dataset for entry in found] == ["set", "there/set"]


def test_a_csv_brings_patients(tmp_path: Path) -> None:
    for name in "ab":
        put(tmp_path / "set" / f"{name}.png")
    table = tmp_path / "set" / "table.csv"
    table.write_text("path,label,patient\na.png,glioma,p1\nb.png,no_tumor,\n")
    for given in (table, tmp_path / "set"):
        found = by_name(find_entries([given]))
        assert found["a.png"].patient == "set:p1"
        assert found["b.png"].patient is None
    table.write_text("path,label\na.png,glioma\nabsent.png,glioma\n")
    with pytest.raises(DataError, match=r"1 missing.*absent\.png"):
        find_entries([table])


def test_nothing_to_audit_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "words.txt").write_text("no picture")
    put(tmp_path / "good" / "a.png")
    with pytest.raises(DataError, match="no picture in it"):
        find_entries([tmp_path / "good", tmp_path / "empty"])
    with pytest.raises(DataError, match="no such folder"):
        find_entries([tmp_path / "absent"])
    with pytest.raises(DataError, match="another kind of file"):
        find_entries([tmp_path / "words.txt"])
