"""What every decoded picture must satisfy, whatever its format."""

import math
from collections.abc import Sequence

import numpy as np

from tumorlens.errors import ScanContentError, ScanEmptyError, ScanTooLargeError
from tumorlens.reading.limits import Limits
from tumorlens.scan import FloatArray

LARGEST = 1e15
"""No value may be further from 0: the squares of a volume's values still add up in float32."""


def check_shape(shape: Sequence[int], *, source: str, limits: Limits) -> None:
    """Hold a declared shape against the limits, before decoding.

    Args:
        shape: (rows, columns) of a picture, or three lengths of a volume in any order.
        source: What is being read, for the message.
        limits: What is allowed.

    Raises:
        ScanEmptyError: A length is zero or less.
        ScanTooLargeError: More pixels or voxels than allowed.
    """
    size = " x ".join(str(length) for length in shape)
    if min(shape) < 1:
        raise ScanEmptyError(
            expected="at least one pixel",
            found=f"a picture of {size}",
            remedy="Export the scan again.",
            source=source,
        )
    # Of a volume, the two shortest sides bound nothing: any two may become the slice.
    largest = sorted(shape)[-2:]
    for name, count, most in (
        ("pixels", math.prod(largest), limits.max_pixels),
        ("voxels", math.prod(shape), limits.max_voxels if len(shape) > 2 else limits.max_pixels),
    ):
        if count > most:
            raise ScanTooLargeError(
                expected=f"at most {most:,} {name}",
                found=f"{count:,} ({size})",
                remedy=f"Give a smaller scan, or raise Limits(max_{name}=...).",
                source=source,
            )


def check_slices(count: int, *, source: str, limits: Limits) -> None:
    """Hold a number of slices against the limit, before they are decoded.

    Args:
        count: How many there are, or one more than allowed.
        source: What is being read, for the message.
        limits: What is allowed.

    Raises:
        ScanTooLargeError: More than allowed.
    """
    if count > limits.max_slices:
        raise ScanTooLargeError(
            expected=f"at most {limits.max_slices:,} slices",
            found=f"{count:,} or more",
            remedy="Give a part of them, or raise Limits(max_slices=...).",
            source=source,
        )


def check_values(values: FloatArray, *, source: str) -> None:
    """Make sure that decoded values are finite, of a size that is signal, and not all the same.

    Raises:
        ScanContentError: There is NaN or infinity, a value beyond `LARGEST`, or nothing but one
            value.
    """
    low, high = check_finite(values, source=source)
    if max(-low, high) > LARGEST:
        raise ScanContentError(
            expected=f"values within {LARGEST:g} of 0, as any signal is",
            found=f"{low:g} to {high:g}",
            remedy="They are damage, or mark what was not scanned: replace them first, for example "
            "with fslmaths in -thr 0 -uthr 1e6 out or numpy.clip.",
            source=source,
        )
    if low == high:
        raise ScanContentError(
            expected="a picture with something in it",
            found=f"the one value {low:g} everywhere",
            remedy="Export the scan again, or choose a slice that shows the head.",
            source=source,
        )


def check_finite(values: FloatArray, *, source: str) -> tuple[float, float]:
    """Make sure that values are finite.

    Returns:
        The smallest and the largest.

    Raises:
        ScanContentError: There is NaN or infinity.
    """
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        count = int(np.count_nonzero(~np.isfinite(values)))
        raise ScanContentError(
            expected="finite values",
            found=f"{count:,} of {values.size:,} that are NaN, infinite or beyond float32",
            remedy="Replace them first, for example with fslmaths in -nan out or numpy.nan_to_num.",
            source=source,
        )
    return low, high
