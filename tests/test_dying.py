import os
from pathlib import Path

import pytest

from tests.dying import dies_at

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def test_work_is_killed_before_its_step(tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / "first").write_bytes(b"1")
        (tmp_path / "second").mkdir()

    assert dies_at(0, work)
    assert not list(tmp_path.iterdir())
    assert not dies_at(9, work)
    assert {path.name for path in tmp_path.iterdir()} == {"first", "second"}


def test_work_that_fails_is_told_and_its_process_ends(capfd: pytest.CaptureFixture[str]) -> None:
    here = os.getpid()

    def fail() -> None:
        raise ZeroDivisionError("four")

    try:
        with pytest.raises(AssertionError, match="ended with 1"):
            dies_at(9, fail)
    finally:
        if os.getpid() != here:  # the child came back
            os._exit(0)
    assert "four" in capfd.readouterr().err
