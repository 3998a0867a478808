from dataclasses import replace
from pathlib import Path

import pytest

from tumorlens.errors import ConfigError, DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation.parts import read_parts
from tumorlens.lab.splitting import (
    official_split,
    read_part,
    split_by_group,
    split_from_file,
    thin,
    write_split,
)


def examples(patients: int = 10, slices: int = 4) -> list[Example]:
    return [
        Example(Path(f"{p}-{s}.png"), f"made/{p}-{s}.png", label, f"made:{p}", str(p), "made")
        for p in range(patients)
        for s in range(slices)
        for label in [("glioma", "no_tumor")[p % 2]]
    ]


@pytest.mark.parametrize("fold", range(5))
def test_no_group_stands_on_both_sides(fold: int) -> None:
    made = examples()
    split = split_by_group(made, folds=5, fold=fold, seed=1)
    sides = [{made[i].group for i in part} for part in (split.training, split.validation)]
    assert not sides[0] & sides[1]
    assert len(split.training) + len(split.validation) == len(made)
    assert {made[i].label for i in split.validation} == {"glioma", "no_tumor"}


def test_the_same_seed_gives_the_same_split_and_folds_cover_everything() -> None:
    made = examples()
    splits = [split_by_group(made, folds=5, fold=fold, seed=3) for fold in range(5)]
    assert splits[2] == split_by_group(made, folds=5, fold=2, seed=3)
    assert sorted(i for split in splits for i in split.validation) == list(range(len(made)))


def test_a_rare_label_of_one_data_set_raises_no_warning() -> None:
    rare = Example(Path("x.png"), "other/x.png", "glioma", "other:x", None, "other")
    split = split_by_group([*examples(), rare], folds=5, fold=0, seed=0)
    assert len(split.training) + len(split.validation) == 41


def test_one_class_or_too_few_patients_are_refused() -> None:
    with pytest.raises(DataError, match="two classes"):
        split_by_group([e for e in examples() if e.label == "glioma"], folds=2, fold=0, seed=0)
    with pytest.raises(DataError, match="at least 6 patients"):
        split_by_group(examples(), folds=6, fold=0, seed=0)


def test_a_fold_beyond_the_last_is_refused() -> None:
    with pytest.raises(DataError, match="from 0 to 4"):
        split_by_group(examples(), folds=5, fold=5, seed=0)


def test_the_record_reads_back(tmp_path: Path) -> None:
    made = examples()
    split = split_by_group(made, folds=5, fold=0, seed=0)
    write_split(tmp_path / "split.csv", made, split)
    part = read_part(tmp_path / "split.csv", "validation")
    assert part == {made[i].picture: made[i].group for i in split.validation}


def test_a_wrong_record_or_an_empty_part_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="columns"):
        read_part(path, "validation")
    path.write_text("picture,label,group,part\n")
    with pytest.raises(DataError, match="none"):
        read_part(path, "validation")
    with pytest.raises(DataError, match="no such file"):
        read_part(tmp_path / "absent.csv", "validation")


HEAD = b"picture,label,group,part\n"


@pytest.mark.parametrize(
    "content",
    [
        b"\x08\x07onnx\xff\xfe",
        HEAD + b'"' + b"x" * 200_000,
    ],
)
def test_a_broken_record_is_a_plain_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"columns picture, label.*no CSV in UTF-8"):
        read_part(path, "validation")
    with pytest.raises(DataError, match="no CSV in UTF-8"):
        read_parts(tmp_path, split=path, part="validation")
    path.write_bytes(HEAD + b"cut sho")
    with pytest.raises(DataError, match="pictures of the part 'validation'"):
        read_part(path, "validation")


def test_an_earlier_split_is_taken_over(tmp_path: Path) -> None:
    made = examples()
    split = split_by_group(made, folds=5, fold=0, seed=0)
    write_split(tmp_path / "split.csv", made, split)
    assert split_from_file(made[::-1], tmp_path / "split.csv").validation == tuple(
        sorted(len(made) - 1 - i for i in split.validation)
    )
    stranger = Example(Path("n"), "made/n", "glioma", "made:n", None, "made")
    assert split_from_file([*made, stranger], tmp_path / "split.csv") == split
    with pytest.raises(DataError, match="these very pictures"):
        split_from_file([stranger], tmp_path / "split.csv")


def test_the_data_sets_own_parts_are_a_split() -> None:
    parts = ("training", "testing", "validation", None)
    made = [
        replace(e, dataset=name, official=part)
        for name in ("a", "b")
        for e, part in zip(examples(), parts, strict=False)
        if (name, part) != ("b", "testing")
    ]
    found = official_split(made)
    told = [
        [(made[i].dataset, made[i].official) for i in p] for p in (found.training, found.validation)
    ]
    assert told == [
        [("a", "training"), ("b", "training")],
        [("a", "testing"), ("b", "validation")],
    ]
    for wrong in ([replace(e, official=None) for e in made], made[1:]):
        with pytest.raises(DataError, match="none in a"):
            official_split(wrong)


def test_whole_groups_of_one_class_are_left_out_of_training_alone() -> None:
    made = examples(patients=50)
    split = split_by_group(made, folds=5, fold=0, seed=0)
    thinned = thin(made, split, {"glioma": 0.2})
    assert thinned.validation == split.validation

    def groups(indices: tuple[int, ...], label: str) -> list[str]:
        return [made[i].group for i in indices if made[i].label == label]

    assert groups(thinned.training, "no_tumor") == groups(split.training, "no_tumor")
    before, after = (groups(one.training, "glioma") for one in (split, thinned))
    assert len(after) == 0.2 * len(before)
    assert all(after.count(group) == before.count(group) for group in after)


def test_the_same_groups_stay_in_every_run_and_fewer_are_part_of_more() -> None:
    made = examples(patients=50)
    split = split_by_group(made, folds=5, fold=0, seed=0)
    few, more = (thin(made, split, {"glioma": part}) for part in (0.2, 0.6))
    assert set(few.training) < set(more.training) < set(split.training)
    turned = list(reversed(made))
    last = len(made) - 1
    other = replace(split, training=tuple(sorted(last - i for i in split.training)))
    again = thin(turned, other, {"glioma": 0.2})
    assert {turned[i].picture for i in again.training} == {made[i].picture for i in few.training}


def test_some_group_of_a_class_always_stays() -> None:
    made = examples()
    split = split_by_group(made, folds=5, fold=0, seed=0)
    left = thin(made, split, {"glioma": 0.0001})
    assert len({made[i].group for i in left.training if made[i].label == "glioma"}) == 1
    with pytest.raises(ConfigError, match="gliom"):
        thin(made, split, {"gliom": 0.5})
