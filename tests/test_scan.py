import numpy as np
import pytest

from tumorlens.scan import Volume


def test_a_slice_of_a_volume_is_a_scan_of_its_own() -> None:
    voxels = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    volume = Volume(voxels, "v.nii", (5.0, 1.0, 0.5), "flair", "axial")
    scan = volume.slice(1)
    np.testing.assert_array_equal(scan.pixels, voxels[1])
    assert scan.spacing_mm == (1.0, 0.5)
    assert scan.sequence == "flair"
    assert scan.source == "v.nii#1"
    assert Volume(voxels, "v").slice(0).spacing_mm is None
    with pytest.raises(IndexError):
        volume.slice(2)
