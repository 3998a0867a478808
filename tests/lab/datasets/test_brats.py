"""BraTS in both styles of names, its wrapping folders, and its broken downloads."""

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tumorlens.errors import DataError
from tumorlens.lab.datasets import load_examples, read_mask, read_pixels, recognise, volumes
from tumorlens.reading import read_scan
from tumorlens.scan import Volume

from .made_sets import (
    HEAD,
    brats_voxels,
    make_brats,
    make_brats2013_slices,
    make_brats_2023,
    make_brats_case,
    save,
    save_nifti,
)

FIRST = "BraTS20_Training_001"


def test_a_slice_is_glioma_where_the_outline_says_so(tmp_path: Path) -> None:
    make_brats(tmp_path / "brats")
    examples = [e for e in load_examples(tmp_path / "brats") if e.sequence == "t1c"]
    assert [e.slice_index for e in examples] == [i for i in range(3, 18) if i != 12]
    tumor = [e for e in examples if e.label == "glioma"]
    assert [e.picture for e in tumor] == [f"brats/{FIRST}/{FIRST}_t1ce.nii#8"]
    assert tumor[0].group == f"brats:{FIRST}"
    assert {e.plane for e in examples} == {"axial"}
    mask = read_mask(tumor[0])
    assert mask is not None
    assert mask.sum() == 72
    volume = read_scan(tumor[0].path)
    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(read_pixels(tumor[0]), volume.slice(8).pixels)
    assert read_pixels(tumor[0])[mask > 0].min() == 200  # the tumor lies on the brain


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
@pytest.mark.parametrize("stated", [True, False])
def test_the_outline_lies_on_its_image_however_the_files_are_turned(
    signs: tuple[int, int, int], stated: bool, tmp_path: Path
) -> None:
    brain, labels = brats_voxels()
    folder = tmp_path / "brats" / FIRST
    affine = np.diag([*signs, 1.0])
    save_nifti(folder / f"{FIRST}_flair.nii", brain + labels, affine)
    outline = folder / "W39_Segm.nii"  # as one case of 2020 is named
    if stated:  # and stored the other way round
        there = affine @ np.array(
            [[-1, 0, 0, HEAD[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
        )
        save_nifti(outline, labels[::-1], there)
    else:
        nibabel.save(nibabel.Nifti1Image(labels, None), outline)
    tumor = [e for e in load_examples(tmp_path / "brats") if e.label == "glioma"]
    assert len(tumor) == 1
    pixels, mask = read_pixels(tumor[0]), read_mask(tumor[0])
    np.testing.assert_array_equal(pixels == 104, mask == 1)


def test_times_of_one_patient_are_one_group_and_meningiomas_are_known(tmp_path: Path) -> None:
    make_brats_2023(tmp_path / "brats")
    examples = load_examples(tmp_path / "brats")
    assert {(e.patient, e.label) for e in examples if e.mask} == {
        ("BraTS-GLI-00000", "glioma"),
        ("BraTS-MEN-00004", "meningioma"),
    }
    assert {e.sequence for e in examples} == {"t1", "t1c", "t2", "flair"}


@pytest.mark.parametrize(
    "inner", ["HGG", "MICCAI_BraTS_2018_Data_Training/LGG", "BraTS2021_Training_Data", FIRST]
)
def test_the_folders_around_the_cases_are_looked_into(inner: str, tmp_path: Path) -> None:
    if inner == FIRST:
        make_brats(tmp_path)
        root = tmp_path / FIRST
    else:
        root = tmp_path / "download"
        make_brats(root / inner)
        (root / "MICCAI_BraTS2020_ValidationData" / "BraTS20_Validation_001").mkdir(parents=True)
    assert recognise(root) == "brats"
    assert len(load_examples(root)) == 56


def test_an_outline_without_tumor_is_no_error(tmp_path: Path) -> None:
    make_brats(tmp_path / "brats")
    seg = tmp_path / "brats" / FIRST / f"{FIRST}_seg.nii"
    save_nifti(seg, np.zeros(HEAD, np.uint8))
    assert {e.label for e in load_examples(tmp_path / "brats")} == {"no_tumor"}


def test_what_a_case_lacks_is_said(tmp_path: Path) -> None:
    root = tmp_path / "brats"
    make_brats(root)
    make_brats_case(root / "BraTS20_Training_002", ("t1", "t1ce", "t2", "flair"), "_", ".nii")
    second = root / "BraTS20_Training_002"
    (second / f"{second.name}_t1ce.nii").unlink()
    with pytest.raises(DataError, match=r"1 cases without some, .*Training_002 without t1c"):
        load_examples(root)
    (second / f"{second.name}_seg.nii").unlink()
    with pytest.raises(DataError, match=r"no outline \(seg\) in BraTS20_Training_002"):
        load_examples(root)
    shutil.rmtree(second)
    second.mkdir()
    with pytest.raises(DataError, match="no sequences and no outline in BraTS20_Training_002"):
        load_examples(root)


@pytest.mark.parametrize(
    ("one", "other", "sequence"),
    [
        ("t1ce", "t1gd", "t1c"),
        ("t1", "t1n", "t1"),
        ("t1ce", "T1CE", "t1c"),
        ("seg", "SEGM", "outline"),
    ],
)
def test_two_files_of_one_sequence_are_refused(
    one: str, other: str, sequence: str, tmp_path: Path
) -> None:
    make_brats(tmp_path / "brats")
    folder = tmp_path / "brats" / FIRST
    shutil.copy(folder / f"{FIRST}_{one}.nii", folder / f"{FIRST}_{other}.nii")
    with pytest.raises(DataError) as raised:
        load_examples(tmp_path / "brats")
    both = {f"{FIRST}_{one}.nii", f"{FIRST}_{other}.nii"}
    assert raised.value.found.startswith(f"{sequence} twice: ")
    assert set(raised.value.found.split(": ")[1].split(" and ")) == both


def test_an_unpacked_copy_beside_the_file_is_refused(tmp_path: Path) -> None:
    make_brats_2023(tmp_path / "brats")
    name = "BraTS-MEN-00004-000"
    packed = tmp_path / "brats" / name / f"{name}-t2w.nii.gz"
    packed.with_name(f"{name}-t2w.nii").write_bytes(packed.read_bytes())
    with pytest.raises(DataError, match=rf"t2 twice: {name}-t2w\.nii and {name}-t2w\.nii\.gz"):
        load_examples(tmp_path / "brats")


def test_volumes_of_another_size_or_broken_are_named(tmp_path: Path) -> None:
    make_brats_2023(tmp_path / "brats")
    seg = tmp_path / "brats" / "BraTS-MEN-00004-000" / "BraTS-MEN-00004-000-seg.nii.gz"
    save_nifti(seg, np.ones((30, 28, 19), np.uint8))
    with pytest.raises(DataError, match=r"30 x 28 x 20 voxels like .* found 30 x 28 x 19"):
        load_examples(tmp_path / "brats")
    save_nifti(seg, np.random.default_rng(0).integers(0, 4, HEAD, np.uint8))
    seg.write_bytes(seg.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"seg\.nii\.gz: expected a whole NIfTI file"):
        load_examples(tmp_path / "brats")


def test_slices_of_one_volume_unpack_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_brats(tmp_path / "brats")
    examples = [e for e in load_examples(tmp_path / "brats") if e.sequence == "t2"]
    read: list[Path] = []

    def counted(path: Path) -> object:
        read.append(path)
        return read_scan(path)

    monkeypatch.setattr(volumes, "read_scan", counted)
    first = [read_pixels(example) for example in examples]
    assert len(read) == 1
    first[0][:] = -1  # a copy: the volume itself stays as it was
    np.testing.assert_array_equal(read_pixels(examples[1]), first[1])
    assert read_pixels(examples[0]).min() == 0
    assert len(read) == 1


def test_slices_of_2013_need_their_outlines_and_sequences(tmp_path: Path) -> None:
    root = tmp_path / "slices"
    make_brats2013_slices(root)
    tumor = [e for e in load_examples(root) if e.mask]
    assert [e.picture for e in tumor] == [
        "slices/pat0001/flair_011.jpg",
        "slices/pat0001/t1ce_011.jpg",
    ]
    mask = read_mask(tumor[0])
    assert mask is not None
    assert mask.sum() == 100
    (root / "pat0001" / "seg_011.png").unlink()
    with pytest.raises(DataError, match="1 missing, the first seg_011"):
        load_examples(root)
    save(root / "pat0001" / "seg_011.png", 1, (18, 16))
    with pytest.raises(DataError, match="2 of another size, the first 16 x 18"):
        load_examples(root)
