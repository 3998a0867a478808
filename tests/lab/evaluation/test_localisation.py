import numpy as np
import pytest

from tumorlens.lab.evaluation.localisation import METHODS, compare, measure_localisation
from tumorlens.model import GraphOutputs, Model


def spot(row: int, column: int, radius: int, size: int = 224) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


HEAD = spot(112, 112, 100)


def test_a_heatmap_on_the_outline_scores_fully() -> None:
    outline = spot(80, 80, 20)
    found = compare(outline.astype(np.float32), outline, HEAD)
    assert (found["pointing"], found["pointing_15"], found["iou"]) == (1.0, 1.0, 1.0)
    assert found["chance"] == pytest.approx(outline.sum() / HEAD.sum())


@pytest.mark.parametrize(("distance", "within"), [(14, 1.0), (17, 0.0)])
def test_the_tolerance_is_fifteen_pixels(distance: int, within: float) -> None:
    outline = spot(80, 80, 20)
    found = compare(spot(80, 100 + distance, 0).astype(np.float32), outline, HEAD)
    assert found["pointing"] == 0.0
    assert found["pointing_15"] == within
    assert found["iou"] == 0.0


def test_an_even_heatmap_points_nowhere() -> None:
    outline = spot(0, 0, 30)  # where the first pixel lies
    for level in (0, 1):
        found = compare(np.full((7, 7), level, np.float32), outline, HEAD)
        assert (found["pointing"], found["iou"]) == (0.0, 0.0)


def test_half_of_the_outline_is_half_of_the_union() -> None:
    outline = np.zeros((224, 224), bool)
    outline[100:120, 100:120] = True
    heatmap = np.zeros((224, 224), np.float32)
    heatmap[100:120, 100:110] = 1
    assert compare(heatmap, outline, HEAD)["iou"] == pytest.approx(0.5)


def test_every_method_is_measured_on_each_data_set(model: Model) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(60, 250, (6, 64, 64)).astype(np.uint8)
    masks = np.stack([spot(20 + k, 30, 8, 64) for k in range(6)]).astype(np.uint8) * 255
    rows = measure_localisation(
        model,
        pixels,
        masks,
        np.array([0, 1, 2, 0, 1, 2]),
        datasets=["a", "a", "a", "b", "b", "b"],
        groups=list("uvwxyz"),
    )
    offered = {row.method for row in rows}
    assert offered == {"grad-cam"}  # the tiny model draws no outline
    assert [row.dataset for row in rows] == ["a", "b", "all"]
    assert rows[-1].count == 6
    assert rows[-1].intervals["iou"] is not None
    assert rows[0].intervals["iou"] is None


def test_an_outline_is_a_method_of_models_that_draw_one(model: Model) -> None:
    outline = np.zeros((2, 1, 16, 16), np.float32)
    plain = GraphOutputs(*(np.zeros((2, 8, 4, 4), np.float32),) * 3)
    assert METHODS["outline"](model, plain, np.array([0, 0])) is None
    drawn = METHODS["outline"](model, plain._replace(outline=outline), np.array([0, 0]))
    assert drawn is not None
    assert drawn.shape == (2, 16, 16)
    assert (drawn == 0.5).all()
