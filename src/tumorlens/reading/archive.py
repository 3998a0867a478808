"""A zip of scans: its members, unpacked within limits into a private folder for a moment.

Only what scans need is taken: no password, no method beyond stored and deflated (the others may
claim gigabytes for a dictionary), no zip64 (a zip within the limits needs none), no zip in a zip.
Members get plain numbers for names, so that no path leads out of the folder.
"""

import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath

from tumorlens.errors import ScanCorruptError, ScanFormatError, ScanTooLargeError
from tumorlens.reading.formats import HEAD_BYTES, READERS, reader_name
from tumorlens.reading.limits import DEFAULT_LIMITS, Limits
from tumorlens.reading.sources import natural_key

MAX_MEMBERS = 4096
"""Files in one zip at most: the slices of a few series."""

_MAX_DIRECTORY = MAX_MEMBERS * 1024  # bytes of the zip's list of members
_END = struct.Struct("<4s4H2LH")
_MAX_COMMENT = 65535
_CHUNK = 2**18
_SUFFIXES = sorted((s for reader in READERS.values() for s in reader.suffixes), key=len)[::-1]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The members of a zip, on disk.

    Attributes:
        folder: Where they lie, named ``000000.dcm`` and so on, in natural order.
        names: Of each file, as the zip calls it; anything may stand there.
    """

    folder: Path
    names: dict[Path, str] = field(default_factory=dict)


def is_archive(data: bytes) -> bool:
    """Whether a file is a zip, by its bytes.

    A DICOM file's preamble may be anything, the beginning of a zip too: that is none.
    """
    begins = data[:4] in {b"PK\x03\x04", b"PK\x05\x06"}
    return begins and reader_name(data[:HEAD_BYTES]) is None


@contextmanager
def unpacked(data: bytes, *, source: str, limits: Limits = DEFAULT_LIMITS) -> Iterator[Unpacked]:
    """Unpack a zip into a folder that only this user may read and that is removed at the end.

    Folders of the zip, hidden files and those of macOS are left out.

    Args:
        data: The whole zip file.
        source: Its name, for messages.
        limits: All members together may have ``max_bytes``.

    Raises:
        ScanCorruptError: The zip is damaged, or its list of members is.
        ScanFormatError: It is encrypted, or packed by a rare method.
        ScanTooLargeError: It has more members or unpacks to more bytes than allowed.
        OSError: There is no room on the disk for temporary files.
    """
    _check_directory(data, source)
    with tempfile.TemporaryDirectory(prefix="tumorlens-") as folder:
        found = Unpacked(Path(folder))
        _unpack(data, found, source=source, limits=limits)
        yield found


def plain_name(number: int, name: str) -> str:
    """A file name without anything of the given one but the suffix, if it promises a scan.

    Such a file is refused aloud where it is none, so the promise is kept.
    """
    suffix = next((suffix for suffix in _SUFFIXES if name.lower().endswith(suffix)), "")
    return f"{number:06d}{suffix}"


def _unpack(data: bytes, found: Unpacked, *, source: str, limits: Limits) -> None:
    most, written = limits.max_bytes, 0
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = _wanted(archive, source)
            _check_bytes(sum(member.file_size for member in members), most, source)
            for number, member in enumerate(members):
                path = found.folder / plain_name(number, member.filename)
                for count in _write(archive, member, path):
                    written += count
                    _check_bytes(written, most, source)  # whatever the zip says of itself
                found.names[path] = member.filename
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise _damaged(source, type(error).__name__) from error


def _wanted(archive: zipfile.ZipFile, source: str) -> list[zipfile.ZipInfo]:
    """The members that may be scans, in natural order."""
    members = [one for one in archive.infolist() if not _is_passed_over(one)]
    if len(members) > MAX_MEMBERS:
        raise _too_large(f"at most {MAX_MEMBERS:,} files in a zip", f"{len(members):,}", source)
    for member in members:
        if member.flag_bits & 0x1:
            raise _unsupported("an encrypted one", source)
        if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise _unsupported("one packed by a rare method", source)
    return sorted(members, key=lambda one: [natural_key(Path(p)) for p in _parts(one)])


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Iterator[int]:
    """Unpack one member piece by piece; yields each piece's size."""
    with archive.open(member) as packed, path.open("wb") as file:
        while chunk := packed.read(_CHUNK):
            file.write(chunk)
            yield len(chunk)


def _check_bytes(count: int, most: int, source: str) -> None:
    if count > most:
        raise _too_large(f"at most {most:,} bytes in a zip, unpacked", f"{count:,} or more", source)


def _is_passed_over(member: zipfile.ZipInfo) -> bool:
    parts = _parts(member)
    return member.is_dir() or any(one.startswith((".", "__MACOSX")) for one in parts)


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(member.filename.replace("\\", "/")).parts


def _check_directory(data: bytes, source: str) -> None:
    """Look at the zip's end, since listing a directory of millions would take the memory."""
    start = data.rfind(b"PK\x05\x06", max(0, len(data) - _END.size - _MAX_COMMENT))
    if start < 0 or len(data) < start + _END.size:
        raise _damaged(source, "no list of its files at the end")
    if data[max(0, start - 20) : start][:4] == b"PK\x06\x07":
        raise _unsupported("a zip64 one", source)
    size = _END.unpack_from(data, start)[5]
    if size > _MAX_DIRECTORY:
        raise _too_large(f"at most {MAX_MEMBERS:,} files in a zip", "many more", source)


def _damaged(source: str, found: str) -> ScanCorruptError:
    return ScanCorruptError(
        expected="a whole and readable zip",
        found=f"truncated or damaged data ({found})",
        remedy="Pack or download the zip again.",
        source=source,
    )


def _unsupported(found: str, source: str) -> ScanFormatError:
    return ScanFormatError(
        expected="a plain zip, without password",
        found=found,
        remedy="Pack the files again with the usual settings.",
        source=source,
    )


def _too_large(expected: str, found: str, source: str) -> ScanTooLargeError:
    return ScanTooLargeError(
        expected=expected,
        found=found,
        remedy="Pack one series only.",
        source=source,
    )
