import numpy as np

from tumorlens.reporting.cases.planes import draw_planes
from tumorlens.reporting.cases.upright import Upright


def drawn(*, is_placed: bool) -> np.ndarray:
    voxels = np.zeros((40, 40, 40), np.float32)
    voxels[10:30, 10:30, 10:30] = 1
    labels = np.zeros(voxels.shape, np.uint8)
    labels[20:25, 20:25, 20:25] = 2
    head = Upright(voxels, labels, (2.0, 2.0, 2.0), "flair", is_placed)
    return np.asarray(draw_planes(head, {2: "whole tumor"})).astype(int)


def test_the_patients_sides_are_marked_at_the_edges_of_the_planes() -> None:
    marked, bare = drawn(is_placed=True), drawn(is_placed=False)
    assert marked.shape == bare.shape
    changed = np.flatnonzero((marked != bare).any(axis=(0, 2)))
    panels = [8 + number * (160 + 8) for number in range(3)]
    expected = [(left, left + 20) for left in panels] + [
        (left + 140, left + 160) for left in panels
    ]
    for first, last in expected:
        assert ((changed >= first) & (changed < last)).any()
    assert all(any(first <= column < last for first, last in expected) for column in changed)
    # The letters of axial and coronal slices are the same, those of the sagittal one are others.
    axial, coronal, sagittal = (marked[80:100, left : left + 20] for left in panels)
    np.testing.assert_array_equal(axial, coronal)
    assert (axial != sagittal).any()
    assert (marked[80:100, 8:28] != marked[80:100, 148:168]).any()
