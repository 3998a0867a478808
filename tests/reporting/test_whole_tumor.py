from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.made_cases import (
    CARD,
    dice,
    made_head,
    save_case,
    save_unplaced_case,
    write_volume_model,
)
from tumorlens.model import Model
from tumorlens.outlining import HEALTHY, outline_volume
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading import read_scan
from tumorlens.reading.case import Case, find_case
from tumorlens.reporting import whole_tumor
from tumorlens.reporting.whole_tumor import write_case
from tumorlens.scan import Volume
from tumorlens.volume_outlining import load_volume_model

AFFINE = np.diag([-3.0, -3.0, 3.0, 1.0])
"""Of heads that are as large as real ones."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes what is bright for tumor, and can do without a sequence."""
    card = replace(CARD, sequence_dropout=0.1, spacing_mm=(3.0, 3.0, 3.0))
    return write_volume_model(tmp_path_factory.mktemp("whole"), card)


@pytest.fixture
def both(outlining: Model, whole: Path) -> Model:
    """A classifier with that companion."""
    return replace(outlining, companion=whole)


def case(folder: Path, *, affine: np.ndarray = AFFINE, **changes: np.ndarray | None) -> Case:
    """The made-up head, with other voxels in some sequences, or without them."""
    head = {name: changes.get(name, voxels) for name, voxels in made_head().items()}
    there = {name: voxels for name, voxels in head.items() if voxels is not None}
    found = find_case(save_case(folder / "case", there, affine=affine))
    assert found is not None
    return found


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    _say(monkeypatch, 0.9)


def _say(monkeypatch: pytest.MonkeyPatch, probability: float) -> None:
    def answer(volume: Volume, *, model: Model) -> VolumePrediction:
        found = predict(volume, model=model)
        assert isinstance(found, VolumePrediction)
        return replace(found, tumor_probability=probability)

    monkeypatch.setattr(whole_tumor, "predict", answer)


@pytest.mark.usefixtures("sure")
def test_a_case_is_outlined_from_all_of_its_sequences(
    tmp_path: Path, both: Model, whole: Path
) -> None:
    head = made_head()
    path, answer, about = write_case(case(tmp_path), tmp_path / "case", model=both)
    assert path == tmp_path / "case_seg.nii.gz"
    mask = np.asarray(nibabel.load(path).dataobj)
    assert set(np.unique(mask)) == {0, 1}
    assert dice(mask > 0, head["seg"] > 0) > 0.9
    assert about["volume_ml"] == pytest.approx(mask.sum() * 0.027, abs=0.01)
    assert about["outlined"] == ["flair", "t1", "t1c", "t2"]
    assert about["outlined_by"] == load_volume_model(whole).card.identity.to_json()
    assert about["largest_slice"] is not None
    assert answer.source.endswith("case_flair.nii.gz")
    with Image.open(tmp_path / about["picture"]) as picture:
        assert picture.width > 200


@pytest.mark.usefixtures("sure")
def test_what_is_missing_is_said(tmp_path: Path, both: Model) -> None:
    found = case(tmp_path, t2=None)
    _, _, about = write_case(found, tmp_path / "case", model=both)
    assert about["missing"] == ["t2"]
    assert about["outlined"] == ["flair", "t1", "t1c"]
    assert any("without t2" in note for note in about["notes"])


def test_a_head_taken_for_healthy_has_no_outline(
    tmp_path: Path, both: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    _say(monkeypatch, 0.2)
    path, _, about = write_case(case(tmp_path), tmp_path / "case", model=both)
    assert not np.asarray(nibabel.load(path).dataobj).any()
    assert about["volume_ml"] == 0
    assert about["largest_slice"] is None
    assert (about["notes"], about["outlined"]) == ([HEALTHY], [])
    assert "picture" not in about


@pytest.mark.usefixtures("sure")
def test_where_the_companion_finds_nothing_slices_are_outlined_as_of_a_lone_volume(
    tmp_path: Path, both: Model
) -> None:
    head, means = made_head(), {"flair": 100, "t2": 110, "t1c": 120}
    found = case(tmp_path, **{name: np.minimum(head[name], top) for name, top in means.items()})
    path, _, about = write_case(found, tmp_path / "case", model=both)
    assert about["notes"] == ["outlined slice by slice: a model for whole heads found no tumor"]
    assert (about["outlined"], about["outlined_by"]) == (["flair"], None)
    assert "picture" not in about
    volume = read_scan(found.files["flair"])
    assert isinstance(volume, Volume)
    alone = outline_volume(volume, whole_tumor.predict(volume, model=both))
    assert list(alone.notes) == about["notes"]
    assert alone.mask.any()
    assert np.asarray(nibabel.load(path).dataobj).sum() == alone.mask.sum()


@pytest.mark.usefixtures("sure")
def test_a_case_that_can_be_no_head_by_its_size_is_outlined_slice_by_slice(
    tmp_path: Path, both: Model
) -> None:
    found = case(tmp_path, affine=np.diag([-0.3, -0.3, 0.3, 1.0]))
    _, _, about = write_case(found, tmp_path / "case", model=both)
    assert "a volume of 11 x 12 x 13 mm" in about["notes"][0]
    assert (about["outlined"], about["outlined_by"]) == (["flair"], None)


@pytest.mark.usefixtures("sure")
def test_voxels_of_unknown_size_are_outlined_slice_by_slice_without_a_volume(
    tmp_path: Path, both: Model
) -> None:
    found = find_case(save_unplaced_case(tmp_path / "case", made_head(), step=0))
    assert found is not None
    _, _, about = write_case(found, tmp_path / "case", model=both)
    assert "found voxels of unknown size" in about["notes"][0]
    assert about["volume_ml"] is None


@pytest.mark.usefixtures("sure")
def test_without_the_companions_folder_slices_are_outlined(
    tmp_path: Path, outlining: Model
) -> None:
    model = replace(outlining, companion=tmp_path / "gone")
    _, _, about = write_case(case(tmp_path), tmp_path / "case", model=model)
    assert "cannot be loaded" in about["notes"][0]
    assert about["outlined"] == ["flair"]


def test_without_flair_or_companion_the_classifier_outlines(
    tmp_path: Path, outlining: Model, both: Model
) -> None:
    found = case(tmp_path, flair=None)
    for model in (outlining, both):
        _, answer, about = write_case(found, tmp_path / "case", model=model)
        assert about["outlined"] == ["t1c"]
        assert about["outlined_by"] is None
        assert answer.source.endswith("case_t1ce.nii.gz")


@pytest.mark.usefixtures("sure")
def test_the_skull_is_taken_off_for_the_outline_too(
    tmp_path: Path, both: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = made_head()
    left = np.arange(head["t1"].shape[0])[:, None, None] < 20
    # Volumes are read as (slices, rows, columns): axis 0 of the array, from the patient's right
    # to the left, becomes the columns.
    brain = np.broadcast_to(left, head["t1"].shape).transpose(2, 1, 0)
    monkeypatch.setattr("tumorlens.volume_outlining.head.find_brain", lambda _scan, _by: brain)
    stripping = both.with_skull_strip("radial")
    path, answer, _ = write_case(case(tmp_path), tmp_path / "case", model=stripping)
    assert answer.skull_strip == "radial"
    mask = np.asarray(nibabel.load(path).dataobj) > 0
    assert not mask[20:].any()
    assert (head["seg"][20:] > 0).any()
