"""The surface of a region as triangles, by surface nets, in NumPy.

S. F. F. Gibson, "Constrained elastic surface nets", MICCAI 1998, doi:10.1007/BFb0056277: one
vertex in every cell that the surface crosses, in the middle of the crossings of its edges. The
triangles are fewer and rounder than those of marching cubes, and share their vertices.
"""

import base64
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from tumorlens.scan import FloatArray
from tumorlens.volume_outlining.resampling import new_length, resample

_LEVEL = 0.5
_UNIT_MM = 0.1  # of the vertices, as packed

MOST_LOST = 0.2
"""Of a region's volume, by cells that are too large for it; it gets smaller ones then."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A closed surface.

    Attributes:
        vertices: float32, (V, 3), in mm.
        triangles: int64, (T, 3): rows of ``vertices``, counter-clockwise seen from outside.
    """

    vertices: FloatArray
    triangles: npt.NDArray[np.int64]

    def pack(self) -> dict[str, str]:
        """For a page: int16 in tenths of a millimetre and uint32, little-endian, base64."""
        places = np.rint(self.vertices / _UNIT_MM).clip(-32768, 32767).astype("<i2")
        return {
            "vertices": base64.b64encode(places.tobytes()).decode(),
            "triangles": base64.b64encode(self.triangles.astype("<u4").tobytes()).decode(),
        }


def region_surface(
    region: npt.NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    *,
    cells: int,
    finest_mm: float,
) -> Surface | None:
    """The surface of a region; None where it is empty.

    Args:
        region: bool, (X, Y, Z).
        spacing_mm: Of X, Y and Z.
        cells: Along the region's longest side at most: how light the surface is.
        finest_mm: Size of a cell at least.

    Returns:
        Its vertices in mm from the middle of the array.
    """
    if not region.any():
        return None
    spans = [np.flatnonzero(region.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    box = tuple(slice(max(0, int(s[0]) - 1), int(s[-1]) + 2) for s in spans)
    cut = region[box]
    extent = [count * step for count, step in zip(cut.shape, spacing_mm, strict=True)]
    coarsest = max(finest_mm, max(extent) / cells, *spacing_mm)
    for size in (coarsest, coarsest / 1.5, coarsest / 2.25, 0.0):  # rims are thinner than a cell
        field = _coarser(cut, spacing_mm, max(size, *spacing_mm)) if size else cut
        found = surface_nets(field.astype(np.float32))
        if abs(_inside(found) / field.size / cut.mean() - 1) <= MOST_LOST:
            break
    own = np.divide(cut.shape, field.shape) * spacing_mm
    start = np.array([part.start for part in box]) * spacing_mm
    middle = np.multiply(region.shape, spacing_mm) / 2
    places = (found.vertices + 0.5) * own + start - middle
    return Surface(places.astype(np.float32), found.triangles)


def _coarser(
    region: npt.NDArray[np.bool_], spacing_mm: tuple[float, float, float], size: float
) -> FloatArray:
    """The region on cells of about a size, in mm."""
    lengths = zip(region.shape, spacing_mm, strict=True)
    return resample(
        region.astype(np.float32), [new_length(count, step, size) for count, step in lengths]
    )


def _inside(surface: Surface) -> float:
    """The volume within a surface, by the divergence theorem."""
    first, second, third = (surface.vertices[surface.triangles[:, k]] for k in range(3))
    return float((first * np.cross(second, third)).sum() / 6)


def surface_nets(field: FloatArray) -> Surface:
    """Where a field crosses 0.5.

    Args:
        field: float32, (X, Y, Z); outside of it counts as 0.

    Returns:
        Vertices in the field's own indices.
    """
    padded = np.pad(field, 1)
    inside = padded >= _LEVEL
    shape = tuple(length - 1 for length in padded.shape)
    total, count = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
    for axis in range(3):
        _add_crossings(padded, inside, axis, total, count)
    active = count > 0
    numbers = np.full(shape, -1, np.int64)
    numbers[active] = np.arange(int(active.sum()))
    vertices = np.argwhere(active) + total[active] / count[active][:, None] - 1
    triangles = np.concatenate([_faces(inside, axis, numbers) for axis in range(3)])
    return Surface(vertices.astype(np.float32), triangles)


def _add_crossings(
    padded: FloatArray,
    inside: npt.NDArray[np.bool_],
    axis: int,
    total: FloatArray,
    count: FloatArray,
) -> None:
    """Add, to each cell, the places on its four edges along an axis where the surface crosses."""
    shape = count.shape
    one, other = (axis + 1) % 3, (axis + 2) % 3
    for shift in product((0, 1), repeat=2):
        start = np.zeros(3, int)
        start[[one, other]] = shift
        end = start.copy()
        end[axis] = 1
        at, to = (
            tuple(slice(s, s + length) for s, length in zip(corner, shape, strict=True))
            for corner in (start, end)
        )
        crossed = inside[at] != inside[to]
        first, second = padded[at][crossed], padded[to][crossed]
        place = np.tile(start.astype(np.float32), (len(first), 1))
        place[:, axis] = (_LEVEL - first) / (second - first)
        total[crossed] += place
        count[crossed] += 1


def _faces(
    inside: npt.NDArray[np.bool_], axis: int, numbers: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Two triangles between the four cells around each edge that the surface crosses."""
    one, other = (axis + 1) % 3, (axis + 2) % 3
    before = np.take(inside, range(inside.shape[axis] - 1), axis=axis)
    after = np.take(inside, range(1, inside.shape[axis]), axis=axis)
    edges = np.argwhere(before != after)
    leaves = before[tuple(edges.T)]
    corners = []
    for back_one, back_other in ((1, 1), (0, 1), (0, 0), (1, 0)):
        cell = edges.copy()
        cell[:, one] -= back_one
        cell[:, other] -= back_other
        corners.append(numbers[tuple(cell.T)])
    quads = np.stack(corners, axis=1)
    quads[~leaves] = quads[~leaves, ::-1]
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
