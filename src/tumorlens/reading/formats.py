"""The formats that are read, told by their first bytes.

Nothing here imports an imaging library: a reader's module is loaded by `load_reader` when the
first input of its format is read, so that a picture never waits for the import of nibabel or
pydicom. This is the one place of tumorlens outside the command line that imports late.
"""

import importlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

from tumorlens.reading.limits import Limits
from tumorlens.scan import Scan, Volume

HEAD_BYTES = 1024
"""How many of a file's first bytes are enough to tell its format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One entry of `READERS`.

    Attributes:
        module: The module with the reader's function
            ``read(data: bytes, *, source: str, limits: Limits) -> Scan | Volume``.
        sniff: Whether a file that begins with these bytes is this reader's.
        suffixes: Lower-case endings of names that promise this format. They only matter for
            files found inside a folder: one with such a name is refused aloud if its bytes are
            bad, any other file is passed over.
        title: The formats in words, for messages and lists.
    """

    module: str
    sniff: Callable[[bytes], bool]
    suffixes: tuple[str, ...]
    title: str


def is_picture(head: bytes) -> bool:
    """Whether the bytes begin a JPEG, PNG, TIFF, BMP or WebP file."""
    # "BM" alone also begins texts, so the length of the header after it has to fit as well.
    bitmap = head[:2] == b"BM" and head[14:18] in _BITMAP_HEADERS
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return bitmap or webp or head.startswith(_PICTURE_MAGIC)


def is_nifti(head: bytes) -> bool:
    """Whether the bytes begin a NIfTI-1, NIfTI-2 or Analyze header, or a gzip file of one.

    A gzip file too damaged to look into counts as well, so that it gets the reader's message.
    """
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
        except zlib.error:
            return True
        if not head:
            return True
    return head[:4] in _NIFTI_HEADERS


def is_dicom(head: bytes) -> bool:
    """Whether the bytes begin a DICOM file, or a DICOM data set without the usual preamble."""
    if head[128:132] == b"DICM":
        return True
    # Without preamble a data set begins with a tag of group 2 or 8, in either byte order, and
    # then its two-letter type or its length, which is short.
    order: Literal["little", "big"] = "little" if head[1:2] == b"\0" else "big"
    group = int.from_bytes(head[0:2], order)
    element = int.from_bytes(head[2:4], order)
    if len(head) < 64 or group not in {2, 8} or element > 0x60:
        return False
    return head[4:6] in _FIRST_TYPES or int.from_bytes(head[4:8], order) <= 256


def reader_name(head: bytes) -> str | None:
    """The key in `READERS` of the format that begins with ``head``; None if none does."""
    return next((name for name, reader in READERS.items() if reader.sniff(head)), None)


def promises_scan(name: str) -> bool:
    """Whether a file of this name is expected to be a scan, by its suffix."""
    return name.lower().endswith(tuple(s for reader in READERS.values() for s in reader.suffixes))


def describe(head: bytes) -> str:
    """What a file that begins with ``head`` seems to be, in words."""
    for offset, magic, words in _KNOWN:
        if head[offset : offset + len(magic)].lower() == magic.lower():
            return words
    is_text = all(byte >= 32 or byte in b"\t\n\r\f" for byte in head)
    return "a text file" if is_text else "bytes of an unknown format"


class ReaderModule(Protocol):
    """What the module of a `Reader` offers."""

    def read(self, data: bytes, *, source: str, limits: Limits) -> Scan | Volume:
        """Decode one file's bytes."""


class SeriesHeader(Protocol):
    """What is known of a DICOM file before its pixels are read."""

    @property
    def series(self) -> str: ...  # noqa: D102
    @property
    def is_image(self) -> bool: ...  # noqa: D102


class SeriesReaderModule(ReaderModule, Protocol):
    """What the DICOM reader's module offers besides: the files of a series."""

    def read_series(self, files: Sequence[Path], *, source: str, limits: Limits) -> Scan | Volume:
        """Decode the files of one series."""

    def read_series_header(self, path: Path) -> SeriesHeader:
        """What groups files into series."""


def load_reader(name: str) -> ReaderModule:
    """Import the module of ``READERS[name]``, if that has not been done yet."""
    return cast(ReaderModule, importlib.import_module(READERS[name].module))


def load_series_reader() -> SeriesReaderModule:
    """Import the module that reads series of files: the DICOM reader's."""
    return cast(SeriesReaderModule, load_reader("dicom"))


READERS: dict[str, Reader] = {
    # Before pictures: the preamble of a DICOM file may be the beginning of a TIFF file.
    "dicom": Reader(
        module="tumorlens.reading.dicom",
        sniff=is_dicom,
        suffixes=(".dcm", ".dicom", ".ima"),
        title="DICOM file or series",
    ),
    "image": Reader(
        module="tumorlens.reading.image",
        sniff=is_picture,
        suffixes=(".jpg", ".jpeg", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".webp"),
        title="JPEG, PNG, TIFF, BMP or WebP picture",
    ),
    "nifti": Reader(
        module="tumorlens.reading.nifti",
        sniff=is_nifti,
        suffixes=(".nii", ".nii.gz"),
        title="NIfTI volume (.nii, .nii.gz)",
    ),
}
"""All formats that are read. The first whose ``sniff`` agrees reads the file."""

_PICTURE_MAGIC = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
)
_BITMAP_HEADERS = tuple(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))
_NIFTI_HEADERS = tuple(
    size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big")
)
_FIRST_TYPES = (b"UL", b"UI", b"CS", b"DA", b"TM", b"SH", b"LO", b"OB", b"AE", b"ST", b"SQ")
_KNOWN = (
    (0, b"GIF8", "a GIF picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or an Office document"),
    (0, b"\x1f\x8b", "a gzip file without a NIfTI volume in it"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"<!DOCTYPE", "a web page (HTML)"),
    (0, b"<html", "a web page (HTML)"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML text"),
    (0, b"NRRD", "an NRRD volume"),
    (0, b"ObjectType", "a MetaImage header"),
    (0, b"MATLAB", "a MATLAB file"),
    (0, b"\x89HDF", "an HDF5, MINC or MATLAB 7.3 file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (4, b"jP  \r\n", "a JPEG 2000 picture"),
    (4, b"ftyp", "an HEIC or AVIF picture or a film"),
    (0, b"8BPS", "a Photoshop document"),
)
