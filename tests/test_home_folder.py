from pathlib import Path

import pytest

import tumorlens
from tumorlens.errors import ConfigError
from tumorlens.home_folder import expand
from tumorlens.lab.audit import audit
from tumorlens.lab.datasets import load_examples


def test_home_is_spelled_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand("~/scans") == tmp_path / "scans"
    assert expand(Path("scans/~")) == Path("scans/~")


def test_an_unknown_home_is_told() -> None:
    with pytest.raises(ConfigError, match="whose home folder is known"):
        expand("~nobody-of-this-name/x")
    with pytest.raises(ConfigError, match="whose home folder is known"):
        tumorlens.load_model("~nobody-of-this-name/x")


def test_data_of_an_unknown_home_is_told() -> None:
    lost = Path("~nobody-of-this-name/x")
    for read in (lambda: load_examples(lost), lambda: audit([lost])):
        with pytest.raises(ConfigError, match="whose home folder is known"):
            read()
