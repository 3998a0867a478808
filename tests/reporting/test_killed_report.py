"""A report whose writer is killed, and written again."""

import os
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import tumorlens
from tests.conftest import head
from tests.dying import dies_at
from tumorlens.errors import ConfigError
from tumorlens.model import Model
from tumorlens.prediction import predict
from tumorlens.reporting.folder import PARTIAL, alone_in
from tumorlens.scan import Scan

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def _results(model: Model, *names: str) -> list[Any]:
    scans = [Scan(head(40, 40, blob=20.0 * len(name)), name) for name in names]
    return [(scan, predict(scan, model=model)) for scan in scans]


def _content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_two_runs_do_not_write_into_one_folder(model: Model, tmp_path: Path) -> None:
    results = _results(model, "a.png")
    with alone_in(tmp_path), pytest.raises(ConfigError, match="another run"):
        tumorlens.write_report(results, tmp_path, card=model.card)
    assert not list(tmp_path.iterdir())
    tumorlens.write_report(results, tmp_path, card=model.card)
    assert (tmp_path / "index.html").is_file()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("earlier", [(), ("old.png", "a.png")], ids=["new", "earlier report"])
def test_killed_at_any_step_and_written_again(
    model: Model, tmp_path: Path, earlier: tuple[str, ...]
) -> None:
    results = _results(model, "a.png", "bb.png")
    others = _results(model, "other.png")

    def write(place: Path, what: list[Any]) -> None:
        tumorlens.write_report(what, place, card=model.card)

    def begun(name: str) -> Path:
        place = tmp_path / name
        place.mkdir()
        (place / "mine.txt").write_text("kept")
        if earlier:
            write(place, _results(model, *earlier))
        return place

    write(unbroken := begun("unbroken"), results)
    write(unlike := begun("unlike"), others)
    for step in count():
        place = begun(f"killed {step}")
        if not dies_at(step, partial(write, place, results)):
            break
        write(place, results if step % 2 else others)
        assert _content(place) == _content(unbroken if step % 2 else unlike)
        assert not (place / PARTIAL).exists()
    assert step > 20
