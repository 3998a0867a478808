"""What a gate is fitted on: brain scans, changed ones, and what is no brain MRI."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.gate.unlike import ALTERED, UNLIKE, Maker
from tumorlens.lab.pictures import ByteArray, to_bytes
from tumorlens.preparation import Preparation, prepare
from tumorlens.reading import find_sources, read_source
from tumorlens.scan import FloatArray, Scan, Volume
from tumorlens.volume_joining import slices_with_head

MOST = 600
"""Pictures of one data set that the gate is fitted on, and as many that its limits are set on."""

SLICES = 40
"""Of one volume that `load_brains` takes, evenly spread."""

_SLAB = 0.6  # of a head's breadth: the slices of less height are a slab
MADE_UP = 150
"""Pictures of each made-up kind."""


def load_others(folder: Path, preparation: Preparation) -> dict[str, ByteArray]:
    """Prepare pictures of what must be refused; each subfolder is a kind.

    Raises:
        DataError: There are no subfolders with pictures.
        ScanError: One cannot be read.
    """
    found: dict[str, ByteArray] = {}
    for kind in sorted(path for path in folder.glob("*") if path.is_dir()):
        scans = [
            read_source(source) for source in find_sources([str(kind)]).sources if source.files
        ]
        slices = [_middle(scan) for scan in scans]
        if slices:
            found[kind.name] = np.stack([_prepared(one.pixels, preparation) for one in slices])
    if not found:
        raise DataError(
            expected="a folder of folders, one for each kind of picture to refuse",
            found="no pictures",
            remedy="Give each kind a folder of its own.",
            source=str(folder),
        )
    return found


def load_brains(folder: Path, preparation: Preparation) -> ByteArray:
    """Prepare the slices of brain scans of another source, at most `SLICES` a volume and plane.

    Axial volumes of cubes are also cut into coronal and sagittal slices.

    Files with ``mask`` or ``seg`` in their names are left out.

    Returns:
        uint8, (slices, size, size).

    Raises:
        ScanError: One cannot be read, or there is none.
    """
    slices: list[Scan] = []
    for source in find_sources([str(folder)]).sources:
        if not re.search("mask|seg", Path(source.name).name, re.IGNORECASE):
            slices += _slices(read_source(source))
    return np.stack([_prepared(one.pixels, preparation) for one in slices])


def _slices(scan: Scan | Volume) -> list[Scan]:
    if isinstance(scan, Scan):
        return [scan]
    slices = []
    for one in _cuts(scan):
        indices = slices_with_head(one)
        slices += [one.slice(index) for index in indices[:: -(-len(indices) // SLICES)]]
    return slices


def _cuts(volume: Volume) -> list[Volume]:
    """The volume, and where its voxels are about cubes and its slices axial, the other planes.

    Of a slab of few slices the other planes are strips, which show no head.
    """
    spacing = volume.spacing_mm
    if spacing is None or volume.plane != "axial" or max(spacing) > 1.5 * min(spacing):
        return [volume]
    height, *across = (
        count * step for count, step in zip(volume.voxels.shape, spacing, strict=True)
    )
    if height < _SLAB * min(across):
        return [volume]
    upright = volume.voxels[::-1]
    down, rows, columns = spacing
    return [
        volume,
        Volume(upright.transpose(1, 0, 2), volume.source, (rows, down, columns)),
        Volume(upright.transpose(2, 0, 1), volume.source, (columns, down, rows)),
    ]


def _middle(scan: Scan | Volume) -> Scan:
    return scan if isinstance(scan, Scan) else scan.slice(len(scan.voxels) // 2)


def gather(
    training: Sequence[Example],
    pixels: ByteArray,
    *,
    among: npt.NDArray[np.intp],
    others: Mapping[str, ByteArray],
    more: Mapping[str, ByteArray],
    preparation: Preparation,
    random: np.random.Generator,
) -> tuple[dict[str, ByteArray], dict[str, ByteArray]]:
    """Brain scans, some of them altered, by data set; and what is none, by kind.

    Args:
        training: Brain scans the network learnt from.
        pixels: uint8, (training, size, size).
        among: Numbers of those that may be taken.
        others: By kind, pictures that must be refused; made-up kinds are added.
        more: By data set, further brain scans, which are altered likewise.
        preparation: Of the model.
        random: Chooses and alters.

    Raises:
        DataError: There are fewer than two training pictures.
    """
    if len(among) < 2:
        raise DataError(
            expected="at least two training pictures",
            found=str(len(among)),
            remedy="Give the training part of the split.",
        )
    chosen = among[sample([training[index].dataset for index in among.tolist()], random)]
    heads = np.asarray(pixels[chosen])
    datasets = np.array([training[index].dataset for index in chosen.tolist()], np.str_)
    parts = {str(name): heads[datasets == name] for name in np.unique(datasets)}
    for name, further in more.items():
        known = parts.get(name, further[:0])
        parts[name] = np.concatenate([known, further[:MOST]])
    brains = {
        name: np.concatenate([part, *_altered(part, random, preparation.unstripping())])
        for name, part in parts.items()
    }
    count = min(MADE_UP, len(heads))
    unlike = {name: _made(make, heads, count, random, preparation) for name, make in UNLIKE.items()}
    return brains, unlike | dict(others)


def _altered(
    heads: ByteArray, random: np.random.Generator, preparation: Preparation
) -> list[ByteArray]:
    count = -(-len(heads) // 8)
    return [_made(make, heads, count, random, preparation) for make in ALTERED.values()]


def _made(
    make: Maker,
    heads: ByteArray,
    count: int,
    random: np.random.Generator,
    preparation: Preparation,
) -> ByteArray:
    return np.stack([_prepared(make(heads, random), preparation) for _ in range(count)])


def _prepared(picture: FloatArray, preparation: Preparation) -> ByteArray:
    scan = Scan(np.ascontiguousarray(picture, np.float32), "")
    return to_bytes(prepare(scan, preparation).pixels)


def sample(datasets: Sequence[str], random: np.random.Generator) -> npt.NDArray[np.intp]:
    """Numbers of at most `MOST` pictures of each data set."""
    names = np.asarray(datasets, np.str_)
    parts = [random.permutation(np.flatnonzero(names == name))[:MOST] for name in np.unique(names)]
    return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.intp)
