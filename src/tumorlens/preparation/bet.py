"""The brain by BET (S. M. Smith, Hum Brain Mapp 17:143, 2002), as ``brainextractor`` does it.

Its surface grows in cubic voxels, so the volume is resampled to the spacing below first. The mask
is made here of the surface: the package's own lies one voxel too far to the first ones (0.3.0). It
reads voxels without checking that they are there, and where a surface leaves the volume, as in
heads that are cut off, whatever lies in memory: so the volume gets a dark rim.
"""

from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt

from tumorlens.errors import ScanContentError
from tumorlens.extras import import_extra
from tumorlens.preparation.anatomical import Spacing, find_upright, quiet
from tumorlens.scan import FloatArray, Volume

BoolArray = npt.NDArray[np.bool_]

_SPACING = 2.0  # mm: finer voxels take longer, and the surface's faces are no smaller
_SAME = 0.01
_RIM = 20  # voxels
_LEAST = 60.0  # mm: in thinner slabs the surface collapses


def find_brain(volume: Volume) -> BoolArray:
    """Find the brain in a T1 volume.

    Returns:
        bool, (slices, rows, columns).

    Raises:
        MissingExtraError: brainextractor is not installed.
        ScanContentError: The spacing is unknown, or the volume is a slab.
    """
    if volume.spacing_mm is not None:
        import_extra("brainextractor", extra="skullstrip")
        _check_thickness(volume, volume.spacing_mm)
    return find_upright(volume, _find)


def _check_thickness(volume: Volume, spacing: Spacing) -> None:
    sides = [count * step for count, step in zip(volume.voxels.shape, spacing, strict=True)]
    if min(sides) < _LEAST:
        raise ScanContentError(
            expected=f"a whole head, at least {_LEAST:.0f} mm along each side",
            found=f"a slab of {min(sides):.0f} mm",
            remedy="Give the whole volume, or strip with hd-bet or radial.",
            source=volume.source,
        )


def _find(voxels: FloatArray, spacing: Spacing) -> BoolArray:
    extractor = import_extra("brainextractor", extra="skullstrip").BrainExtractor
    resize = import_extra("skimage.transform", extra="skullstrip").resize
    shape = [
        max(1, round(count * step / _SPACING))
        for count, step in zip(voxels.shape, spacing, strict=True)
    ]
    cubes = voxels
    if any(abs(step - _SPACING) > _SAME for step in spacing):
        cubes = resize(voxels, shape, order=1, mode="edge", anti_aliasing=True)
    image = nibabel.Nifti1Image(np.asarray(cubes, np.float32), np.diag([_SPACING] * 3 + [1]))
    with quiet():  # it tells its progress
        grown = extractor(img=image)
        grown.data = np.pad(grown.data, _RIM, constant_values=grown.tmin)
        grown.vertices += _RIM
        grown.update_surface_attributes()
        grown.run()
    found = _within(grown.surface, cubes.shape)
    if found.shape != voxels.shape:
        found = resize(found.astype(np.float32), voxels.shape, order=1, mode="edge") >= 0.5
    return np.asarray(found)


def _within(surface: Any, shape: tuple[int, ...]) -> BoolArray:
    """The voxels whose centres lie within a surface (a ``trimesh.Trimesh`` in voxels, with rim)."""
    places = np.rint(surface.voxelized(1).fill().points).astype(int) - _RIM
    mask = np.zeros(shape, bool)
    mask[tuple(places[((places >= 0) & (places < shape)).all(axis=1)].T)] = True
    return mask
