"""What lies around a head whose skull is on is made 0, as it is where the skull was taken off."""

from dataclasses import replace

import numpy as np

from tumorlens.scan import FloatArray
from tumorlens.volume_outlining.head import Head
from tumorlens.volume_outlining.regions import BoolArray

_THRESHOLD = 0.12  # of the way from the background to the brightest: what is head, not noise
_BRIGHTEST = 99  # percentile
_FRAME = 3  # voxels along the edges of each slice, most of which show background
_SMOOTHED = 2  # voxels to each side that a mean is taken over, so that noise falls away
_DIFFERING = 0.01  # part of the voxels that may be 0 in some sequences only
_LEAST = 1e-3  # of that way: dark voxels inside the head stay above 0


def clear_background(head: Head) -> Head:
    """A head with 0 around it.

    Within a slice a voxel belongs to the head if there is something bright in some sequence on
    all four sides of it, so that dark fluid stays; slices that are 0 in a sequence stay 0 in it. A
    head with 0 around it in all sequences alike, as where the skull was taken off, is given back
    as it is; JPEG pictures of such heads have zeros that differ, and lose dark voxels of their rim.
    """
    if _is_clear(head):
        return head
    limits = {name: _range(volume.voxels) for name, volume in head.volumes.items()}
    found = [_inside(volume.voxels, limits[name]) for name, volume in head.volumes.items()]
    inside = np.logical_or.reduce(found)
    if not inside.any():  # all of one value
        return head
    volumes = {
        name: replace(volume, voxels=_lifted(volume.voxels, inside, limits[name]))
        for name, volume in head.volumes.items()
    }
    return replace(head, volumes=volumes)


def _is_clear(head: Head) -> bool:
    """Whether the same voxels are 0 in every sequence, and many are."""
    zero = [volume.voxels == 0 for volume in head.volumes.values()]
    if len(zero) == 1:  # there is nothing that could differ
        return head.has_background and not _frame(next(iter(head.volumes.values())).voxels).any()
    differing = np.logical_or.reduce(zero) != np.logical_and.reduce(zero)
    return head.has_background and float(differing.mean()) <= _DIFFERING


def _inside(voxels: FloatArray, limits: tuple[float, float]) -> BoolArray:
    """bool, (slices, rows, columns): enclosed by what is bright, within each slice."""
    low, high = limits
    least = low + _THRESHOLD * (high - low)
    # Slice by slice: a whole head's steps side by side need many times its memory.
    return np.stack([_enclosed(_smoothed(one) > least) for one in voxels])


def _enclosed(bright: BoolArray) -> BoolArray:
    """bool, (rows, columns): with something bright on all four sides, or bright itself."""
    sides = [
        _from_one_end(bright, axis, backwards=backwards)
        for axis in (0, 1)
        for backwards in (False, True)
    ]
    return np.asarray(np.logical_and.reduce(sides), np.bool_)


def _from_one_end(bright: BoolArray, axis: int, *, backwards: bool) -> BoolArray:
    """Everything from the first bright voxel on."""
    seen = np.flip(bright, axis) if backwards else bright
    reached = np.logical_or.accumulate(seen, axis=axis)
    return np.flip(reached, axis) if backwards else reached


def _range(voxels: FloatArray) -> tuple[float, float]:
    """What the background is like, and the brightest of the head."""
    frame = float(_frame(voxels).mean())
    return min(frame, float(np.median(voxels))), float(np.percentile(voxels, _BRIGHTEST))


def _frame(voxels: FloatArray) -> FloatArray:
    """The voxels along the edges of the slices, in one row."""
    within = np.zeros(voxels.shape[1:], np.bool_)
    within[_FRAME:-_FRAME, _FRAME:-_FRAME] = True
    return np.asarray(voxels[:, ~within])


def _smoothed(pixels: FloatArray) -> FloatArray:
    """The mean of a square of voxels of the slice around each one."""
    for axis in (0, 1):
        length = pixels.shape[axis]
        widths = [(0, 0), (0, 0)]
        widths[axis] = (_SMOOTHED, _SMOOTHED)
        padded = np.pad(pixels, widths, mode="edge")
        parts = [padded.take(range(at, at + length), axis=axis) for at in range(2 * _SMOOTHED + 1)]
        pixels = np.asarray(sum(parts) / np.float32(len(parts)), np.float32)
    return pixels


def _lifted(voxels: FloatArray, inside: BoolArray, limits: tuple[float, float]) -> FloatArray:
    low, high = limits
    lifted = np.asarray(voxels - low, np.float32)
    np.maximum(lifted, _LEAST * (high - low), out=lifted)
    lifted[~(inside & voxels.any(axis=(1, 2), keepdims=True))] = 0
    return lifted
