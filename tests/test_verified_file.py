import hashlib
from pathlib import Path

import pytest

from tumorlens.errors import ModelCorruptError, ModelMissingError
from tumorlens.verified_file import read_verified, verify_file


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


def test_a_file_is_verified_without_being_kept(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(ModelMissingError, match="which the card speaks of"):
        verify_file(path, "0" * 64, what="a graph")
    path.write_bytes(b"graph")
    verify_file(path, hashlib.sha256(b"graph").hexdigest(), what="a graph")
    with pytest.raises(ModelCorruptError, match=f"a graph with SHA-256 {'0' * 64}"):
        verify_file(path, "0" * 64, what="a graph")
