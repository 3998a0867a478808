"""A file of a model folder, held to the hash that the card gives."""

import hashlib
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
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelMissingError(
            expected=f"{path.name}, which the card speaks of",
            found=f"no readable {path.name}",
            remedy="Copy the whole folder.",
            source=str(path.parent),
        ) from error
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise ModelCorruptError(
            expected=f"{what} with SHA-256 {sha256}",
            found=found,
            remedy="The file is damaged or of another model: copy the folder again.",
            source=str(path),
        )
    return data
