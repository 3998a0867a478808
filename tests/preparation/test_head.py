import numpy as np
import pytest

from tumorlens.preparation import find_head

SETTINGS = {"threshold": 0.1, "margin": 0.0}


def head(rows: int = 200, columns: int = 160) -> np.ndarray:
    """A bright ellipse from row 40 to 160 and column 50 to 130."""
    row, column = np.mgrid[0:rows, 0:columns]
    inside = ((row - 100) / 60) ** 2 + ((column - 90) / 40) ** 2 < 1
    return np.where(inside, 150.0, 3.0).astype(np.float32)


def test_the_box_fits_the_head() -> None:
    np.testing.assert_allclose(find_head(head(), **SETTINGS), (40, 50, 160, 130), atol=4)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_units_do_not_matter(scale: float) -> None:
    assert find_head(head() * np.float32(scale), **SETTINGS) == find_head(head(), **SETTINGS)


def test_text_and_thin_frames_are_no_head() -> None:
    marked = head()
    marked[5:12, 4:24:3] = 200
    marked[:, 0] = marked[0, :] = 200
    np.testing.assert_allclose(find_head(marked, **SETTINGS), (40, 50, 160, 130), atol=4)


def test_a_thin_skull_round_the_head_is_kept() -> None:
    row, column = np.mgrid[0:256, 0:256]
    radius = np.hypot(row - 128, column - 128)
    skull = ((radius < 60) | ((radius > 66) & (radius < 72))).astype(np.float32) * 100
    top, left, bottom, right = find_head(skull, **SETTINGS)
    assert top <= 58
    assert left <= 58
    assert bottom >= 198
    assert right >= 198


def test_a_head_cut_by_the_edge_reaches_the_edge() -> None:
    cut = head()[70:, :]
    assert find_head(cut, **SETTINGS)[0] == 0


def test_without_a_head_the_whole_picture_is_kept() -> None:
    assert find_head(np.zeros((30, 20), np.float32), **SETTINGS) == (0, 0, 30, 20)


def test_the_margin_grows_the_box_within_the_picture() -> None:
    tight = find_head(head(), threshold=0.1, margin=0.0)
    wide = find_head(head(), threshold=0.1, margin=0.5)
    assert wide[0] < tight[0]
    assert wide[3] > tight[3]
    assert wide[0] >= 0
    assert wide[3] <= 160
