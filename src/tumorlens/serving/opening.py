"""Upload -> Scan | Volume: from memory, or from the members of a zip."""

from dataclasses import dataclass, replace

from tumorlens.errors import ScanContentError, ScanEmptyError
from tumorlens.reading import Limits, Source, find_sources, read_data, read_source
from tumorlens.reading.archive import is_archive, unpacked
from tumorlens.scan import Scan, Volume
from tumorlens.serving.gate import busy


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """One file of a request.

    Attributes:
        name: As the client names it; goes back to it and nowhere else.
        data: The whole file.
    """

    name: str
    data: bytes


def open_upload(upload: Upload, *, limits: Limits) -> Scan | Volume:
    """Read an upload: a picture, a NIfTI or DICOM file, or a zip of one of these or of a series.

    Raises:
        ScanError: As `tumorlens.read_scan`; a zip may hold one scan or series only.
        BusyError: There is no room to unpack a zip.
    """
    if is_archive(upload.data):
        return _open_archive(upload, limits)
    return read_data(upload.data, source=upload.name, limits=limits)


def pick_slice(scan: Scan | Volume, index: int) -> Scan:
    """One slice of a volume, or the scan itself as its slice 0.

    A volume's slice is a copy, so that the rest of the volume need not stay in memory.

    Raises:
        ScanContentError: There is no such slice.
    """
    count = len(scan.voxels) if isinstance(scan, Volume) else 1
    if not 0 <= index < count:
        raise ScanContentError(
            expected=f"a slice from 0 to {count - 1}",
            found=str(index),
            remedy="Choose one of them.",
            source=scan.source,
        )
    if isinstance(scan, Scan):
        return scan
    picked = scan.slice(index)
    return replace(picked, pixels=picked.pixels.copy())


def _open_archive(upload: Upload, limits: Limits) -> Scan | Volume:
    try:
        with unpacked(upload.data, source=upload.name, limits=limits) as found:
            sources = find_sources(found.folder).sources
            if not sources[0].files:
                raise ScanEmptyError(
                    expected="a zip with a scan in it",
                    found="none",
                    remedy="Pack a picture, a NIfTI file or the files of one DICOM series; no zip "
                    "in the zip.",
                    source=upload.name,
                )
            if len(sources) > 1:
                raise ScanContentError(
                    expected="a zip with one scan or one DICOM series",
                    found=f"{len(sources)} of them",
                    remedy="Pack one only, or send the files themselves as a batch.",
                    source=upload.name,
                )
            return read_source(Source(upload.name, sources[0].files), limits=limits)
    except OSError as error:
        raise busy("no room to unpack the zip") from error
