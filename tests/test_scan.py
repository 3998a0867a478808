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


def test_a_voxel_is_as_large_as_its_affine_says() -> None:
    voxels = np.zeros((2, 3, 4), np.float32)
    sheared = np.array([[0, 1.0, 0, 9], [0, 0, 3.0, 8], [2.0, 1.5, 0, 7], [0, 0, 0, 1]])
    assert Volume(voxels, "v").voxel_ml is None
    assert Volume(voxels, "v", (5.0, 1.0, 0.5)).voxel_ml == pytest.approx(0.0025)
    volume = Volume(voxels, "v", (2.0, 1.8, 3.0), affine=sheared)
    assert volume.voxel_ml == pytest.approx(0.006)
