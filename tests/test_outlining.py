import gc
from dataclasses import replace
from pathlib import Path
from weakref import ref

import numpy as np
import pytest

from tumorlens.errors import ConfigError
from tumorlens.model import Model
from tumorlens.outlining import HEALTHY, outline, outline_volume
from tumorlens.prediction import Prediction, VolumePrediction, predict
from tumorlens.scan import Scan, Volume
from tumorlens.volume_outlining import load_volume_model
from tumorlens.volume_outlining import model as volume_model

from .conftest import head
from .made_cases import FLAIR_CARD, dice, made_flair


def answered(scan: Scan, model: Model, tumor: float = 0.9) -> Prediction:
    """The answer, with a tumor probability of our own."""
    answer = predict(scan, model=model)
    assert isinstance(answer, Prediction)
    return replace(answer, tumor_probability=tumor)


def test_the_bright_blob_is_outlined_at_its_place(outlining: Model) -> None:
    scan = Scan(head(96, 80, blob=120.0), "scan.png", (0.5, 2.0))
    found = outline(scan, answered(scan, outlining))
    true = scan.pixels > 170
    assert found.mask.shape == scan.pixels.shape
    dice = 2 * (found.mask & true).sum() / (found.mask.sum() + true.sum())
    assert dice > 0.8
    assert found.area_mm2 == pytest.approx(found.mask.sum())
    assert (found.side, found.height) == ("left", "upper")
    assert 2 < found.area_percent < 15


def test_no_tumor_no_outline(outlining: Model) -> None:
    scan = Scan(head(blob=120.0), "scan.png")
    found = outline(scan, answered(scan, outlining, tumor=0.49))
    assert not found.mask.any()
    assert (found.area_percent, found.diameter_pixels, found.side) == (0, 0, None)
    assert found.area_mm2 is None
    assert found.diameter_mm is None


def test_a_model_that_does_not_outline_says_so(model: Model, scan: Scan, volume: Volume) -> None:
    with pytest.raises(ConfigError, match="outlines"):
        outline(scan, answered(scan, model))
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    for tumor in (0.1, 0.9):
        with pytest.raises(ConfigError, match="outlines"):
            outline_volume(volume, replace(answer, tumor_probability=tumor))


def test_another_scans_answer_is_refused(outlining: Model, scan: Scan) -> None:
    answer = answered(Scan(head(40, 40, blob=120.0), "other.png"), outlining)
    with pytest.raises(ConfigError, match="a scan and the answer about it"):
        outline(scan, answer)


def test_a_volume_is_outlined_where_it_is_bright(outlining: Model, volume: Volume) -> None:
    answer = predict(volume, model=outlining)
    assert isinstance(answer, VolumePrediction)
    certain = replace(
        answer,
        slices=tuple(
            replace(
                one, answer=replace(one.answer, tumor_probability=0.9 * (one.index in {6, 7, 8}))
            )
            for one in answer.slices
        ),
    )
    found = outline_volume(volume, certain)
    assert found.mask.shape == volume.voxels.shape
    assert set(np.flatnonzero(found.mask.any(axis=(1, 2)))) >= {6, 7, 8}
    assert not found.mask[:5].any()
    assert found.volume_ml == pytest.approx(found.mask.sum() * 5 / 1000)
    assert found.largest in {6, 7, 8}
    assert found.outline is not None
    assert found.to_json()["largest_slice"] == found.largest


def answered_volume(
    volume: Volume, model: Model, companion: Path | None, *, tumor: float = 0.9
) -> VolumePrediction:
    """The answer, by a model with this companion, with a tumor probability of our own."""
    answer = predict(volume, model=replace(model, companion=companion))
    assert isinstance(answer, VolumePrediction)
    return replace(answer, tumor_probability=tumor)


def test_a_head_in_flair_is_outlined_by_the_companion(outlining: Model, companion: Path) -> None:
    volume, truth = made_flair()
    found = outline_volume(volume, answered_volume(volume, outlining, companion))
    assert dice(found.mask, truth) > 0.9
    assert found.outlined_by == load_volume_model(companion).card.identity
    assert found.notes == ()
    assert found.volume_ml == pytest.approx(found.mask.sum() * 0.027)


@pytest.mark.parametrize("sequence", ["t1c", "t2", None])
def test_other_sequences_are_outlined_by_the_model_itself(
    sequence: str | None, outlining: Model, companion: Path
) -> None:
    volume = replace(made_flair()[0], sequence=sequence)
    found = outline_volume(volume, answered_volume(volume, outlining, companion))
    assert found.outlined_by is None
    assert found.notes == ()


@pytest.mark.parametrize("sequence", ["flair", "t1c", "t2", None])
def test_a_volume_that_is_answered_no_tumor_gets_no_outline(
    sequence: str | None, outlining: Model
) -> None:
    volume = replace(made_flair()[0], sequence=sequence)
    sick = answered_volume(volume, outlining, None, tumor=0.5)
    assert outline_volume(volume, sick).mask.any()
    found = outline_volume(volume, replace(sick, tumor_probability=0.49))
    assert not found.mask.any()
    assert (found.volume_ml, found.largest, found.notes) == (0, None, (HEALTHY,))


def test_without_a_companion_the_model_outlines_flair_too(
    outlining: Model, companion: Path
) -> None:
    volume, _ = made_flair()
    found = outline_volume(volume, answered_volume(volume, outlining, None))
    assert (found.outlined_by, found.notes) == (None, ())
    other = replace(volume, sequence="t2")
    same = outline_volume(other, answered_volume(other, outlining, companion))
    np.testing.assert_array_equal(found.mask, same.mask)


def test_the_companion_is_not_asked_about_a_healthy_head(outlining: Model, tmp_path: Path) -> None:
    volume, _ = made_flair()
    answer = answered_volume(volume, outlining, tmp_path / "not there", tumor=0.49)
    found = outline_volume(volume, answer)
    assert not found.mask.any()
    assert (found.outlined_by, found.notes) == (None, (HEALTHY,))


@pytest.mark.parametrize(
    ("spacing", "why"),
    [
        (None, "unknown size"),
        ((30.0, 30.0, 30.0), "a volume of 1080 x 1200 x 1320 mm"),
        ((0.3, 0.3, 0.3), "a volume of 11 x 12 x 13 mm"),
        ((13.0, 20.0, 3.0), "a volume of 468 x 800 x 132 mm"),
        ((3.0, 3.0, 16.0), "a volume of 108 x 120 x 704 mm"),
    ],
)
def test_what_can_be_no_head_by_its_size_is_outlined_slice_by_slice(
    spacing: tuple[float, float, float] | None, why: str, outlining: Model, companion: Path
) -> None:
    volume = replace(made_flair()[0], spacing_mm=spacing, affine=None)
    answer = answered_volume(volume, outlining, companion)
    found = outline_volume(volume, answer)
    assert found.outlined_by is None
    note = found.notes[0]
    assert note.startswith("outlined slice by slice: ")
    assert why in note
    plain = outline_volume(volume, replace(answer, companion=None))
    np.testing.assert_array_equal(found.mask, plain.mask)


@pytest.mark.parametrize("tumor", [0.9, 0.1])
@pytest.mark.parametrize("step", [0.05, 50.0])
def test_no_sizes_are_stated_of_a_head_of_a_centimetre_or_ten_metres(
    step: float, tumor: float, outlining: Model
) -> None:
    voxels = np.stack([head(blob=120.0)] * 20)
    affine = np.diag([step, step, step, 1])
    volume = Volume(voxels, "v.nii", (step,) * 3, "t1", "axial", affine)
    found = outline_volume(volume, answered_volume(volume, outlining, None, tumor=tumor))
    size = "1000 x 4800 x 4800 mm" if step > 1 else "1 x 4.8 x 4.8 mm"
    assert found.notes[-1] == f"no sizes are stated, since no head can be of the file's {size}"
    told = found.to_json()
    assert (told["volume_ml"], told["area_mm2"], told["diameter_mm"]) == (None, None, None)
    assert found.mask.any() == (tumor > 0.5)
    if found.largest is not None:
        assert found.outline is not None
        assert found.outline.diameter_pixels > 5
        assert found.of_slice(found.largest, volume.slice(found.largest)).area_mm2 is None


def test_no_sizes_are_stated_of_a_slice_that_can_show_no_head(outlining: Model) -> None:
    scan = Scan(head(blob=120.0), "scan.dcm", (50.0, 50.0))
    found = outline(scan, answered(scan, outlining))
    assert found.mask.any()
    assert (found.area_mm2, found.diameter_mm) == (None, None)


def test_without_the_companions_folder_slices_are_outlined(
    outlining: Model, tmp_path: Path
) -> None:
    volume, _ = made_flair()
    found = outline_volume(volume, answered_volume(volume, outlining, tmp_path / "gone"))
    assert found.outlined_by is None
    assert "cannot be loaded" in found.notes[0]


def test_where_the_companion_finds_nothing_slices_are_outlined(
    outlining: Model, companion: Path
) -> None:
    volume, _ = made_flair()
    flat = replace(volume, voxels=np.minimum(volume.voxels, 100).astype(np.float32))
    found = outline_volume(flat, answered_volume(flat, outlining, companion))
    assert found.outlined_by is None
    assert "found no tumor" in found.notes[0]


def test_an_outline_is_found_once_and_let_go_with_its_volume(
    outlining: Model, companion: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[None] = []
    run = volume_model.VolumeModel.run
    monkeypatch.setattr(
        volume_model.VolumeModel, "run", lambda *words: passes.append(None) or run(*words)
    )
    volume, _ = made_flair()
    answer = answered_volume(volume, outlining, companion)
    assert not passes  # the answer alone needs no outline
    first = outline_volume(volume, answer)
    needed = len(passes)
    assert outline_volume(volume, answer) is first
    assert len(passes) == needed > 0
    mask, whole = ref(first.mask), ref(volume)
    del first, volume
    gc.collect()
    assert mask() is whole() is None
    assert answer.tumor_probability == 0.9


def test_the_companion_is_loaded_once(companion: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume_model.shared_volume_model(companion)
    monkeypatch.setattr(volume_model, "load_volume_model", None)
    assert volume_model.shared_volume_model(companion).card.name == FLAIR_CARD.name


def test_the_skull_is_taken_off_for_the_companion_too(
    outlining: Model, companion: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, truth = made_flair()
    brain = np.zeros(volume.voxels.shape, bool)
    brain[..., :27] = True
    monkeypatch.setattr("tumorlens.volume_outlining.head.find_brain", lambda _scan, _by: brain)
    answer = replace(answered_volume(volume, outlining, companion), skull_strip="radial")
    found = outline_volume(volume, answer)
    assert found.outlined_by is not None
    assert truth[..., 27:].any()
    assert not found.mask[..., 27:].any()
    assert found.mask[..., :27].any()


def test_another_volumes_answer_is_refused(outlining: Model, companion: Path) -> None:
    volume, _ = made_flair()
    answer = answered_volume(volume, outlining, companion)
    other = replace(volume, voxels=volume.voxels[:, :-1])
    with pytest.raises(ConfigError, match="a scan and the answer about it"):
        outline_volume(other, answer)
