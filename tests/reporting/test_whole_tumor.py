from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.made_cases import CARD, dice, made_head, save_case, write_volume_model
from tumorlens.model import Model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading.case import Case, find_case
from tumorlens.reporting import whole_tumor
from tumorlens.reporting.whole_tumor import HEALTHY, write_case
from tumorlens.scan import Volume
from tumorlens.volume_outlining import VolumeModel, load_volume_model


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> VolumeModel:
    """One that takes what is bright for tumor, and can do without a sequence."""
    card = replace(CARD, sequence_dropout=0.1)
    return load_volume_model(write_volume_model(tmp_path_factory.mktemp("whole"), card))


def case(folder: Path, **changes: object) -> Case:
    head = {name: voxels for name, voxels in made_head().items() if name not in changes}
    found = find_case(save_case(folder / "case", head))
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
    tmp_path: Path, outlining: Model, whole: VolumeModel
) -> None:
    head = made_head()
    path, answer, about = write_case(
        case(tmp_path), tmp_path / "case", model=outlining, whole=whole
    )
    assert path == tmp_path / "case_seg.nii.gz"
    mask = np.asarray(nibabel.load(path).dataobj)
    assert set(np.unique(mask)) == {0, 1}
    assert dice(mask > 0, head["seg"] > 0) > 0.9
    assert about["volume_ml"] == pytest.approx(mask.sum() / 1000, abs=0.01)
    assert about["outlined"] == ["flair", "t1", "t1c", "t2"]
    assert about["outlined_by"]["sha256"] == whole.card.sha256
    assert about["largest_slice"] is not None
    assert answer.source.endswith("case_flair.nii.gz")
    with Image.open(tmp_path / about["picture"]) as picture:
        assert picture.width > 200


@pytest.mark.usefixtures("sure")
def test_what_is_missing_is_said(tmp_path: Path, outlining: Model, whole: VolumeModel) -> None:
    found = case(tmp_path, t2=None)
    _, _, about = write_case(found, tmp_path / "case", model=outlining, whole=whole)
    assert about["missing"] == ["t2"]
    assert about["outlined"] == ["flair", "t1", "t1c"]
    assert any("without t2" in note for note in about["notes"])


def test_a_head_taken_for_healthy_has_no_outline(
    tmp_path: Path, outlining: Model, whole: VolumeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    _say(monkeypatch, 0.2)
    path, _, about = write_case(case(tmp_path), tmp_path / "case", model=outlining, whole=whole)
    assert not np.asarray(nibabel.load(path).dataobj).any()
    assert about["volume_ml"] == 0
    assert about["largest_slice"] is None
    assert about["notes"] == [HEALTHY]
    assert "picture" not in about


def test_without_a_fitting_model_the_classifier_outlines(tmp_path: Path, outlining: Model) -> None:
    card = replace(CARD, sequences=("flair",), sequence_dropout=0.0)
    flair = load_volume_model(write_volume_model(tmp_path / "model", card))
    found = case(tmp_path, flair=None)
    for whole in (None, flair):
        _, answer, about = write_case(found, tmp_path / "case", model=outlining, whole=whole)
        assert about["outlined"] == ["t1c"]
        assert "outlined_by" not in about
        assert answer.source.endswith("case_t1ce.nii.gz")


@pytest.mark.usefixtures("sure")
def test_the_skull_is_taken_off_for_the_outline_too(
    tmp_path: Path, outlining: Model, whole: VolumeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = made_head()
    left = np.arange(head["t1"].shape[0])[:, None, None] < 20
    # Volumes are read as (slices, rows, columns): axis 0 of the array, from the patient's right
    # to the left, becomes the columns.
    brain = np.broadcast_to(left, head["t1"].shape).transpose(2, 1, 0)
    monkeypatch.setattr("tumorlens.volume_outlining.head.find_brain", lambda _scan, _by: brain)
    stripping = outlining.with_skull_strip("radial")
    path, answer, _ = write_case(case(tmp_path), tmp_path / "case", model=stripping, whole=whole)
    assert answer.skull_strip == "radial"
    mask = np.asarray(nibabel.load(path).dataobj) > 0
    assert not mask[20:].any()
    assert (head["seg"][20:] > 0).any()
