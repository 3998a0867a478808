"""Skull stripping: a scan without all that is not brain, before a network sees it.

To add a method, write a module with ``find_brain(scan) -> mask`` and one line in
`SKULL_STRIPPERS`. The modules, and what they need, are imported when they are first asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ConfigError, ScanContentError
from tumorlens.extras import import_extra
from tumorlens.scan import Scan, Volume

BoolArray = npt.NDArray[np.bool_]
_ScanOrVolume = TypeVar("_ScanOrVolume", Scan, Volume)

LEFT_ON = "none"
"""Stands for no method, where a name is asked for."""

EXTRA = "skullstrip"
"""Of the package: what brings the methods that are not built in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkullStripper:
    """One entry of `SKULL_STRIPPERS`.

    Attributes:
        module: With ``find_brain(scan) -> bool mask of the scan's shape``.
        takes: `Volume`, whole heads; or `Scan`, single slices, and of volumes each slice.
        title: The method in words.
    """

    module: str
    takes: type[Scan] | type[Volume]
    title: str


SKULL_STRIPPERS: dict[str, SkullStripper] = {
    "hd-bet": SkullStripper(
        module="tumorlens.preparation.hd_bet",
        takes=Volume,
        title="HD-BET, a network (PyTorch), any sequence, tumors too",
    ),
    "brainextractor": SkullStripper(
        module="tumorlens.preparation.bet",
        takes=Volume,
        title="BET, a surface grown in a T1 volume",
    ),
    "radial": SkullStripper(
        module="tumorlens.preparation.radial",
        takes=Scan,
        title="a contour in each slice; built in",
    ),
}
"""All methods, by name."""


def stripper(method: str) -> SkullStripper:
    """The entry of a method.

    Raises:
        ConfigError: There is none of this name.
    """
    if method not in SKULL_STRIPPERS:
        raise ConfigError(
            expected=f"one of {', '.join(SKULL_STRIPPERS)}",
            found=method,
            remedy="Choose one of them.",
            source="skull stripping",
        )
    return SKULL_STRIPPERS[method]


def find_brain(scan: Scan | Volume, method: str) -> BoolArray:
    """Find the brain; of a volume once by each method, and kept as long as the volume is there.

    Args:
        scan: A slice or a volume.
        method: A name in `SKULL_STRIPPERS`; one for slices finds it in each slice of a volume.

    Returns:
        bool, of the scan's own shape.

    Raises:
        ConfigError: There is no such method.
        MissingExtraError: What it needs is not installed.
        ScanContentError: A slice was given to a method for volumes, the spacing that it needs is
            unknown, or no brain was found.
    """
    if not isinstance(scan, Volume):
        return _find_brain(scan, method)
    found = _FOUND.setdefault(scan, {})
    if method not in found:
        found[method] = _find_brain(scan, method)
    return found[method]


# A classifier and a model for whole heads both ask for it, and HD-BET takes half a minute.
_FOUND: WeakKeyDictionary[Volume, dict[str, BoolArray]] = WeakKeyDictionary()


def _find_brain(scan: Scan | Volume, method: str) -> BoolArray:
    entry = stripper(method)
    if isinstance(scan, Scan) and entry.takes is Volume:
        slices = [name for name, one in SKULL_STRIPPERS.items() if one.takes is Scan]
        raise ScanContentError(
            expected=f"a whole volume, which is what {method} strips",
            found="a single slice",
            remedy=f"Strip single slices with {' or '.join(slices)}, or do without.",
            source=scan.source,
        )
    find: Callable[..., BoolArray] = import_extra(entry.module, extra=EXTRA).find_brain
    if isinstance(scan, Volume) and entry.takes is Scan:
        mask = np.stack([find(scan.slice(index)) for index in range(len(scan.voxels))])
    else:
        mask = find(scan)
    if not mask.any():
        raise ScanContentError(
            expected="a head with its brain",
            found=f"no brain by {method}",
            remedy="Choose another method, or do without skull stripping.",
            source=scan.source,
        )
    return mask


def strip_skull(scan: _ScanOrVolume, method: str) -> _ScanOrVolume:
    """The same scan with everything outside the brain as dark as its darkest pixel.

    Raises:
        ConfigError, MissingExtraError, ScanContentError: As `find_brain`.
    """
    mask = find_brain(scan, method)
    if isinstance(scan, Volume):
        return replace(scan, voxels=np.where(mask, scan.voxels, scan.voxels.min()))
    return replace(scan, pixels=np.where(mask, scan.pixels, scan.pixels.min()))


def strips_volumes(method: str | None) -> bool:
    """Whether a method takes whole volumes; False for None."""
    return method is not None and stripper(method).takes is Volume
