from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.made_cases import LPS, NEW, made_head, save_case
from tumorlens.errors import DataError
from tumorlens.lab.volumes.brats_heads import find_brats
from tumorlens.lab.volumes.cases import load_case, prepare_cases
from tumorlens.lab.volumes.heads import find_training_cases

from .made import made_download, small

NAME = "BraTS20_Training_001"
ALL = ("flair", "t1", "t1c", "t2")


def save_seg(folder: Path, labels: np.ndarray) -> None:
    nibabel.save(nibabel.Nifti1Image(labels, LPS), folder / f"{folder.name}_seg.nii.gz")


def test_a_case_is_prepared_once(tmp_path: Path) -> None:
    cases = find_brats(made_download(tmp_path / "data"))
    one, other = prepare_cases(cases, small(), tmp_path / "prepared")
    image, labels = one.image(), one.labels()
    head = made_head()
    brain = head["flair"] > 0
    spans = [np.flatnonzero(brain.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    box = tuple(slice(span[0], span[-1] + 1) for span in spans)
    np.testing.assert_array_equal(labels, head["seg"][box])
    assert image.shape == (4, *labels.shape)
    inside = image[0][brain[box]].astype(np.float32)
    assert inside.mean() == pytest.approx(0, abs=1e-2)
    assert inside.std() == pytest.approx(1, abs=1e-2)
    assert not image[:, ~brain[box]].any()
    before = other.image_file.stat().st_mtime_ns
    again = prepare_cases(cases, small(), tmp_path / "prepared")
    assert again[1].image_file.stat().st_mtime_ns == before
    save_seg(cases[1].folder, np.where(head["seg"] == 4, 1, head["seg"]).astype(np.uint8))
    changed = prepare_cases(cases, small(), tmp_path / "prepared")[1]
    assert 4 not in changed.labels()


def test_labels_of_2023_are_those_of_before(tmp_path: Path) -> None:
    head = made_head()
    old = find_brats(save_case(tmp_path / "old" / "BraTS20_Training_001", head).parent)[0]
    recent = head | {"seg": np.where(head["seg"] == 4, 3, head["seg"]).astype(np.uint8)}
    folder = save_case(tmp_path / "new" / "BraTS-GLI-00001-000", recent, names=NEW)
    new = find_brats(folder.parent)[0]
    assert new.patient == "BraTS-GLI-00001"
    for one, other in zip(load_case(old, small()), load_case(new, small()), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_resection_cavity_does_not_become_enhancing_tumor(tmp_path: Path) -> None:
    head = made_head()
    head["seg"][head["seg"] == 4] = 3
    head["seg"][20:23, 20:23, 20:23] = 4  # as in 2024
    folder = save_case(tmp_path / "BraTS-GLI-00001-000", head, names=NEW)
    with pytest.raises(DataError, match=r"labels 0, 1, 2, 3; found 4 besides.*resection cavit"):
        load_case(find_brats(folder.parent)[0], small())


@pytest.mark.parametrize("axcodes", ["RAS", "LAI", "SPL"])
def test_the_way_files_are_stored_changes_nothing(tmp_path: Path, axcodes: str) -> None:
    head = made_head()
    one = find_brats(save_case(tmp_path / "one" / NAME, head).parent)[0]
    other = find_brats(save_case(tmp_path / "other" / NAME, head, axcodes=axcodes).parent)[0]
    for here, there in zip(load_case(one, small()), load_case(other, small()), strict=True):
        np.testing.assert_allclose(here, there, atol=1e-5)


@pytest.mark.parametrize("axcodes", ["LPS", "RAS", "RPS", "SPL"])
def test_an_outline_stored_in_another_way_than_its_head_is_not_mirrored(
    tmp_path: Path, axcodes: str
) -> None:
    head = made_head()
    folder = save_case(tmp_path / NAME, head)
    _, expected = load_case(find_brats(folder.parent)[0], small())
    save_case(folder, {"seg": head["seg"]}, axcodes=axcodes)
    _, found = load_case(find_brats(folder.parent)[0], small())
    np.testing.assert_array_equal(found, expected)
    nibabel.save(
        nibabel.Nifti1Image(head["seg"], np.diag([1.0, -1, 1, 1])), folder / f"{NAME}_seg.nii.gz"
    )
    with pytest.raises(DataError, match=r"seg\.nii\.gz: expected voxels in the places of those of"):
        load_case(find_brats(folder.parent)[0], small())


def test_files_of_four_axes_with_one_volume_are_read(tmp_path: Path) -> None:
    head = made_head()
    one = find_brats(save_case(tmp_path / "one" / NAME, head).parent)[0]
    four = {name: voxels[..., None] for name, voxels in head.items()}
    other = find_brats(save_case(tmp_path / "other" / NAME, four).parent)[0]
    for here, there in zip(load_case(one, small()), load_case(other, small()), strict=True):
        np.testing.assert_array_equal(here, there)


def test_a_coarser_grid_keeps_the_tumor(tmp_path: Path) -> None:
    case = find_brats(made_download(tmp_path, 1))[0]
    _, labels = load_case(case, small(data={"spacing_mm": [2, 2, 2]}))
    ml = (labels > 0).sum() * 8
    assert ml == pytest.approx((made_head()["seg"] > 0).sum(), rel=0.1)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (lambda seg: np.where(seg == 2, 5, seg), "found 5 besides"),
        (lambda seg: np.where(seg == 2, 3, seg), "found 3 besides"),
        (lambda seg: np.where(seg == 2, 1.5, seg), r"found 1\.5 besides"),
        (lambda seg: np.where(seg == 2, np.nan, seg).astype(np.float32), "found nan besides"),
        (lambda seg: -seg.astype(np.int16), "-4, -2, -1 besides"),
        (lambda seg: seg[:, :, :9], "voxels like"),
    ],
)
def test_labels_outside_the_set_are_named(tmp_path: Path, labels: object, said: str) -> None:
    assert callable(labels)
    root = made_download(tmp_path / "data", 1)
    save_seg(root / NAME, labels(made_head()["seg"]))
    with pytest.raises(DataError, match=said):
        prepare_cases(find_brats(root), small(), tmp_path / "prepared")


def test_one_empty_outline_is_a_head_without_tumor_but_not_all(tmp_path: Path) -> None:
    root = made_download(tmp_path / "data")
    empty = np.zeros_like(made_head()["seg"])
    save_seg(root / NAME, empty)
    first, second = prepare_cases(find_brats(root), small(), tmp_path / "prepared")
    assert not first.labels().any()
    assert second.labels().any()
    save_seg(root / "BraTS20_Training_002", empty)
    with pytest.raises(DataError, match="2 outlines that are empty"):
        prepare_cases(find_brats(root), small(), tmp_path / "prepared")


def test_missing_sequences_are_named_unless_learnt_to_do_without(tmp_path: Path) -> None:
    root = made_download(tmp_path / "data", 1)
    (root / NAME / f"{NAME}_t1ce.nii.gz").unlink()
    with pytest.raises(DataError, match=f"{NAME} without t1c"):
        find_training_cases(root, sequences=ALL, regions=["WT"], can_miss=False)
    config = small(augmentation={"sequence_dropout": 0.2})
    image, _ = load_case(
        find_training_cases(root, sequences=ALL, regions=["WT"], can_miss=True)[0], config
    )
    present = [bool(channel.any()) for channel in image]
    assert present == [name != "t1c" for name in config.data.sequences]
    chosen = small(data={"sequences": ["flair", "t2"]})
    found = find_training_cases(
        root, sequences=chosen.data.sequences, regions=["WT"], can_miss=False
    )
    assert len(load_case(found[0], chosen)[0]) == 2


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda voxels: np.where(voxels > 150, np.nan, voxels), "NaN"),
        (lambda voxels: voxels[:, :, :9], "different shapes"),
        (lambda voxels: np.stack([voxels] * 2, -1), "2 volumes in one file"),
    ],
)
def test_volumes_that_cannot_be_used_are_data_errors(
    tmp_path: Path, spoil: object, said: str
) -> None:
    assert callable(spoil)
    head = made_head()
    head["t2"] = spoil(head["t2"].astype(np.float32))
    save_case(tmp_path / NAME, head)
    with pytest.raises(DataError, match=said):
        load_case(find_brats(tmp_path)[0], small())


@pytest.mark.parametrize("folder", ["absent", "."])
def test_no_cases_is_an_error(tmp_path: Path, folder: str) -> None:
    with pytest.raises(DataError, match="case folders of BraTS"):
        find_training_cases(tmp_path / folder, sequences=ALL, regions=["WT"], can_miss=False)
