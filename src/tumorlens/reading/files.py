"""Bytes of files, with every failure of the file system turned into one error."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from tumorlens.errors import ScanEmptyError, ScanFormatError, ScanMissingError, ScanTooLargeError
from tumorlens.reading.limits import Limits


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder; False, and no error, where that cannot be known."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def read_bytes(path: Path, *, source: str, limits: Limits) -> bytes:
    """The whole content of a regular file.

    Raises:
        ScanMissingError: There is no such file, or it may not be read.
        ScanFormatError: It is a pipe, a device or the like.
        ScanTooLargeError: It is larger than ``limits.max_bytes``; nothing was read.
        ScanEmptyError: It has no bytes.
    """
    try:
        check_bytes(_regular(path, source).st_size, source=source, limits=limits)
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise _missing(error, source) from error
    check_not_empty(data, source=source)
    return data


def open_file(path: Path, *, source: str) -> BinaryIO:
    """Open a regular file for its bytes.

    Raises:
        ScanMissingError, ScanFormatError: As `read_bytes`.
    """
    try:
        _regular(path, source)
        return path.open("rb")
    except (OSError, ValueError) as error:
        raise _missing(error, source) from error


def check_not_empty(data: bytes, *, source: str) -> None:
    """Raise `ScanEmptyError` if a file has no bytes."""
    if not data:
        raise ScanEmptyError(
            expected="a file with a scan in it",
            found="an empty file (0 bytes)",
            remedy="Copy or download the file again; the last transfer left nothing in it.",
            source=source,
        )


def read_head(path: Path, count: int) -> bytes:
    """The first ``count`` bytes of a regular file; ``b""`` where it cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(count)
    except (OSError, ValueError):
        return b""


def check_bytes(count: int, *, source: str, limits: Limits) -> None:
    """Raise `ScanTooLargeError` if ``count`` bytes are more than allowed."""
    if count > limits.max_bytes:
        raise ScanTooLargeError(
            expected=f"at most {limits.max_bytes:,} bytes",
            found=f"{count:,} bytes or more",
            remedy="Give a smaller file, or raise Limits(max_bytes=...).",
            source=source,
        )


def _regular(path: Path, source: str) -> os.stat_result:
    """What is known of a regular file."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError
    if not stat.S_ISREG(status.st_mode):
        raise ScanFormatError(
            expected="a regular file",
            found="a pipe, a socket or a device",
            remedy="Write the scan to a file first and give its path.",
            source=source,
        )
    return status


def _missing(error: OSError | ValueError, source: str) -> ScanMissingError:
    found = "a path that cannot be opened"
    remedy = "Check the path."
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        found = "no such file or folder"
        remedy = "Check the spelling of the path."
    elif isinstance(error, PermissionError):
        found = "one without permission to read"
        remedy = "Ask its owner for the right to read it (chmod +r)."
    elif isinstance(error, IsADirectoryError):
        found = "a folder that cannot be listed"
        remedy = "Check the folder's permissions (chmod +rx)."
    elif isinstance(error, OSError) and error.errno is not None:
        found = f"one that cannot be opened ({os.strerror(error.errno)})"
    return ScanMissingError(
        expected="a file or folder that may be read", found=found, remedy=remedy, source=source
    )
