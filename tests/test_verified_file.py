import hashlib
from pathlib import Path

import pytest

from tumorlens.errors import ModelCorruptError, ModelMissingError
from tumorlens.verified_file import read_verified


def test_only_the_file_that_the_card_speaks_of_is_read(tmp_path: Path) -> None:
    path = tmp_path / "gate.npz"
    with pytest.raises(ModelMissingError, match="which the card speaks of"):
        read_verified(path, "0" * 64, what="a gate")
    path.write_bytes(b"numbers")
    sha256 = hashlib.sha256(b"numbers").hexdigest()
    assert read_verified(path, sha256, what="a gate") == b"numbers"
    path.write_bytes(b"other numbers")
    with pytest.raises(ModelCorruptError, match=f"a gate with SHA-256 {sha256}"):
        read_verified(path, sha256, what="a gate")
