import os
import re
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tumorlens.errors import ScanContentError, ScanCorruptError, ScanFormatError
from tumorlens.reading.case import find_case, is_label_map
from tumorlens.volume_outlining.head import read_head

NAMES_2020 = ("t1", "t1ce", "t2", "flair", "seg")
NAMES_2023 = ("t1n", "t1c", "t2w", "t2f", "seg")


def write_volume(
    path: Path, shape: tuple[int, ...] = (6, 5, 4), shift: float = 0.0, seed: int = 0
) -> None:
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[0, 3] = shift
    data = np.random.default_rng(seed).integers(0, 99, shape).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(data, affine), path)


@pytest.mark.parametrize(
    ("form", "names"), [("C_001_{}.nii.gz", NAMES_2020), ("C-GLI-0-{}.nii.gz", NAMES_2023)]
)
def test_both_styles_of_names_are_known(tmp_path: Path, form: str, names: tuple[str, ...]) -> None:
    for name in names:
        write_volume(tmp_path / form.format(name))
    case = find_case(tmp_path)
    assert case is not None
    assert list(case.files) == ["t1", "t1c", "t2", "flair"]
    assert case.missing == ()
    assert is_label_map(tmp_path / form.format("seg"))


@pytest.mark.parametrize(
    ("names", "sequences"),
    [
        (("sub-01_ce-GD_T1w", "sub-01_T2w", "sub-01_FLAIR"), ["t1c", "t2", "flair"]),
        (
            ("sub-01_T1w", "sub-01_ce-GD_T1w", "sub-01_T2w", "sub-01_FLAIR"),
            ["t1", "t1c", "t2", "flair"],
        ),
        (("sub-01_ce-gadolinium_T1w", "sub-01_T1w"), ["t1", "t1c"]),
        (("sub-01_acq-post_T1w", "sub-01_acq-pre_T1w"), ["t1", "t1c"]),
        (("sub-01_no_gd_T1w", "sub-01_FLAIR"), ["t1", "flair"]),
        (("ce-001_t1", "ce-001_flair"), ["t1", "flair"]),
        (("GD_7_t1", "GD_7_t1ce", "GD_7_t2"), ["t1", "t1c", "t2"]),
        (("x_t1_post", "x_t1", "x_t2"), ["t1", "t1c", "t2"]),
        (("SAG_T1_FLAIR", "AX_T2_FLAIR", "AX_T2"), ["t1", "t2", "flair"]),
        (("t1_tirm_tra_dark-fluid", "t2_tirm_tra_dark-fluid"), ["t1", "flair"]),
        (("t1_tirm_tra_dark-fluid_post", "t1_tse", "t2_tirm_dark-fluid"), ["t1", "t1c", "flair"]),
        (("x_flair_to_t1", "x_t1"), ["t1", "flair"]),
        (("sub-01_space-T1w_FLAIR", "sub-01_T1w"), ["t1", "flair"]),
        (("CT1", "T1", "FLAIR"), ["t1", "t1c", "flair"]),
        (("AX_T1_FLAIR_POST", "SAG_T1_FLAIR", "AX_T2_FLAIR"), ["t1", "t1c", "flair"]),
    ],
)
def test_contrast_is_told_by_words_that_not_all_names_share(
    tmp_path: Path, names: tuple[str, ...], sequences: list[str]
) -> None:
    for name in names:
        write_volume(tmp_path / f"{name}.nii.gz")
    case = find_case(tmp_path)
    assert case is not None
    assert list(case.files) == sequences
    if "t1c" in sequences:
        assert re.search("ce|gad|post|ct1", case.files["t1c"].name.lower())


def test_other_volumes_of_a_bids_head_are_passed_over(tmp_path: Path) -> None:
    names = ("sub-01_ses-1_ce-GD_T1w", "sub-01_ses-1_FLAIR", "sub-01_ses-1_PDw")
    for name in names:
        write_volume(tmp_path / f"{name}.nii.gz")
    case = find_case(tmp_path)
    assert case is not None
    assert case.name == "sub-01_ses-1"
    assert list(case.files) == ["t1c", "flair"]
    assert [path.name for path in case.passed_over] == ["sub-01_ses-1_PDw.nii.gz"]


@pytest.mark.parametrize(
    "names", [("sub-01_T1w", "sub-02_FLAIR"), ("sub-01_ses-1_T1w", "sub-01_ses-2_FLAIR")]
)
def test_bids_heads_of_several_people_or_days_are_no_case(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        write_volume(tmp_path / f"{name}.nii.gz")
    assert find_case(tmp_path) is None


def test_a_missing_sequence_is_named(tmp_path: Path) -> None:
    for name in ("flair", "t1ce"):
        write_volume(tmp_path / f"C_{name}.nii.gz")
    case = find_case(tmp_path)
    assert case is not None
    assert case.missing == ("t1", "t2")


def test_one_volume_or_unknown_names_are_no_case(tmp_path: Path) -> None:
    write_volume(tmp_path / "flair.nii.gz")
    assert find_case(tmp_path) is None
    write_volume(tmp_path / "anatomy.nii.gz")
    assert find_case(tmp_path) is None


def test_a_sequence_twice_is_refused(tmp_path: Path) -> None:
    for name in ("a_flair", "b_flair", "t1"):
        write_volume(tmp_path / f"{name}.nii.gz")
    with pytest.raises(ScanContentError, match="flair 2 times"):
        find_case(tmp_path)


@pytest.mark.parametrize(
    ("change", "found"), [({"shape": (6, 5, 3)}, "shapes"), ({"shift": 3.0}, "affines")]
)
def test_sequences_on_different_grids_are_refused(
    tmp_path: Path, change: dict[str, object], found: str
) -> None:
    write_volume(tmp_path / "c_flair.nii.gz")
    write_volume(tmp_path / "c_t1.nii.gz", **change)  # type: ignore[arg-type]
    with pytest.raises(ScanContentError, match=rf"different {found}.* or give one .*: FLAIR"):
        find_case(tmp_path)


def test_places_are_compared_and_not_the_affines_numbers(tmp_path: Path) -> None:
    write_volume(tmp_path / "c_flair.nii.gz", (240, 240, 155))
    turned = nibabel.load(tmp_path / "c_flair.nii.gz")
    for angle, is_case in ((0.009, False), (1e-5, True)):
        affine = turned.affine.copy()
        affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        image = nibabel.Nifti1Image(np.asarray(turned.dataobj), affine)
        nibabel.save(image, tmp_path / "c_t1.nii.gz")
        if is_case:
            assert find_case(tmp_path) is not None
            continue
        with pytest.raises(ScanContentError, match=r"affines: flair up to 3\.04 mm away from t1"):
            find_case(tmp_path)


def test_a_damaged_volume_is_an_error(tmp_path: Path) -> None:
    write_volume(tmp_path / "c_flair.nii.gz")
    (tmp_path / "c_t1.nii.gz").write_bytes(b"no volume")
    with pytest.raises(ScanCorruptError, match=r"c_t1\.nii\.gz: expected a whole"):
        find_case(tmp_path)


def test_a_pipe_under_a_volumes_name_is_not_waited_for(tmp_path: Path) -> None:
    write_volume(tmp_path / "c_flair.nii.gz")
    os.mkfifo(tmp_path / "c_t1.nii.gz")
    with pytest.raises(ScanFormatError, match="pipe"):
        find_case(tmp_path)


def test_several_volumes_in_a_file_are_an_error(tmp_path: Path) -> None:
    write_volume(tmp_path / "c_flair.nii.gz", (6, 5, 4, 1))
    write_volume(tmp_path / "c_t1.nii.gz", (6, 5, 4, 2))
    with pytest.raises(ScanContentError, match="2 volumes in one file"):
        find_case(tmp_path)


def test_bytes_decide_what_a_volume_is(tmp_path: Path) -> None:
    write_volume(tmp_path / "c_flair.nii")
    write_volume(tmp_path / "packed.nii.gz", seed=1)
    (tmp_path / "packed.nii.gz").rename(tmp_path / "c_t1.nii")
    write_volume(tmp_path / "plain.nii", seed=2)
    (tmp_path / "plain.nii").rename(tmp_path / "c_t2.nii.gz")
    case = find_case(tmp_path)
    assert case is not None
    assert list(case.files) == ["t1", "t2", "flair"]
    np.testing.assert_array_equal(np.abs(read_head(case).affine[:3, :3]).sum(axis=0), [1, 1, 1])


def test_hidden_files_are_none_of_ours(tmp_path: Path) -> None:
    for name in ("c_flair", "c_t1", "._c_flair"):
        write_volume(tmp_path / f"{name}.nii.gz")
    case = find_case(tmp_path)
    assert case is not None
    assert [path.name for path in case.files.values()] == ["c_t1.nii.gz", "c_flair.nii.gz"]


def test_other_volumes_of_the_head_are_passed_over(tmp_path: Path) -> None:
    for name in ("c_1_flair", "c_1_t1ce", "c_1_adc"):
        write_volume(tmp_path / f"{name}.nii.gz")
    case = find_case(tmp_path)
    assert case is not None
    assert list(case.files) == ["t1c", "flair"]
    assert [path.name for path in case.passed_over] == ["c_1_adc.nii.gz"]
    write_volume(tmp_path / "d_1_scan.nii.gz")  # of another head
    assert find_case(tmp_path) is None
