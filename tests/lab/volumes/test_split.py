from pathlib import Path

import pytest

from tumorlens.errors import DataError
from tumorlens.lab.volumes.cases import PreparedCase
from tumorlens.lab.volumes.split import split_cases, write_case_split

from .made import small

CASES = [
    PreparedCase(
        f"BraTS-GLI-{patient:05d}-{time:03d}",
        f"BraTS-GLI-{patient:05d}",
        f"brats:BraTS-GLI-{patient:05d}",
        Path(),
        Path(),
    )
    for patient in range(7)
    for time in range(2)
]


def test_no_patient_stands_on_both_sides_and_each_validates_once(tmp_path: Path) -> None:
    held = []
    for fold in range(3):
        split = split_cases(CASES, small(data={"folds": 3, "validation_fold": fold}))
        sides = [{case.patient for case in part} for part in (split.training, split.validation)]
        assert not sides[0] & sides[1]
        assert len(split.training) + len(split.validation) == len(CASES)
        held += sorted(sides[1])
    assert sorted(held) == sorted({case.patient for case in CASES})
    write_case_split(tmp_path / "split.csv", split)
    lines = (tmp_path / "split.csv").read_text().splitlines()
    assert lines[0] == "case,patient,part"
    assert len(lines) == len(CASES) + 1


@pytest.mark.parametrize(
    "record",
    [
        "picture,label,group,part\nx,glioma,brats:BraTS-GLI-00002,validation\n"
        "y,glioma,brats:BraTS-GLI-00003,training\nz,glioma,lgg:BraTS-GLI-00004,validation\n",
        "case,patient,part\nc,BraTS-GLI-00002,validation\nd,BraTS-GLI-00003,training\n",
    ],
)
def test_an_earlier_split_is_taken_over(record: str, tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text(record)
    split = split_cases(CASES, small(data={"split": str(tmp_path / "split.csv")}))
    assert {case.patient for case in split.validation} == {"BraTS-GLI-00002"}
    assert len(split.training) == 12


def test_patients_of_one_name_in_two_sets_are_told_apart_by_their_group(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("picture,group,part\nx,b:pat1,validation\n")
    cases = [
        PreparedCase(name, name, group, Path(), Path())
        for name, group in (("pat1", "b:pat1"), ("pat2", "b:pat2"), ("pat1", "a:pat1"))
    ]
    split = split_cases(cases, small(data={"split": str(tmp_path / "split.csv")}))
    assert {case.patient for case in split.validation} == {"pat1"}
    assert {case.patient for case in split.training} == {"pat2"}


def test_a_record_of_other_patients_is_refused(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("case,patient,part\nc,somebody,validation\n")
    with pytest.raises(DataError, match="0 of 7 patients in validation"):
        split_cases(CASES, small(data={"split": str(tmp_path / "split.csv")}))
    with pytest.raises(DataError, match="0 of 7"):
        split_cases(CASES, small(data={"split": str(tmp_path / "absent.csv")}))


def test_too_few_patients_is_an_error() -> None:
    with pytest.raises(DataError, match="at least 8 patients for 8 folds; found 7"):
        split_cases(CASES, small(data={"folds": 8}))
