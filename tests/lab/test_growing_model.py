"""A model folder is there whole, or as it was before."""

import json
from pathlib import Path

import pytest

from tests.conftest import write_tiny_model
from tumorlens.card import CARD_FILE
from tumorlens.errors import ConfigError
from tumorlens.lab.growing_model import growing_model
from tumorlens.model import GRAPH_FILE, GRAPHS, INT8, load_model


class KilledError(Exception):
    pass


def _content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_new_folder_takes_its_name_last_and_what_a_kill_left_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "model"
    (tmp_path / "run" / "model.partial").mkdir(parents=True)
    (tmp_path / "run" / "model.partial" / "half").touch()
    with growing_model(folder) as aside:
        write_tiny_model(aside)
        assert load_model(aside, threads=1)
        assert not folder.exists()
    assert set(_content(tmp_path / "run")) == {"model/model.onnx", "model/card.json"}
    assert load_model(folder, threads=1)


def _kill_halfway(folder: Path) -> None:
    with growing_model(folder) as aside:
        (aside / GRAPH_FILE).write_text("half")
        raise KilledError


@pytest.mark.parametrize("earlier", [False, True])
def test_what_fails_leaves_no_half(tmp_path: Path, earlier: bool) -> None:
    folder = tmp_path / "model"
    if earlier:
        write_tiny_model(folder)
    before = _content(tmp_path)
    with pytest.raises(KilledError):
        _kill_halfway(folder)
    assert _content(tmp_path) == before
    assert folder.exists() is earlier


def test_an_older_model_is_replaced_and_files_of_others_stay(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    (folder / GRAPHS[INT8]).write_text("of the older model")
    (folder / "notes.txt").write_text("mine")
    with growing_model(folder) as aside:
        write_tiny_model(aside, outlines=True)
    assert load_model(folder, threads=1).outlines
    assert set(_content(tmp_path)) == {f"model/{n}" for n in (GRAPH_FILE, CARD_FILE, "notes.txt")}


@pytest.mark.parametrize("name", ["model", "copy"])
def test_a_copy_gains_something(tmp_path: Path, name: str) -> None:
    model = write_tiny_model(tmp_path / "model")
    (model / ".export-left").mkdir()
    before = _content(model)
    with growing_model(tmp_path / name, copied=model) as aside:
        assert _content(aside) == before
        card = json.loads((aside / CARD_FILE).read_text()) | {"version": "2"}
        (aside / CARD_FILE).write_text(json.dumps(card))
    assert load_model(tmp_path / name, threads=1).card.version == "2"
    assert (_content(model) == before) is (name == "copy")


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("a file")
    with (
        pytest.raises(ConfigError, match="folder that can be written"),
        growing_model(tmp_path / "model"),
    ):
        pytest.fail("it began")
    assert (tmp_path / "model").read_text() == "a file"


def test_no_model_grows_among_other_things(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    before = _content(tmp_path)
    with pytest.raises(ConfigError, match="such as checkpoints"), growing_model(folder):
        pytest.fail("it began")
    assert _content(tmp_path) == before
    (tmp_path / "empty" / ".hidden").mkdir(parents=True)
    with growing_model(tmp_path / "empty") as aside:
        write_tiny_model(aside)
    assert load_model(tmp_path / "empty", threads=1)
