"""Slices of one series to a volume: order, geometry, and what cannot be one volume."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from tumorlens.errors import ScanContentError
from tumorlens.reading.checks import check_slices, check_values
from tumorlens.reading.dicom.slices import Slice
from tumorlens.reading.limits import Limits
from tumorlens.reading.orientation import Affine, count_slices, orient
from tumorlens.scan import FloatArray, Scan, Volume

_SAME_PLACE_MM = 1e-2
_SAME_DIRECTION = 0.999
"""Cosine of 2.6 degrees: slices that differ more are not parallel."""
_EVEN = 1.5
"""A step this much longer than the usual one skips a slice."""
_SAME_SPACING = 1.01
"""Pixel spacings whose ratio is below this count as the same."""
_STRAIGHT = 0.1
"""How far a slice may lie beside the line of all, in steps or in pixels, whichever is more."""
_ROUNDED_MM = 0.18
"""How far two positions in space may seem apart whose three coordinates are rounded to 0.1 mm each,
as some exports write them: twice 0.05 mm times the root of 3."""


def stack(
    slices: list[Slice], *, source: str, sequence: str | None, limits: Limits
) -> Scan | Volume:
    """Put the slices of one series in order and show them by the convention of `Volume`.

    Args:
        slices: At least one, in any order.
        source: Passed on.
        sequence: Passed on.
        limits: How many slices there may be, cut as they are shown.

    Returns:
        A `Scan` for one slice, else a `Volume`; shown as stored, and without plane and affine,
        where the file tells no orientation.

    Raises:
        ScanContentError: Not one volume: several sizes, pixel spacings, orientations, or images
            at one position; missing slices, or shifted ones; or values that are no picture.
        ScanTooLargeError: More slices than allowed.
    """
    _check_sizes(slices, source)
    _check_spacings(slices, source)
    placed = all(s.directions is not None for s in slices)
    if placed and len(slices) > 1:
        _check_parallel(slices, source)
        placed = all(s.position is not None for s in slices)
    ordered = _by_position(slices, source) if placed else sorted(slices, key=lambda s: s.number)
    voxels = _voxels(ordered)
    check_values(voxels, source=source)
    if placed:
        affine = _affine(ordered)
        check_slices(count_slices(voxels.shape, affine), source=source, limits=limits)
        shown = orient(voxels, affine, source=source, sequence=sequence)
        return shown if ordered[0].spacing else _without_spacing(shown)
    spacing = ordered[0].spacing
    if len(ordered) == 1:
        return Scan(voxels[0], source, spacing, sequence)
    return Volume(voxels, source, None, sequence)


def are_parallel(one: Affine, other: Affine) -> bool:
    """Whether slices of these directions count as parallel, with rows alike too.

    Args:
        one: As `Slice.directions`.
        other: Likewise.
    """
    return bool(np.sum(one * other, axis=1).min() > _SAME_DIRECTION)


def _voxels(slices: list[Slice]) -> FloatArray:
    """float32, (slices, rows, columns); MONOCHROME1 turned round within its own range."""
    voxels = np.stack([s.pixels for s in slices])
    if slices[0].inverted:
        low, high = voxels.min(), voxels.max()
        with np.errstate(all="ignore"):  # infinities are refused afterwards
            voxels = (low + high) - voxels
    return voxels


def _affine(slices: list[Slice]) -> Affine:
    """float64, (4, 4): (slice, row, column, 1) of the ordered slices to RAS+ mm."""
    first, last = slices[0], slices[-1]
    assert first.directions is not None
    row_mm, column_mm = first.spacing or (1.0, 1.0)
    step = first.normal * first.thickness
    if first.position is not None and last.position is not None and len(slices) > 1:
        step = (last.position - first.position) / (len(slices) - 1)
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = first.directions[0] * row_mm
    affine[:3, 2] = first.directions[1] * column_mm
    affine[:3, 3] = 0.0 if first.position is None else first.position
    return affine


def _without_spacing(shown: Scan | Volume) -> Scan | Volume:
    if isinstance(shown, Volume):
        return replace(shown, spacing_mm=None, affine=None)
    return replace(shown, spacing_mm=None)


def _by_position(slices: list[Slice], source: str) -> list[Slice]:
    """Order slices along their normal; refuse what is not one slice at each of even steps."""
    if len(slices) == 1:
        return slices
    normal = slices[0].normal
    places = {id(s): float(normal @ s.position) for s in slices if s.position is not None}
    ordered = sorted(slices, key=lambda s: places[id(s)])
    steps = [places[id(b)] - places[id(a)] for a, b in pairwise(ordered)]
    doubles = sum(step < _SAME_PLACE_MM for step in steps)
    if doubles:
        raise ScanContentError(
            expected="one image at each position",
            found=f"{len(slices)} images at {len(slices) - doubles} positions "
            "(several echoes, b-values, time points or reconstructions)",
            remedy="Put the files of one of them into a folder of its own, or convert the series "
            "with dcm2niix and choose one volume.",
            source=source,
        )
    usual = _usual(np.array(steps))
    widest = int(np.argmax(steps))
    if steps[widest] > _EVEN * usual:
        raise ScanContentError(
            expected=f"slices at even steps, here of {usual:.2f} mm",
            found=f"{len(slices)} slices with a gap of {steps[widest]:.2f} mm between the images "
            f"{ordered[widest].number:g} and {ordered[widest + 1].number:g}; some may be missing",
            remedy="Export the whole series again, or give the files one by one.",
            source=source,
        )
    _check_straight(ordered, usual, source)
    return ordered


def _usual(steps: Affine) -> float:
    """The mean of the steps that skip no slice: rounded ones may be longer than the median."""
    alike = steps[steps <= _EVEN * np.median(steps) + _ROUNDED_MM]
    single = alike[alike <= _EVEN * alike.mean()]
    return float(single.mean())


def _check_straight(ordered: list[Slice], step: float, source: str) -> None:
    """Hold the slices to the line from the first to the last; a tilted gantry's is slanted."""
    normal, places = ordered[0].normal, np.array([s.position for s in ordered])
    along = (places - places[0]) @ normal
    line = places[0] + np.outer(along / along[-1], places[-1] - places[0])
    beside = np.linalg.norm(places - line, axis=1)
    allowed = max(_STRAIGHT * max((step, *(ordered[0].spacing or ()))), _ROUNDED_MM)
    if beside.max() > allowed:
        worst = int(beside.argmax())
        raise ScanContentError(
            expected="slices straight above one another, or on one slanted line",
            found=f"{np.count_nonzero(beside > allowed)} of {len(ordered)} slices shifted sideways "
            f"from the line between the first and the last, the image {ordered[worst].number:g} "
            f"by {beside[worst]:.2f} mm",
            remedy="Put the files of one stack into a folder of its own, or give the files one by "
            "one.",
            source=source,
        )


def _check_sizes(slices: list[Slice], source: str) -> None:
    sizes = sorted({s.pixels.shape for s in slices})
    if len(sizes) > 1:
        raise ScanContentError(
            expected="slices of one size",
            found=", ".join(f"{rows} x {columns}" for rows, columns in sizes[:5]),
            remedy="Put the files of one size into a folder of its own.",
            source=source,
        )


def _check_spacings(slices: list[Slice], source: str) -> None:
    spacings = sorted({s.spacing for s in slices if s.spacing})
    if any(max(steps) > _SAME_SPACING * min(steps) for steps in zip(*spacings, strict=True)):
        told = dict.fromkeys(f"{row:.4g} x {column:.4g} mm" for row, column in spacings)
        raise ScanContentError(
            expected="slices of one pixel spacing",
            found=", ".join(list(told)[:5]),
            remedy="Put the files of one pixel spacing into a folder of its own.",
            source=source,
        )


def _check_parallel(slices: list[Slice], source: str) -> None:
    kinds: list[Affine] = []
    for s in slices:
        assert s.directions is not None
        if not any(are_parallel(s.directions, kind) for kind in kinds):
            kinds.append(s.directions)
    if len(kinds) > 1:
        raise ScanContentError(
            expected="parallel slices",
            found=f"slices in {len(kinds)} orientations, as in a localizer (scout)",
            remedy="Give a diagnostic series, or the files one by one.",
            source=source,
        )
