from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.made_sequences import made_sequence
from tumorlens.labels import NO_TUMOR
from tumorlens.model import Model
from tumorlens.outlining import outline_volume
from tumorlens.prediction import SUSPICIOUS, VolumePrediction, predict, predict_slices
from tumorlens.scan import Volume
from tumorlens.slice_sequence import log_odds
from tumorlens.volume_joining import (
    SEQUENCE,
    STRETCH,
    with_neighbours,
    with_tumor,
    worst_stretch,
)


@pytest.fixture
def sequential(model: Model, tmp_path: Path) -> Model:
    """The tiny model with a network over slices."""
    return replace(model, sequence=made_sequence(tmp_path))


def answered(volume: Volume, model: Model) -> VolumePrediction:
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    return answer


def test_the_network_says_how_likely_and_the_classifier_which(
    model: Model, sequential: Model, volume: Volume
) -> None:
    plain, joined = answered(volume, model), answered(volume, sequential)
    assert (plain.joined_by, joined.joined_by) == (STRETCH, SEQUENCE)
    alone = predict_slices([volume.slice(one.index) for one in plain.slices], model=model)
    odds = log_odds(np.array([one.tumor_probability for one in alone], np.float32))
    expected = 1 / (1 + np.exp(-(odds + odds.mean())))
    found = [one.answer.tumor_probability for one in joined.slices]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert joined.tumor_probability == pytest.approx(1 / (1 + np.exp(-odds.max())), rel=1e-4)
    assert sum(joined.probabilities.values()) == pytest.approx(1)
    for before, after in zip(plain.slices, joined.slices, strict=True):
        kinds = [name for name in before.answer.probabilities if name != NO_TUMOR]
        shares = [
            np.array([one.answer.probabilities[name] for name in kinds]) for one in (before, after)
        ]
        np.testing.assert_allclose(*(one / one.sum() for one in shares), rtol=1e-4)


def test_what_follows_from_the_slices_follows_from_the_joined_ones(
    sequential: Model, volume: Volume
) -> None:
    answer = answered(volume, sequential)
    chances = {one.index: one.answer.tumor_probability for one in answer.slices}
    best = sorted(chances, key=lambda index: -chances[index])[:SUSPICIOUS]
    assert list(answer.suspicious) == best
    for one in answer.slices:
        probabilities = one.answer.probabilities
        assert probabilities[one.answer.label] == max(probabilities.values())
    assert answer.to_json()["joined_by"] == SEQUENCE


def test_outlines_follow_the_joined_answer(
    outlining: Model, volume: Volume, tmp_path: Path
) -> None:
    model = replace(outlining, sequence=made_sequence(tmp_path))
    answer = answered(volume, model)
    drawn = outline_volume(volume, answer).mask.any(axis=(1, 2))
    for one in answer.slices:
        neighbours = [n for n in answer.slices if abs(n.index - one.index) <= 1]
        if all(n.answer.tumor_probability < 0.5 for n in neighbours):
            assert not drawn[one.index]


@pytest.mark.parametrize(
    ("plane", "joined_by"),
    [("axial", SEQUENCE), (None, SEQUENCE), ("coronal", STRETCH), ("sagittal", STRETCH)],
)
def test_other_planes_are_judged_slice_by_slice(
    sequential: Model, volume: Volume, plane: str | None, joined_by: str
) -> None:
    assert answered(replace(volume, plane=plane), sequential).joined_by == joined_by


def test_slices_a_millimetre_apart_are_all_answered(sequential: Model, volume: Volume) -> None:
    fine = replace(volume, voxels=np.repeat(volume.voxels, 5, axis=0), spacing_mm=(1.0, 1.0, 1.0))
    coarse, found = answered(volume, sequential), answered(fine, sequential)
    assert [one.index for one in found.slices] == list(range(10, 60))
    # Each subset of the repeated slices is the very volume.
    for one in found.slices:
        assert one.answer.tumor_probability == pytest.approx(
            coarse.slice(one.index // 5).tumor_probability, abs=1e-4
        )
    assert found.tumor_probability == pytest.approx(coarse.tumor_probability, abs=1e-4)


def test_slices_are_judged_with_their_neighbours(model: Model, volume: Volume) -> None:
    answer = answered(volume, model)
    alone = predict_slices([volume.slice(one.index) for one in answer.slices], model=model)
    tumor = np.array([one.tumor_probability for one in alone])
    found = [one.answer.tumor_probability for one in answer.slices]
    np.testing.assert_allclose(found, with_neighbours(tumor, 5.0), rtol=1e-4)
    assert not np.allclose(found, tumor, atol=1e-3)


def test_one_odd_slice_among_others_counts_little() -> None:
    tumor = np.full(21, 0.02)
    tumor[10] = 0.9
    assert with_neighbours(tumor, 1.0)[10] < 0.1
    tumor[2:19] = 0.9
    tumor[10] = 0.02
    assert with_neighbours(tumor, 1.0)[10] > 0.5
    np.testing.assert_allclose(with_neighbours(tumor, 20.0), tumor, rtol=1e-5)
    np.testing.assert_allclose(with_neighbours(tumor, None), with_neighbours(tumor, 5.0))
    np.testing.assert_allclose(with_neighbours(np.array([0.3]), 1.0), [0.3], rtol=1e-5)
    assert np.isfinite(with_neighbours(np.array([0.0, 1.0]), 1.0)).all()


@pytest.mark.parametrize("step", [0.01, 100.0])
def test_slices_of_an_impossible_spacing_are_joined_like_those_of_an_unknown(
    model: Model, volume: Volume, step: float
) -> None:
    shape = volume.voxels.shape
    steps = (step, 200 / shape[1], 200 / shape[2]) if step > 1 else (step,) * 3
    told = answered(replace(volume, spacing_mm=steps, affine=None), model)
    untold = answered(replace(volume, spacing_mm=None, affine=None), model)
    assert told.tumor_probability == pytest.approx(untold.tumor_probability, rel=1e-5)


def test_no_kind_of_tumor_at_all_still_sums_to_one() -> None:
    rows = with_tumor(np.array([[0.0, 0.0, 1.0], [0.5, 0.3, 0.2]]), np.array([0.4, 0.1]), 2)
    np.testing.assert_allclose(rows, [[0.2, 0.2, 0.6], [0.0625, 0.0375, 0.9]], rtol=1e-6)


def test_the_worst_stretch_is_15_mm_long() -> None:
    tumor = np.array([0.9, 0, 0, 0.5, 0.6, 0.5, 0, 0])
    assert worst_stretch(tumor, 5.0) == slice(3, 6)
    assert worst_stretch(tumor, None) == slice(3, 6)
    assert worst_stretch(tumor, 15.0) == slice(0, 1)
    assert worst_stretch(tumor, 1.0) == slice(0, 8)
