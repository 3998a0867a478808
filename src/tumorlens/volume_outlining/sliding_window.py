"""A network of fixed patch size over a whole volume, blended with Gaussian weights.

The same windows and weights as MONAI's ``sliding_window_inference(..., mode="gaussian")``: a test
holds the two together. F. Isensee and others, "nnU-Net", Nature Methods 18, 2021,
doi:10.1038/s41592-020-01008-z.
"""

import math
from collections.abc import Callable
from itertools import product

import numpy as np

from tumorlens.scan import FloatArray

Patch = tuple[int, int, int]

_SIGMA = 0.125  # of the patch's sides
_LEAST = 1e-3  # of the largest weight, so that every voxel gets an answer


def slide(
    volume: FloatArray,
    run: Callable[[FloatArray], FloatArray],
    *,
    patch: Patch,
    overlap: float,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> FloatArray:
    """Run a network over every part of a volume.

    Args:
        volume: float32, (C, X, Y, Z); padded with zeros where it is smaller than a patch.
        run: Takes float32, (1, C, *patch), gives float32, (1, R, *patch).
        patch: Voxels along X, Y and Z.
        overlap: Of neighbouring patches, in [0, 1).
        progress: Called with (done, total) patches.

    Returns:
        float32, (R, X, Y, Z): the weighted mean of what the patches say of each voxel.
    """
    padded, inside = _pad(volume, patch)
    weights = gaussian(patch)
    places = list(product(*map(starts, padded.shape[1:], patch, [overlap] * 3)))
    total: FloatArray | None = None
    weight = np.zeros(padded.shape[1:], np.float32)
    for done, place in enumerate(places, 1):
        where = tuple(slice(at, at + side) for at, side in zip(place, patch, strict=True))
        answer = run(np.ascontiguousarray(padded[(None, slice(None), *where)]))[0]
        if total is None:
            total = np.zeros((len(answer), *padded.shape[1:]), np.float32)
        total[(slice(None), *where)] += answer * weights
        weight[where] += weights
        progress(done, len(places))
    assert total is not None
    return np.asarray((total / weight)[(slice(None), *inside)], np.float32)


def starts(length: int, side: int, overlap: float) -> list[int]:
    """Where patches begin along one axis; the last one ends where the axis does."""
    step = max(1, int(side * (1 - overlap)))
    last = length - side
    return [min(number * step, last) for number in range(math.ceil(last / step) + 1)]


def gaussian(patch: Patch) -> FloatArray:
    """Weights of a patch's voxels, float32, of its shape, largest in its middle."""
    curves = [
        np.exp(-(((np.arange(side) - (side - 1) / 2) / (_SIGMA * side)) ** 2) / 2) for side in patch
    ]
    weights = np.einsum("i,j,k->ijk", *curves)
    return np.asarray(np.maximum(weights, max(float(weights.min()), _LEAST)), np.float32)


def _pad(volume: FloatArray, patch: Patch) -> tuple[FloatArray, tuple[slice, ...]]:
    """At least as large as a patch, and where in it the volume lies."""
    lacks = [max(0, side - length) for side, length in zip(patch, volume.shape[1:], strict=True)]
    before = [lack // 2 for lack in lacks]
    widths = [(0, 0), *((b, lack - b) for b, lack in zip(before, lacks, strict=True))]
    inside = tuple(slice(b, b + length) for b, length in zip(before, volume.shape[1:], strict=True))
    return np.pad(volume, widths), inside
