from pathlib import Path

import pytest

import tumorlens
from tumorlens.errors import ConfigError
from tumorlens.home_folder import expand


def test_home_is_spelled_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand("~/scans") == tmp_path / "scans"
    assert expand(Path("scans/~")) == Path("scans/~")


def test_an_unknown_home_is_told() -> None:
    with pytest.raises(ConfigError, match="whose home folder is known"):
        expand("~nobody-of-this-name/x")
    with pytest.raises(ConfigError, match="whose home folder is known"):
        tumorlens.load_model("~nobody-of-this-name/x")
