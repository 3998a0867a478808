from pathlib import Path

import pytest

from tumorlens.errors import DataError
from tumorlens.lab.volumes.cases import PreparedCase
from tumorlens.lab.volumes.split import split_cases, write_case_split

from .made import small

CASES = [
    PreparedCase(f"BraTS-GLI-{patient:05d}-{time:03d}", f"BraTS-GLI-{patient:05d}", Path(), Path())
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


def test_too_few_patients_is_an_error() -> None:
    with pytest.raises(DataError, match="at least 8 patients for 8 folds; found 7"):
        split_cases(CASES, small(data={"folds": 8}))
