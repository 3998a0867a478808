from pathlib import Path

import pytest

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.protocols import leave_one_source_out, patient_disjoint_folds


def example(dataset: str, number: int, label: str, group: str = "") -> Example:
    name = f"{dataset}/{number}"
    return Example(Path(name), name, label, group or name, None, dataset)


EXAMPLES = [
    *(example("a", k, "glioma" if k % 2 else "no_tumor") for k in range(20)),
    *(example("b", k, "glioma" if k % 2 else "no_tumor") for k in range(20)),
    example("b", 20, "glioma", group="a/3"),  # a copy of a slice of the other source
    example("c", 0, "glioma"),
]


def test_a_source_left_out_is_never_trained_on() -> None:
    split = leave_one_source_out(EXAMPLES, "a")
    assert {EXAMPLES[k].dataset for k in split.validation} == {"a"}
    assert len(split.validation) == 20
    assert {EXAMPLES[k].dataset for k in split.training} == {"b", "c"}
    assert 40 not in split.training  # the copy
    groups = [{EXAMPLES[k].group for k in part} for part in (split.training, split.validation)]
    assert not groups[0] & groups[1]


def test_several_sets_may_be_one_source() -> None:
    split = leave_one_source_out(EXAMPLES, ["a", "c"])
    assert {EXAMPLES[k].dataset for k in split.validation} == {"a", "c"}
    assert {EXAMPLES[k].dataset for k in split.training} == {"b"}


@pytest.mark.parametrize(
    ("source", "match"),
    [("d", "found d"), ((), "found none"), (("a", "b"), "only glioma"), ("abc", "found abc")],
)
def test_what_cannot_be_left_out_is_refused(source: str | tuple[str, ...], match: str) -> None:
    with pytest.raises(DataError, match=match):
        leave_one_source_out(EXAMPLES, source)


def test_every_group_validates_in_one_fold() -> None:
    folds = patient_disjoint_folds(EXAMPLES, folds=4, seed=1)
    held = [{EXAMPLES[k].group for k in split.validation} for split in folds]
    assert sum(map(len, held)) == len(set.union(*held)) == len({e.group for e in EXAMPLES})
    for split in folds:
        trained = {EXAMPLES[k].group for k in split.training}
        assert not trained & {EXAMPLES[k].group for k in split.validation}


def test_fewer_patients_than_folds_are_refused() -> None:
    with pytest.raises(DataError, match="at least 30 patients"):
        patient_disjoint_folds(EXAMPLES, folds=30, seed=0)
