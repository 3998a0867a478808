"""A head -> the outline of its tumor by a model for whole heads, where it can be a head."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ScanContentError
from tumorlens.measured_outline import VolumeOutline, measure_volume
from tumorlens.scan import Volume
from tumorlens.volume_outlining import check_sequences, outline_head
from tumorlens.volume_outlining.head import Head, without_skull
from tumorlens.volume_outlining.model import shared_volume_model

_SIDES_MM = (80, 500)
"""How long the sides of a volume that shows a head may be; of one with few slices one is less."""

_WIDEST_MM = 15
"""Between neighbouring voxels: what lies between slices further apart cannot be told."""


def outline_whole_head(
    head: Head, volume: Volume, folder: Path, *, skull_strip: str | None = None
) -> VolumeOutline:
    """Outline the tumor in a head, from all of its sequences that the model knows.

    Args:
        head: A case, or a `lone_head`.
        volume: The one of its sequences that was answered, by which the outline is measured.
        folder: Of the model for whole heads, which is loaded once a process.
        skull_strip: How the skull is taken off first; None to leave it on.

    Raises:
        ScanContentError: It can be no head by its size, shows nothing, or the model cannot do
            with its sequences.
        ModelError: The model cannot be loaded.
        ConfigError, MissingExtraError: Of the method that takes the skull off.
    """
    _check_size(volume)
    model = shared_volume_model(folder)
    missing = check_sequences(head.volumes, model.card, source=head.source)
    shown = without_skull(head, skull_strip) if skull_strip else head
    found = outline_head(shown, model, missing=missing)
    by = model.card.identity
    return measure_volume(found.labels > 0, volume, outlined_by=by, notes=found.notes)


def lone_head(volume: Volume) -> Head:
    """A volume as a head of one sequence; where its orientation is unknown, its slices are axial.

    Voxels of unknown size are taken for cubes of 1 mm.
    """
    spacing = volume.spacing_mm or (1.0, 1.0, 1.0)
    affine = _axial(spacing) if volume.affine is None else volume.affine
    volumes = {str(volume.sequence): volume}
    return Head(Path(volume.source).name, volume.source, volumes, affine, None)


def _check_size(volume: Volume) -> None:
    """Refuse what can be no head."""
    spacing = volume.spacing_mm
    if spacing is None:
        raise _no_head("voxels of unknown size", volume.source)
    sides = [count * step for count, step in zip(volume.voxels.shape, spacing, strict=True)]
    if not (sorted(sides)[1] >= _SIDES_MM[0] and max(sides) <= _SIDES_MM[1]):
        told = " x ".join(f"{side:.0f}" for side in sides)
        raise _no_head(f"a volume of {told} mm", volume.source)
    if max(spacing) > _WIDEST_MM:
        raise _no_head(f"voxels {max(spacing):.0f} mm apart", volume.source)


def _axial(spacing: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """The affine of axial slices as `Volume` shows them: to the head, the back and the left."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = spacing[0], -spacing[1], -spacing[2]
    affine[3, 3] = 1
    return affine


def _no_head(found: str, source: str) -> ScanContentError:
    low, high = _SIDES_MM
    return ScanContentError(
        expected=f"a whole head: sides of {low} to {high} mm, voxels at most {_WIDEST_MM} mm apart",
        found=found,
        remedy="Check the voxel sizes in the file's header.",
        source=source,
    )
