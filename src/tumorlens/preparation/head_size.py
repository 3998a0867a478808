"""Whether what a file tells of its voxels can be true of a head: no head is 1 cm or 10 m wide."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from tumorlens.scan import Scan, Volume

SIDES_MM = (30, 1000)
"""No picture that shows a head is smaller or larger: lengths in cm for mm, say, lie outside.

A slab or a few slices may be thinner.
"""

_ScanOrVolume = TypeVar("_ScanOrVolume", Scan, Volume)


def impossible_size(scan: Scan | Volume) -> str | None:
    """What a scan tells of its size, in words, if no head can have it; else None.

    None too where it tells nothing of its size.
    """
    if scan.spacing_mm is None:
        return None
    counts = scan.voxels.shape if isinstance(scan, Volume) else scan.pixels.shape
    return impossible_sides(
        count * step for count, step in zip(counts, scan.spacing_mm, strict=True)
    )


def impossible_sides(sides_mm: Iterable[float]) -> str | None:
    """As `impossible_size`, of the sides of a picture (two, in mm) or of a volume (three)."""
    told = list(sides_mm)
    low, high = SIDES_MM
    wide = sorted(told)[-2:] if len(told) > 2 else [max(told)]
    if wide[0] >= low and wide[-1] <= high:
        return None
    return f"{' x '.join(f'{side:.0f}' if side >= 10 else f'{side:.2g}' for side in told)} mm"


def without_impossible_size(scan: _ScanOrVolume) -> _ScanOrVolume:
    """The same scan, which tells nothing of its size where that is impossible."""
    if impossible_size(scan) is None:
        return scan
    if isinstance(scan, Volume):
        return replace(scan, spacing_mm=None, affine=None)
    return replace(scan, spacing_mm=None)
