"""A file of a model folder, held to the hash that the card gives."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tumorlens.errors import ModelCorruptError, ModelMissingError


def read_verified(path: Path, sha256: str, *, what: str) -> bytes:
    """The file's bytes.

    Args:
        path: In the model folder.
        sha256: In hexadecimal, as the card gives it.
        what: The file holds, such as ``a gate``.

    Raises:
        ModelMissingError: It cannot be read.
        ModelCorruptError: It has another hash.
    """
    with _reading(path):
        data = path.read_bytes()
    _compare(path, hashlib.sha256(data).hexdigest(), sha256, what)
    return data


def verify_file(path: Path, sha256: str, *, what: str) -> None:
    """The same for a file that is not wanted in memory.

    Raises:
        ModelMissingError, ModelCorruptError: As `read_verified`.
    """
    with _reading(path), path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    _compare(path, found, sha256, what)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelMissingError(
            expected=f"{path.name}, which the card speaks of",
            found=f"no readable {path.name}",
            remedy="Copy the whole folder, or export the model again.",
            source=str(path.parent),
        ) from error


def _compare(path: Path, found: str, sha256: str, what: str) -> None:
    if found != sha256:
        raise ModelCorruptError(
            expected=f"{what} with SHA-256 {sha256}",
            found=found,
            remedy="The file is damaged or of another model: copy or export the folder again.",
            source=str(path),
        )
