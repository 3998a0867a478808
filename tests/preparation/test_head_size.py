import numpy as np
import pytest

from tumorlens.preparation import impossible_size, without_impossible_size
from tumorlens.scan import Scan, Volume


@pytest.mark.parametrize(
    ("spacing", "told"),
    [
        (None, None),
        ((1.0, 1.0, 1.0), None),
        ((0.1, 1.0, 1.0), None),  # a slab
        ((3.0, 10.0, 9.0), None),
        ((0.05, 0.05, 0.05), "3.2 x 4 x 5 mm"),
        ((1.0, 50.0, 50.0), "64 x 4000 x 5000 mm"),
        ((20.0, 1.0, 1.0), "1280 x 80 x 100 mm"),
    ],
)
def test_no_head_is_a_centimetre_or_ten_metres_wide(
    spacing: tuple[float, float, float] | None, told: str | None
) -> None:
    volume = Volume(np.ones((64, 80, 100), np.float32), "v.nii", spacing, affine=np.eye(4))
    assert impossible_size(volume) == told
    known = without_impossible_size(volume)
    assert (known is volume) == (told is None)
    assert known.spacing_mm == (None if told else spacing)
    assert known.voxel_ml == (None if told else volume.voxel_ml)


@pytest.mark.parametrize(
    ("spacing", "told"),
    [((0.5, 0.5), None), ((0.1, 1.0), None), ((0.05, 0.05), "4 x 5 mm"), ((1, 11), "80 x 1100 mm")],
)
def test_nor_is_a_slice(spacing: tuple[float, float], told: str | None) -> None:
    scan = Scan(np.ones((80, 100), np.float32), "s.dcm", spacing)
    assert impossible_size(scan) == told
    assert without_impossible_size(scan).spacing_mm == (None if told else spacing)
