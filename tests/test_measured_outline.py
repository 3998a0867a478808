import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from tumorlens.measured_outline import diameter, measure, measure_volume
from tumorlens.model_identity import ModelIdentity
from tumorlens.scan import Scan, Volume

from .conftest import head


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


@pytest.mark.parametrize(
    ("row", "column", "place"),
    [(20, 20, ("left", "upper")), (48, 48, ("middle", "middle")), (76, 70, ("right", "lower"))],
)
def test_places_are_named_as_seen(row: int, column: int, place: tuple[str, str]) -> None:
    mask = np.zeros((96, 96), bool)
    mask[row - 3 : row + 3, column - 3 : column + 3] = True
    found = measure(mask, Scan(head(), "scan.png"))
    assert (found.side, found.height) == place


@pytest.mark.parametrize(
    ("column", "side"), [(37, "left"), (42, "left"), (48, "middle"), (53, "right"), (58, "right")]
)
def test_a_tumor_beside_the_midline_lies_on_a_side(column: int, side: str) -> None:
    mask = np.zeros((96, 96), bool)
    mask[40:50, column - 3 : column + 3] = True
    assert measure(mask, Scan(head(), "scan.png")).side == side


def test_text_and_frames_around_a_head_are_no_part_of_it() -> None:
    alone, mask = head(), np.zeros((96, 96), bool)
    mask[20:30, 45:51] = True
    expected = measure(mask, Scan(alone, "scan.png"))
    picture, wide = np.zeros((96, 240), np.float32), np.zeros((96, 240), bool)
    picture[:, 144:], wide[:, 144:] = alone, mask
    picture[4:8, 4:40] = picture[[0, -1]] = 255
    picture[:, [0, -1]] = 255
    found = measure(wide, Scan(picture, "screenshot.png"))
    assert (found.side, found.height) == (expected.side, expected.height) == ("middle", "upper")
    assert found.area_percent == pytest.approx(expected.area_percent, rel=0.02)


def test_a_volume_says_where_it_is_largest_and_who_outlined() -> None:
    volume = Volume(np.stack([head()] * 4), "v.nii", (5.0, 1.0, 1.0))
    mask = np.zeros(volume.voxels.shape, bool)
    mask[1, 20:30, 20:30] = mask[2, 20:26, 20:30] = True
    by = ModelIdentity("whole", "1.0", "ab")
    found = measure_volume(mask, volume, outlined_by=by, notes=("a note",))
    assert (found.volume_ml, found.largest) == (0.8, 1)
    told = found.to_json()
    assert (told["volume_ml"], told["largest_slice"], told["area_mm2"]) == (0.8, 1, 100.0)
    assert told["outlined_by"] == {"name": "whole", "version": "1.0", "sha256": "ab"}
    assert told["notes"] == ["a note"]
    assert found.of_slice(2, volume.slice(2)).area_mm2 == 60
    empty = measure_volume(np.zeros_like(mask), volume)
    assert (empty.largest, empty.outline, empty.to_json()["outlined_by"]) == (None, None, None)
    assert list(empty.to_json()) == list(told)
    figures = found.outline.to_json() if found.outline else {}
    assert len(figures) == 6
    assert {empty.to_json()[name] for name in figures} == {None}


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
