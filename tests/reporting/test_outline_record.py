"""What runs leave behind that are stopped while they outline."""

import json
import os
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import head, write_picture
from tests.dying import PATH_STEPS, dies_at
from tumorlens.errors import ConfigError
from tumorlens.model import Model
from tumorlens.prediction import predict
from tumorlens.reading import find_sources
from tumorlens.reading.own_files import CLAIMS, RECORD, own_outlines
from tumorlens.reporting import outline_record, segments
from tumorlens.reporting.folder import alone_in
from tumorlens.reporting.outline_inputs import find_inputs
from tumorlens.reporting.outline_record import OutlineRecord
from tumorlens.reporting.segments import write_segments
from tumorlens.scan import Scan

Write = Callable[..., None]


@pytest.fixture
def scans(tmp_path: Path) -> dict[str, Path]:
    """Four pictures."""
    (tmp_path / "scans").mkdir()
    return {
        name: write_picture(tmp_path / "scans" / f"{name}.png", head(96, 80, blob=120.0))
        for name in ("old", "a", "b", "other")
    }


@pytest.fixture
def write(outlining: Model, scans: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Write:
    """Outlines the pictures of these names into a folder; answers are known before any fork."""
    answers = {str(path): predict(str(path), model=outlining) for path in scans.values()}

    def answer(scan: Scan, *, model: Model) -> object:
        return answers[scan.source]

    monkeypatch.setattr(segments, "predict", answer)

    def run(folder: Path, *names: str) -> None:
        inputs = find_inputs([str(scans[name]) for name in names], output=folder).inputs
        list(write_segments(inputs, folder, model=outlining))

    return run


def records(folder: Path) -> list[Any]:
    return json.loads((folder / RECORD).read_text())


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("earlier", [(), ("old", "b")], ids=["new", "earlier outlines"])
def test_killed_at_any_step_and_run_again(
    tmp_path: Path, write: Write, earlier: tuple[str, ...]
) -> None:
    steps = (*PATH_STEPS, (OutlineRecord, "_append"))

    def begun(name: str) -> Path:
        if earlier:
            write(tmp_path / name, *earlier)
        return tmp_path / name

    write(unbroken := begun("unbroken"), "a", "b")
    for step in count():
        folder = begun(f"killed {step}")
        if not dies_at(step, partial(write, folder, "a", "b"), steps):
            break
        if (folder / RECORD).exists():
            assert all((folder / record["mask"]).is_file() for record in records(folder))
        if folder.exists():
            masks = {path.name for path in folder.glob("*.mask.png*")}
            assert masks <= own_outlines(folder)
            assert not any(source.files for source in find_sources(folder).sources)
        write(folder, "other")
        write(folder, "a", "b")
        told = {record["source"]: record for record in records(folder)}
        assert len(told) == len(records(folder)) == 3 + ("old" in earlier)
        assert not (folder / CLAIMS).exists()
        wanted = content(unbroken)
        del wanted[RECORD]
        assert {name: content(folder)[name] for name in wanted} == wanted
    assert step > 10


def test_an_interrupted_run_records_what_it_wrote(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, asked = segments.predict, []

    def interrupted(scan: Scan, *, model: Model) -> object:
        asked.append(scan)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return answer(scan, model=model)

    write(folder := tmp_path / "out", "old")
    with monkeypatch.context() as patched:
        patched.setattr(segments, "predict", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(folder, "a", "b", "other")
    assert [record["mask"] for record in records(folder)] == [
        "old.mask.png",
        "a.mask.png",
        "b.mask.png",
    ]
    assert not (folder / CLAIMS).exists()
    write(folder, "a", "b", "other")
    assert len(records(folder)) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no locks on this system")
def test_a_second_run_at_the_same_time_is_refused(tmp_path: Path, write: Write) -> None:
    (folder := tmp_path / "out").mkdir()
    with alone_in(folder), pytest.raises(ConfigError, match="another run"):
        write(folder, "a")
    assert not list(folder.iterdir())


def test_the_record_grows_whole_and_is_as_one_piece(tmp_path: Path) -> None:
    told = [{"source": f"{number}.png", "error": {"code": "é"}} for number in range(3)]
    with OutlineRecord(tmp_path, ()) as record:
        for number, one in enumerate(told, 1):
            record.add(one)
            text = (tmp_path / RECORD).read_text()
            assert text == json.dumps(told[:number], indent=2) + "\n"


def test_a_full_disk_leaves_the_record_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(outline_record.FileIO):
        """Takes the first bytes of whatever is longer than the end of a list."""

        def write(self, data: bytes) -> int:  # type: ignore[override]
            return super().write(data if len(data) < 5 else data[:7])

    monkeypatch.setattr(outline_record, "FileIO", Full)
    one, other = ({"source": name, "error": {}} for name in "ab")
    with OutlineRecord(tmp_path, ()) as record:
        record.add(one)
        with pytest.raises(ConfigError, match="room"):
            record.add(other)
        assert records(tmp_path) == [one]
