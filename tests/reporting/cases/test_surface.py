import base64

import numpy as np
import pytest

from tumorlens.reporting.cases.surface import Surface, region_surface, surface_nets


def ball(radius: float, shape: tuple[int, int, int], spacing: tuple[float, ...]) -> np.ndarray:
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    middle = (np.array(shape) - 1) / 2
    away: np.ndarray = np.linalg.norm((places - middle) * spacing, axis=-1) < radius
    return away


def volume(surface: Surface) -> float:
    """By the divergence theorem: right only for a closed surface that faces outwards."""
    a, b, c = (surface.vertices[surface.triangles[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.0, 3.0), (0.5, 0.5, 0.5)])
def test_a_ball_has_its_volume_and_faces_outwards(spacing: tuple[float, float, float]) -> None:
    shape = tuple(int(48 / step) for step in spacing)
    found = region_surface(ball(16, shape, spacing), spacing, cells=40, finest_mm=1.0)
    assert found is not None
    assert volume(found) == pytest.approx(4 / 3 * np.pi * 16**3, rel=0.06)
    away = np.linalg.norm(found.vertices, axis=1)  # from the middle of the array
    assert away.min() > 13.5
    assert away.max() < 18.5


def test_it_is_closed_also_at_the_edge_of_the_array() -> None:
    field = np.random.default_rng(0).random((9, 8, 7), np.float32)
    found = surface_nets(field)
    edges: dict[tuple[int, int], int] = {}
    for triangle in found.triangles.tolist():
        for start, end in zip(triangle, triangle[1:] + triangle[:1], strict=True):
            edges[start, end] = edges.get((start, end), 0) + 1
    assert all(edges.get((end, start)) == count for (start, end), count in edges.items())
    assert found.triangles.max() == len(found.vertices) - 1


def test_it_is_light_and_thin_regions_are_kept() -> None:
    large = region_surface(
        ball(70, (80, 80, 52), (2, 2, 3)), (2.0, 2.0, 3.0), cells=36, finest_mm=4.0
    )
    assert large is not None
    assert len(large.triangles) < 20_000
    sheet = np.zeros((200, 200, 4), bool)
    sheet[:, :, 2] = True
    assert region_surface(sheet, (1.0, 1.0, 1.0), cells=10, finest_mm=1.5) is not None
    assert region_surface(np.zeros((4, 4, 4), bool), (1, 1, 1), cells=9, finest_mm=1) is None


@pytest.mark.parametrize("radius", [30, 40, 50])
def test_a_thin_rim_is_drawn_whole(radius: int) -> None:
    shape = (2 * radius + 6,) * 3
    rim = ball(radius, shape, (1, 1, 1)) & ~ball(radius - 2, shape, (1, 1, 1))
    found = region_surface(rim, (1.0, 1.0, 1.0), cells=32, finest_mm=1.5)
    assert found is not None
    assert volume(found) == pytest.approx(rim.sum(), rel=0.25)


def test_it_is_packed_in_tenths_of_a_millimetre() -> None:
    found = region_surface(ball(5, (16, 16, 16), (1, 1, 1)), (1, 1, 1), cells=40, finest_mm=1)
    assert found is not None
    packed = found.pack()
    places = np.frombuffer(base64.b64decode(packed["vertices"]), "<i2").reshape(-1, 3) / 10
    np.testing.assert_allclose(places, found.vertices, atol=0.051)
    triangles = np.frombuffer(base64.b64decode(packed["triangles"]), "<u4").reshape(-1, 3)
    np.testing.assert_array_equal(triangles, found.triangles)
