import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

import pyarrow.parquet as pq

from tumorlens.bulk.chunks import source_id
from tumorlens.bulk.folder import ANSWERS, REFUSED, RUN, clear_aside, open_folder
from tumorlens.bulk.table import Refusal, refused_row
from tumorlens.card import Card
from tumorlens.errors import ConfigError
from tumorlens.model import Model
from tumorlens.reading import Source
from tumorlens.reporting.folder import PARTIAL

DEAD = Refusal.of_death()


@pytest.fixture
def card(model: Model) -> Card:
    return model.card


def _rows(*names: str) -> list[dict[str, Any]]:
    return [refused_row(Source(name, (Path(name),)), DEAD) for name in names]


def test_what_has_a_row_is_done(card: Card, tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "new" / "out", card)
    assert folder.done() == set()
    folder.write_part("one", answers=[], refused=_rows("a", "b"))
    folder.write_part("two", answers=[], refused=_rows("c"))
    again = open_folder(tmp_path / "new" / "out", card)
    assert again.done() == {source_id(Source(name, (Path(name),))) for name in "abc"}
    assert again.count(REFUSED) == 3
    assert again.count(ANSWERS) == 0


def test_a_part_replaces_itself(card: Card, tmp_path: Path) -> None:
    folder = open_folder(tmp_path, card)
    folder.write_part("one", answers=[], refused=_rows("a", "b"))
    folder.write_part("one", answers=[], refused=_rows("b"))
    assert folder.count(REFUSED) == 1
    folder.write_part("one", answers=[], refused=[])
    assert not list((tmp_path / REFUSED).iterdir())


def test_names_of_no_text_are_shown(card: Card, tmp_path: Path) -> None:
    folder = open_folder(tmp_path, card)
    folder.write_part("one", answers=[], refused=_rows(os.fsdecode(b"/caf\xe9")))
    assert pq.read_table(tmp_path / REFUSED)["source"].to_pylist() == [r"/caf\xe9"]


def test_folder_of_another_origin_is_refused(card: Card, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(ConfigError, match="another origin"):
        open_folder(tmp_path, card)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("content", ["", "[]", "{}", "7", '{"model": "mine"}', '{"model": null}'])
def test_damaged_mark_is_refused(card: Card, tmp_path: Path, content: str) -> None:
    open_folder(tmp_path, card)
    (tmp_path / RUN).write_text(content)
    with pytest.raises(ConfigError, match="another origin"):
        open_folder(tmp_path, card)


def test_answers_of_two_models_never_mix(card: Card, tmp_path: Path) -> None:
    open_folder(tmp_path, card)
    with pytest.raises(ConfigError, match=r"other 9.9"):
        open_folder(tmp_path, replace(card, name="other", version="9.9", sha256="00" * 32))
    assert json.loads((tmp_path / RUN).read_text())["model"]["name"] == card.name
    stripping = replace(card, preparation=replace(card.preparation, skull_strip="radial"))
    with pytest.raises(ConfigError, match="skull stripping in it"):
        open_folder(tmp_path, stripping)


def test_damaged_part_is_named(card: Card, tmp_path: Path) -> None:
    folder = open_folder(tmp_path, card)
    folder.write_part("one", answers=[], refused=_rows("a"))
    (part,) = (tmp_path / REFUSED).iterdir()
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(ConfigError, match="part-one"):
        folder.done()
    part.unlink()
    assert folder.done() == set()


def test_half_written_parts_are_cleared_and_never_counted(card: Card, tmp_path: Path) -> None:
    folder = open_folder(tmp_path, card)
    (folder.aside / "answers-x").write_bytes(b"half")
    again = open_folder(tmp_path, card)
    assert again.done() == set()
    assert [path.name for path in (tmp_path / PARTIAL).rglob("*")] == [again.run]
    clear_aside(again)
    assert {path.name for path in tmp_path.iterdir()} == {RUN, ANSWERS, REFUSED}


def test_workers_of_an_earlier_run_can_add_nothing(card: Card, tmp_path: Path) -> None:
    earlier = open_folder(tmp_path, card)
    later = open_folder(tmp_path, card)
    with pytest.raises(ConfigError, match="No such file"):
        earlier.write_part("one", answers=[], refused=_rows("a"))
    assert later.done() == set()


def test_full_disk_is_told_and_the_earlier_part_stays(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_folder(tmp_path, card)
    folder.write_part("one", answers=[], refused=_rows("a"))
    before = folder.done()

    def full(_rows: object, path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(ConfigError, match="No space left"):
        folder.write_part("one", answers=[], refused=_rows("b"))
    assert folder.done() == before
    assert list(folder.aside.iterdir()) == []


def test_file_in_place_of_the_folder_is_refused(card: Card, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ConfigError, match="can be written to"):
        open_folder(tmp_path / "taken", card)
