import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from tumorlens.errors import ConfigError
from tumorlens.model import Model
from tumorlens.outlining import diameter, measure, measure_volume, outline, outline_volume
from tumorlens.prediction import Prediction, VolumePrediction, predict
from tumorlens.scan import Scan, Volume

from .conftest import head


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
    with pytest.raises(ConfigError, match="outlines"):
        outline_volume(volume, answer)


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


@pytest.mark.parametrize(
    ("shape", "spacing", "expected"),
    [((10, 1), (1, 1), np.hypot(10, 1)), ((3, 4), (1, 1), 5), ((3, 4), (2, 1), np.hypot(6, 4))],
)
def test_the_diameter_runs_from_corner_to_corner(
    shape: tuple[int, int], spacing: tuple[float, float], expected: float
) -> None:
    mask = np.zeros((20, 20), bool)
    mask[5 : 5 + shape[0], 7 : 7 + shape[1]] = True
    assert diameter(mask, spacing) == pytest.approx(expected, rel=3e-4)
    assert diameter(np.zeros((4, 4), bool), spacing) == 0


def test_the_volume_of_a_sheared_head_is_no_larger() -> None:
    voxels = np.zeros((4, 6, 5), np.float32)
    voxels[1:3, 2:4, 1:4] = 1
    straight = Volume(voxels, "v", (2.0, 1.0, 1.0), affine=np.diag([2.0, 1.0, 1.0, 1.0]))
    affine = np.diag([2.0, 1.0, 1.0, 1.0])
    affine[0, 1] = 1.5
    sheared = replace(straight, spacing_mm=(2.0, 3.25**0.5, 1.0), affine=affine)
    for volume in (straight, sheared):
        assert measure_volume(voxels > 0, volume).volume_ml == pytest.approx(12 * 2 / 1000)


def test_the_diameter_of_a_long_strip_takes_little_memory() -> None:
    mask = np.ones((200_000, 2), bool)
    tracemalloc.start()
    lying, standing = diameter(mask.T, (1.0, 3.0)), diameter(mask, (3.0, 1.0))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert standing == lying == pytest.approx(600_000, rel=1e-3)
    assert most < 20 * 2**20


@pytest.mark.parametrize(
    ("row", "column", "place"),
    [(20, 20, ("left", "upper")), (48, 48, ("middle", "middle")), (76, 70, ("right", "lower"))],
)
def test_places_are_named_as_seen(row: int, column: int, place: tuple[str, str]) -> None:
    mask = np.zeros((96, 96), bool)
    mask[row - 3 : row + 3, column - 3 : column + 3] = True
    found = measure(mask, Scan(head(), "scan.png"))
    assert (found.side, found.height) == place
