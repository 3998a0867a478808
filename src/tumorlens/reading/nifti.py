"""NIfTI-1 and NIfTI-2 volumes, plain or gzipped.

Where the header says nothing usable about the orientation, the voxels are shown by a guess
(`tumorlens.reading.nifti_header`), but ``plane`` and ``affine`` stay None.
"""

import gzip
import math
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ScanContentError, ScanCorruptError
from tumorlens.reading.checks import check_shape, check_slices, check_values
from tumorlens.reading.decoding import decoding
from tumorlens.reading.files import check_bytes, read_head
from tumorlens.reading.formats import HEAD_BYTES, reader_name
from tumorlens.reading.limits import Limits
from tumorlens.reading.nifti_header import (
    GZIP,
    HEADER_BYTES,
    KIND,
    affine_read_by,
    has_spacing,
    parse_header,
    stated_affine,
    volume_shape,
)
from tumorlens.reading.orientation import count_slices, orient
from tumorlens.reading.sequence import guess_sequence
from tumorlens.scan import FloatArray, Scan, Volume


def read(data: bytes, *, source: str, limits: Limits) -> Scan | Volume:
    """Decode the bytes of one ``.nii`` or ``.nii.gz`` file.

    Args:
        data: The whole file.
        source: Its name, passed on; the MR sequence is guessed from it.
        limits: How large it may be, unpacked.

    Returns:
        A `Volume` in the file's units (scaled by its slope and intercept), or a `Scan` if there
        is one slice only.

    Raises:
        ScanFormatError: An Analyze file or the header of a two-file NIfTI.
        ScanCorruptError: Truncated or damaged.
        ScanTooLargeError: More voxels or slices than allowed; nothing was unpacked beyond the
            header.
        ScanContentError: Several volumes (4-D), colours, complex numbers, NaN, one value.
    """
    header = parse_header(_unpack(data, HEADER_BYTES, source), source)
    shape = volume_shape(header, source=source)
    check_shape(shape, source=source, limits=limits)
    affine = affine_read_by(header)
    check_slices(count_slices(shape, affine), source=source, limits=limits)
    voxels = _voxels(header, data, shape, source, limits)
    check_values(voxels, source=source)

    shown = orient(voxels, affine, source=source, sequence=guess_sequence(PurePath(source).name))
    if stated_affine(header) is not None:
        return shown
    if isinstance(shown, Volume):
        shown = replace(shown, plane=None, affine=None)
    return shown if has_spacing(header) else replace(shown, spacing_mm=None)


def is_nifti(path: Path) -> bool:
    """Whether `read` is the reader of a file; False where it cannot be opened."""
    return reader_name(read_head(path, HEAD_BYTES)) == "nifti"


def _unpack(data: bytes, count: int, source: str) -> bytes:
    """The first ``count`` bytes, and never more of a gzip file; fewer at the file's end."""
    if not data.startswith(GZIP):
        return data[:count]
    with decoding("gzipped NIfTI volume", source=source), gzip.open(BytesIO(data)) as file:
        unpacked = file.read(count)
        # Asking for more makes gzip meet the end, and there compare the checksum.
        file.read(1 if count > HEADER_BYTES else 0)
        return unpacked


def _voxels(
    header: Any, data: bytes, shape: tuple[int, int, int], source: str, limits: Limits
) -> FloatArray:
    """float32, of ``shape``: the scaled values in the file's own order of axes."""
    with decoding(KIND, source=source):
        dtype = np.dtype(header.get_data_dtype())
        start = int(header["vox_offset"])
    if dtype.kind not in "iuf":
        raise ScanContentError(
            expected="one real number a voxel",
            found="colours, complex numbers or a type without numbers",
            remedy="Convert it to one channel first, for example to its luminance or magnitude.",
            source=source,
        )
    first = int(header["sizeof_hdr"])
    if start < first:
        raise ScanCorruptError(
            expected=f"voxels behind the header (vox_offset of {first + 4} or more)",
            found=f"a vox_offset of {start:,}, within the header",
            remedy="Convert or export the file again; what wrote it left a wrong vox_offset.",
            source=source,
        )
    check_bytes(start, source=source, limits=limits)
    count = math.prod(shape)
    end = start + count * dtype.itemsize
    raw = _unpack(data, end, source)
    if len(raw) < end:
        raise ScanCorruptError(
            expected=f"{end:,} bytes of voxels as its header says",
            found=f"{len(raw):,} bytes; the voxels begin at byte {start:,}",
            remedy="Copy or download the file again; it seems to be truncated.",
            source=source,
        )
    stored = np.frombuffer(raw, dtype, count, start).reshape(shape, order="F")
    return _scaled(stored, float(header["scl_slope"]), float(header["scl_inter"]))


def _scaled(stored: npt.NDArray[Any], slope: float, intercept: float) -> FloatArray:
    """float32: the values times slope plus intercept; a slope of 0 or NaN means unscaled."""
    # What overflows float32 becomes infinite, and is refused afterwards like any infinity.
    with np.errstate(all="ignore"):
        if not math.isfinite(slope) or slope == 0:
            return stored.astype(np.float32)
        dtype = np.float32 if stored.dtype.itemsize <= 2 else np.float64
        wide: npt.NDArray[np.floating[Any]] = stored.astype(dtype)
        wide *= slope
        wide += intercept if math.isfinite(intercept) else 0.0
        return wide.astype(np.float32, copy=False)
