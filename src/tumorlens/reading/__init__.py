"""Reading: bytes of a picture, a NIfTI file or a DICOM file or series to a scan or a volume.

The bytes decide what a file is, never its suffix. To read one more format, write a module with
``read(data, *, source, limits)`` and add one line to `READERS` in ``formats.py``. Whatever is
wrong with an input, one of the subclasses of `tumorlens.errors.ScanError` is raised.
"""

from pathlib import Path

from tumorlens.errors import ScanContentError, ScanEmptyError, ScanFormatError
from tumorlens.reading.files import check_bytes, check_not_empty, read_bytes
from tumorlens.reading.formats import (
    HEAD_BYTES,
    READERS,
    Reader,
    describe,
    load_reader,
    load_series_reader,
    reader_name,
)
from tumorlens.reading.limits import DEFAULT_LIMITS, Limits
from tumorlens.reading.sources import Found, Source, find_sources
from tumorlens.scan import Scan, Volume

__all__ = [
    "READERS",
    "Found",
    "Limits",
    "Reader",
    "Source",
    "find_sources",
    "read_data",
    "read_scan",
    "read_source",
]


def read_scan(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> Scan | Volume:
    """Read one file, or a folder that holds one scan, such as one DICOM series.

    Args:
        path: A JPEG, PNG, TIFF, BMP, WebP, NIfTI or DICOM file, whatever its suffix, or a
            folder with one of them or with the files of one DICOM series.
        limits: How large it may be.

    Returns:
        A `Scan` for one slice, a `Volume` for several.

    Raises:
        ScanContentError: The folder holds several scans, or one of the errors of
            `read_source`.
    """
    sources = find_sources(path).sources
    if len(sources) > 1:
        names = ", ".join(f"{s.name} ({len(s.files)} files)" for s in sources[:10])
        more = f" and {len(sources) - 10} more" if len(sources) > 10 else ""
        raise ScanContentError(
            expected="a folder with one scan or one DICOM series",
            found=f"{len(sources)}: {names}{more}",
            remedy="Give the path of one of them, or read the folder as a batch (find_sources).",
            source=str(path),
        )
    return read_source(sources[0], limits=limits)


def read_source(source: Source, *, limits: Limits = DEFAULT_LIMITS) -> Scan | Volume:
    """Read one source that `find_sources` listed.

    Args:
        source: A file, or the files of one DICOM series.
        limits: How large it may be.

    Returns:
        A `Scan` for one slice, a `Volume` for several.

    Raises:
        ScanMissingError: There is no such file, or it may not be read.
        ScanEmptyError: No bytes, no pixels, or a folder without scans.
        ScanFormatError: None of the formats of `READERS`.
        ScanCorruptError: Truncated or damaged.
        ScanTooLargeError: Beyond ``limits``.
        ScanContentError: Decoded, but not one usable MR picture or volume.
    """
    if not source.files:
        raise ScanEmptyError(
            expected="a folder with scans",
            found="none in it",
            remedy=f"Put a {_titles()} into it, or give another path.",
            source=source.name,
        )
    if len(source.files) > 1:
        return load_series_reader().read_series(source.files, source=source.name, limits=limits)
    data = read_bytes(source.files[0], source=source.name, limits=limits)
    return read_data(data, source=source.name, limits=limits)


def read_data(data: bytes, *, source: str, limits: Limits = DEFAULT_LIMITS) -> Scan | Volume:
    """Read the bytes of one file, such as an upload, without any file.

    Args:
        data: The whole file.
        source: Its name, for messages and reports.
        limits: How large it may be.

    Returns:
        A `Scan` for one slice, a `Volume` for several.

    Raises:
        ScanError: As `read_source`.
    """
    check_bytes(len(data), source=source, limits=limits)
    check_not_empty(data, source=source)
    name = reader_name(data[:HEAD_BYTES])
    if name is None:
        raise ScanFormatError(
            expected=f"a {_titles()}",
            found=describe(data[:HEAD_BYTES]),
            remedy="Export the scan as one of these; the suffix does not matter, the content does.",
            source=source,
        )
    return load_reader(name).read(data, source=source, limits=limits)


def _titles() -> str:
    return ", ".join(reader.title for reader in READERS.values())
