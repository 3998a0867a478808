"""The header of a NIfTI file: its shape, its affines, its unit of length.

Where the file says nothing usable about its orientation (both codes 0, or an affine of zeros or
NaN), its axes are taken as nibabel takes them: the first to the patient's left, the second to the
front, the third to the head. Lengths in metres or microns become mm, as the header names its unit
(``xyzt_units``).
"""

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header

from tumorlens.errors import ScanContentError, ScanCorruptError, ScanFormatError
from tumorlens.reading.decoding import decoding
from tumorlens.reading.files import open_file
from tumorlens.reading.orientation import Affine, is_usable

KIND = "NIfTI volume"
HEADER_BYTES = 540
"""Of the longer of the two headers, NIfTI-2's."""
GZIP = b"\x1f\x8b"
_UNITS_MM = {1: 1000.0, 2: 1.0, 3: 0.001}  # metres, millimetres, microns
_SIZES = {348: Nifti1Header, 540: Nifti2Header}

FORMS = {
    "sform": ("srow_x", "srow_y", "srow_z"),
    "qform": ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
}
"""The affines that a header may state, the first that can be used counts; the fields of each."""


def read_header(path: Path) -> Any:
    """The header of a file, as `read` parses it, whatever its suffix; its fields are not checked.

    Returns:
        A `nibabel.Nifti1Header`, or a `nibabel.Nifti2Header`.

    Raises:
        ScanMissingError: There is no such file, or it may not be read.
        ScanFormatError: No regular file, an Analyze file or the header of a two-file NIfTI.
        ScanCorruptError: No NIfTI file, or truncated within its header.
    """
    source = str(path)
    with open_file(path, source=source) as file, decoding(KIND, source=source):
        packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        head = gzip.GzipFile(fileobj=file).read(HEADER_BYTES) if packed else file.read(HEADER_BYTES)
        return parse_header(head, source)


def parse_header(head: bytes, source: str) -> Any:
    """Parse a header; its fields are not checked yet.

    Args:
        head: The first bytes of the file, unpacked: `HEADER_BYTES`, fewer where it is shorter.
        source: For messages.

    Returns:
        A `nibabel.Nifti1Header`, or a `nibabel.Nifti2Header`.

    Raises:
        ScanCorruptError: No NIfTI file, or truncated within its header.
        ScanFormatError: An Analyze file or the header of a two-file NIfTI.
    """
    little = int.from_bytes(head[:4], "little")
    size = little if little in _SIZES else int.from_bytes(head[:4], "big")
    with decoding(KIND, source=source):
        header: Any = _SIZES[size](head[:size], "<" if size == little else ">", check=False)
    magic = head[344:348] if size == 348 else head[4:8]
    if magic not in {b"n+1\0", b"n+2\0"}:
        raise ScanFormatError(
            expected="a NIfTI volume in one file (.nii, .nii.gz)",
            found="the header of a two-file NIfTI or Analyze volume (.hdr, .img)",
            remedy="Convert it first, for example with fslchfiletype NIFTI_GZ or nibabel.",
            source=source,
        )
    return header


def volume_shape(header: Any, *, source: str) -> tuple[int, int, int]:
    """The three lengths of the volume; axes of length 1 after them are dropped.

    Raises:
        ScanCorruptError: There is no number of axes.
        ScanContentError: There are several volumes (4-D).
    """
    dim = [int(length) for length in header["dim"]]
    if not 1 <= dim[0] <= 7:
        raise ScanCorruptError(
            expected="1 to 7 axes",
            found=f"{dim[0]} in the header",
            remedy="Copy or export the file again.",
            source=source,
        )
    lengths = [*dim[1 : dim[0] + 1], 1, 1]
    others = [length for length in lengths[3:] if length != 1]
    if others:
        count = math.prod(others)
        shape = " x ".join(str(length) for length in dim[1 : dim[0] + 1])
        raise ScanContentError(
            expected="one volume (3-D)",
            found=f"{count} volumes in one file ({shape})",
            remedy="Write one of them to a file of its own, for example the first: "
            "fslroi in.nii.gz out.nii.gz 0 1, or in Python nibabel.save("
            "nibabel.load('in.nii.gz').slicer[..., 0], 'out.nii.gz').",
            source=source,
        )
    return lengths[0], lengths[1], lengths[2]


def affine_read_by(header: Any) -> Affine:
    """The affine in mm by which `read` turns the voxels of a file with this nibabel header."""
    affine = stated_affine(header)
    return _guessed_affine(header) if affine is None else affine


def stated_affine(header: Any) -> Affine | None:
    """The sform, else the qform, in mm, if it has a code and can be used; else None."""
    for form in FORMS:
        affine = usable_affine(header, form)
        if affine is not None:
            return affine
    return None


def has_spacing(header: Any) -> bool:
    """Whether the header gives three usable spacings."""
    return _zooms(header)[1]


def usable_affine(header: Any, form: str) -> Affine | None:
    """One of the `FORMS` of a header, in mm; None where it has no code or cannot be used."""
    if header[f"{form}_code"] <= 0:
        return None
    try:
        affine = np.asarray(getattr(header, f"get_{form}")(), np.float64)
    except Exception:  # a quaternion longer than 1, a negative spacing
        return None
    affine[:3] = _in_mm(affine[:3], header)
    return affine if is_usable(affine) else None


def _guessed_affine(header: Any) -> Affine:
    """Left, front, head: as nibabel takes axes that nothing is said of."""
    zooms, _ = _zooms(header)
    return np.diag([-zooms[0], *zooms[1:], 1.0])


def _zooms(header: Any) -> tuple[list[float], bool]:
    """Three spacings in mm, and whether the file gave them; else they are 1."""
    zooms = [abs(float(step)) for step in _in_mm(header["pixdim"][1:4], header)]
    known = all(math.isfinite(step) and 1e-6 < step < 1e6 for step in zooms)
    return (zooms if known else [1.0, 1.0, 1.0]), known


def _in_mm(lengths: npt.NDArray[Any], header: Any) -> npt.NDArray[np.float64]:
    """Lengths in the header's unit of space, which is millimetres where it names none, in mm."""
    unit = _UNITS_MM.get(int(header["xyzt_units"]) & 7, 1.0)
    scaled = np.asarray(lengths, np.float64) * unit
    if unit == 1:
        return scaled
    with np.errstate(over="ignore"):  # infinite lengths are not used
        # 0.003 m in float32, as such files have it, are 3.00000003 mm.
        return scaled.astype(np.float32).astype(np.float64)
