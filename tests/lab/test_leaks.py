from dataclasses import replace
from pathlib import Path

import pytest

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.leaks import REPAIRED, find_leaks, recorded_split
from tumorlens.lab.splitting import Split, split_by_group, split_from_file, write_split


def examples(patients: int = 10, slices: int = 4) -> list[Example]:
    return [
        Example(Path(f"{p}-{s}.png"), f"made/{p}-{s}.png", label, f"made:{p}", str(p), "made")
        for p in range(patients)
        for s in range(slices)
        for label in [("glioma", "no_tumor")[p % 2]]
    ]


def test_a_split_by_group_does_not_leak(tmp_path: Path) -> None:
    made = examples()
    split = split_by_group(made, folds=5, fold=0, seed=0)
    assert find_leaks(made, split) == []
    write_split(tmp_path / "split.csv", made, split)
    assert recorded_split(made, tmp_path / "split.csv", run=tmp_path / "run") == split
    assert not (tmp_path / "run").exists()


@pytest.fixture
def leaky(tmp_path: Path) -> tuple[list[Example], Split, Path]:
    """Every second slice of each of three patients validates."""
    made = examples()
    validation = tuple(i for i in range(12) if i % 2)
    split = Split(tuple(i for i in range(40) if i not in validation), validation)
    write_split(tmp_path / "split.csv", made, split)
    return made, split, tmp_path / "split.csv"


def test_a_leak_is_refused_with_the_pictures_and_a_repaired_split(
    leaky: tuple[list[Example], Split, Path], tmp_path: Path
) -> None:
    made, _, path = leaky
    run = tmp_path / "run"
    with pytest.raises(DataError) as caught:
        recorded_split(made, path, run=run)
    assert "6 of 6 validation pictures" in caught.value.found
    assert "made/0-1.png with made/0-0.png (made:0)" in caught.value.found
    assert "lacks 6 training pictures" in caught.value.remedy
    assert (run / REPAIRED).as_posix() in caught.value.remedy
    assert "--allow-leaks" in caught.value.remedy
    repaired = recorded_split(made, run / REPAIRED, run=run)
    assert find_leaks(made, repaired) == []
    assert len(repaired.training) == 28
    assert len(repaired.validation) == 6


def test_a_leak_may_be_allowed_and_is_marked(
    leaky: tuple[list[Example], Split, Path], tmp_path: Path
) -> None:
    made, split, path = leaky
    found = recorded_split(made, path, run=tmp_path / "run", allow_leaks=True)
    assert found == replace(split, leaky=True)
    assert not (tmp_path / "run").exists()
    assert split_from_file(made, path).leaky is False


def test_where_every_training_patient_validates_nothing_is_repaired(tmp_path: Path) -> None:
    made = examples()
    split = Split(tuple(range(0, 40, 2)), tuple(range(1, 40, 2)))
    write_split(tmp_path / "split.csv", made, split)
    run = tmp_path / "run"
    with pytest.raises(DataError, match=r"nothing can be repaired.*--allow-leaks"):
        recorded_split(made, tmp_path / "split.csv", run=run)
    assert not run.exists()
    found = recorded_split(made, tmp_path / "split.csv", run=run, allow_leaks=True)
    assert found == replace(split, leaky=True)


def test_permission_without_a_leak_marks_nothing(tmp_path: Path) -> None:
    made = examples()
    split = split_by_group(made, folds=5, fold=0, seed=0)
    write_split(tmp_path / "split.csv", made, split)
    found = recorded_split(made, tmp_path / "split.csv", run=tmp_path, allow_leaks=True)
    assert found == split
