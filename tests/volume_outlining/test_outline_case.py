from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.made_cases import (
    CARD,
    NEW,
    OLD,
    dice,
    made_head,
    save_case,
    save_unplaced_case,
    write_volume_model,
)
from tumorlens.errors import ScanContentError, ScanError
from tumorlens.reading.case import Case, find_case
from tumorlens.volume_outlining import CaseOutline, load_volume_model, outline_case
from tumorlens.volume_outlining.regions import to_regions


def case_in(folder: Path) -> Case:
    case = find_case(folder)
    assert case is not None
    return case


def answer(folder: Path, model: Path, *, flips: bool | None = None) -> CaseOutline:
    return outline_case(case_in(folder), load_volume_model(model, threads=1), flips=flips)


def shown_truth(folder: Path, outline: CaseOutline) -> np.ndarray:
    """The labels that were written, in the order of the head's volumes."""
    file = next(folder.glob("*seg.nii.gz"))
    image = nibabel.load(file)
    places = np.indices(outline.labels.shape).reshape(3, -1)
    world = outline.head.affine @ np.vstack([places, np.ones(places.shape[1])])
    own = np.rint(np.linalg.inv(image.affine) @ world)[:3].astype(int)
    return np.asarray(image.dataobj)[tuple(own)].reshape(outline.labels.shape)


@pytest.mark.parametrize("names", [OLD, NEW], ids=["2018 to 2021", "2023"])
def test_regions_are_outlined_with_their_volumes(tmp_path: Path, names: dict[str, str]) -> None:
    head = made_head()
    folder = save_case(tmp_path / "BraTS-GLI-00001-000", head, names=names)
    found = answer(folder, write_volume_model(tmp_path / "model"))
    truth = shown_truth(folder, found)
    assert set(np.unique(found.labels)) == {0, 1, 2, 4}
    assert (found.labels == truth).mean() > 0.999
    for name, region in zip(CARD.regions, to_regions(head["seg"], CARD.regions), strict=True):
        assert found.volumes_ml[name] == pytest.approx(region.sum() / 1000, rel=0.02)
    assert (found.missing, found.notes) == ((), ())


@pytest.mark.parametrize("axcodes", ["LPS", "RPS", "RAS", "LAI", "SPL", "PIR"])
def test_the_way_a_file_is_stored_changes_nothing(tmp_path: Path, axcodes: str) -> None:
    folder = save_case(tmp_path / "case", made_head(), axcodes=axcodes)
    found = answer(folder, write_volume_model(tmp_path / "model"))
    assert dice(found.labels > 0, shown_truth(folder, found) > 0) > 0.99


@pytest.mark.parametrize("scale", [(1.0, 1.0, 3.0), (2.0, 1.0, 1.0), (0.5, 0.5, 0.5)])
def test_other_voxels_are_resampled_and_the_answer_is_on_their_grid(
    tmp_path: Path, scale: tuple[float, float, float]
) -> None:
    head = made_head(scale)
    affine = np.diag([-scale[0], -scale[1], scale[2], 1.0])
    folder = save_case(tmp_path / "case", head, affine=affine)
    found = answer(folder, write_volume_model(tmp_path / "model"))
    truth = shown_truth(folder, found)
    assert truth.size == head["seg"].size
    assert dice(found.labels > 0, truth > 0) > 0.93
    ml = (head["seg"] > 0).sum() * np.prod(scale) / 1000
    assert found.volumes_ml["WT"] == pytest.approx(ml, rel=0.1)


def test_mirrored_copies_are_averaged(tmp_path: Path) -> None:
    folder = save_case(tmp_path / "case", made_head())
    model = write_volume_model(tmp_path / "model")
    steps: list[tuple[int, int]] = []
    once = answer(folder, model)
    mirrored = outline_case(
        case_in(folder),
        load_volume_model(model),
        flips=True,
        progress=lambda done, total: steps.append((done, total)),
    )
    np.testing.assert_array_equal(once.labels, mirrored.labels)  # a voxel's own value decides
    assert steps[-1][0] == steps[-1][1]
    assert len(steps) == steps[-1][1]
    assert steps[-1][1] % 8 == 0


def test_a_missing_sequence_is_named(tmp_path: Path) -> None:
    folder = save_case(tmp_path / "case", made_head())
    (folder / "case_t1.nii.gz").unlink()
    model = write_volume_model(tmp_path / "model")
    with pytest.raises(ScanContentError, match="found no t1"):
        answer(folder, model)


def test_a_model_that_learnt_to_do_without_says_so(tmp_path: Path) -> None:
    folder = save_case(tmp_path / "case", made_head())
    whole = answer(folder, write_volume_model(tmp_path / "model"))
    (folder / "case_t1.nii.gz").unlink()
    card = replace(CARD, sequence_dropout=0.1)
    found = answer(folder, write_volume_model(tmp_path / "other", card))
    assert found.missing == ("t1",)
    assert "without t1" in found.notes[0]
    np.testing.assert_array_equal(found.labels, whole.labels)  # t1 tells this model nothing


def test_a_copy_under_another_name_is_refused(tmp_path: Path) -> None:
    head = made_head()
    folder = save_case(tmp_path / "case", head | {"t2": head["flair"]})
    with pytest.raises(ScanContentError, match="same voxels in t2 and flair"):
        answer(folder, write_volume_model(tmp_path / "model"))


def test_a_head_with_its_skull_is_answered_with_a_note(tmp_path: Path) -> None:
    head = made_head()
    bare = {name: voxels + 5 * (name != "seg") for name, voxels in head.items()}
    found = answer(save_case(tmp_path / "case", bare), write_volume_model(tmp_path / "model"))
    assert "skull" in found.notes[-1]
    card = replace(CARD, clears_background=True)
    cleared = answer(tmp_path / "case", write_volume_model(tmp_path / "clearing", card))
    assert not cleared.notes
    stripped = answer(save_case(tmp_path / "stripped", head), tmp_path / "model")
    assert dice(cleared.labels > 0, stripped.labels > 0) > 0.9


@pytest.mark.parametrize("step", [2.0, 6.0, 0.0], ids=["brain", "head", "unknown size"])
def test_what_is_larger_than_a_brain_has_its_skull_on_though_the_air_is_0(
    tmp_path: Path, step: float
) -> None:
    made = made_head()
    if step:
        folder = save_case(tmp_path / "case", made, affine=np.diag([-step, -step, step, 1.0]))
    else:
        folder = save_unplaced_case(tmp_path / "case", made, step=0)
    ml = (made["flair"] > 0).sum() * step**3 / 1000
    assert step == 0 or (ml > 3000) == (step == 6)
    spacing = (step or 1.0,) * 3
    model = write_volume_model(tmp_path / "model", replace(CARD, spacing_mm=spacing))
    notes = answer(folder, model).notes
    assert any("skull" in note for note in notes) == (step == 6)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda voxels: np.where(voxels > 150, np.nan, voxels), "NaN"),
        (lambda voxels: np.stack([voxels, voxels], -1), "2 volumes in one file"),
        (lambda voxels: voxels * 0, "one value"),
        (lambda voxels: voxels[:, :, :20], "shapes"),
        (lambda voxels: voxels[:, :, :1], "shapes"),
    ],
    ids=["NaN", "4-D", "empty", "another shape", "one slice"],
)
def test_what_cannot_be_used_is_a_clear_error(tmp_path: Path, spoil: object, said: str) -> None:
    assert callable(spoil)
    head = made_head()
    head["t2"] = spoil(head["t2"].astype(np.float32))
    folder = save_case(tmp_path / "case", head)
    with pytest.raises(ScanError, match=said):
        answer(folder, write_volume_model(tmp_path / "model"))


def test_another_affine_is_refused(tmp_path: Path) -> None:
    head = made_head()
    folder = save_case(tmp_path / "case", head)
    flipped = nibabel.Nifti1Image(head["t2"], np.diag([1.0, -1.0, 1.0, 1.0]))
    nibabel.save(flipped, folder / "case_t2.nii.gz")
    with pytest.raises(ScanContentError, match="affines"):
        find_case(folder)


@pytest.mark.parametrize(
    ("step", "size"), [(1000.0, "36000 x 40000 x 44000 mm"), (0.1, "3.6 x 4 x 4.4 mm")]
)
def test_a_head_of_impossible_size_is_refused_and_fills_no_memory(
    tmp_path: Path, step: float, size: str
) -> None:
    affine = np.diag([-step, -step, step, 1.0])
    folder = save_case(tmp_path / "case", made_head(), affine=affine)
    with pytest.raises(ScanContentError, match=size) as caught:
        answer(folder, write_volume_model(tmp_path / "model"))
    assert "voxel sizes" in caught.value.remedy


def test_files_that_say_nothing_of_their_axes_keep_their_grid(tmp_path: Path) -> None:
    head = made_head()
    folder = save_unplaced_case(tmp_path / "case", head, step=1)
    found = answer(folder, write_volume_model(tmp_path / "model"))
    assert found.notes == ("the orientation is unknown: its slices were taken for axial ones",)
    assert sorted(found.labels.shape) == sorted(head["seg"].shape)
    ml = (head["seg"] > 0).sum() / 1000
    assert found.volumes_ml["WT"] == pytest.approx(ml, rel=0.02)


def test_voxels_of_unknown_size_have_no_volume(tmp_path: Path) -> None:
    folder = save_unplaced_case(tmp_path / "case", made_head(), step=0)
    found = answer(folder, write_volume_model(tmp_path / "model"))
    assert found.labels.any()
    assert found.volumes_ml == {"WT": None, "TC": None, "ET": None}
    assert "size of the voxels is unknown" in found.notes[0]
    assert "orientation is unknown" in found.notes[1]


def test_no_tumor_is_an_empty_outline(tmp_path: Path) -> None:
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    case = case_in(save_case(tmp_path / "case", made_head()))
    found = outline_case(case, replace(model, session=_Never()))
    assert not found.labels.any()
    assert found.volumes_ml == {"WT": 0.0, "TC": 0.0, "ET": 0.0}


class _Never:
    """A session that finds nothing anywhere."""

    def run(self, _outputs: object, given: dict[str, np.ndarray]) -> list[np.ndarray]:
        patch = next(iter(given.values()))
        return [np.full((1, 3, *patch.shape[2:]), -9, np.float32)]
