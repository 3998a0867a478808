"""``tumorlens predict --engine ray`` as far as it needs no cluster (see ``tests/bulk``)."""

import importlib
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.conftest import write_tiny_model
from tumorlens.cli import app
from tumorlens.model import GRAPH_FILE


def _run(*words: object) -> Result:
    return CliRunner().invoke(app, ["predict", *map(str, words)])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--engine", "ray"], "--output"),
        (["--engine", "ray", "-o", "out", "--format", "csv"], "--format"),
        (["--engine", "ray", "-o", "out", "--no-explain"], "--no-explain"),
        (["--engine", "ray", "-o", "out", "--tta"], "--tta"),
        (["--engine", "ray", "-o", "out", "--dicom"], "--dicom"),
        (["--engine", "ray", "-o", "out", "--target", "glioma"], "--target"),
        (["--address", "auto"], "--engine ray"),
        (["--engine", "spark", "-o", "out"], "spark"),
    ],
)
def test_wrong_usage_is_2(
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = _run(picture, *words)
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("absent", ["ray", "pyarrow"])
def test_absent_extra_is_named(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    for name in [one for one in sys.modules if one.startswith("tumorlens.bulk.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    done = _run(picture, "--engine", "ray", "--output", tmp_path / "out")
    assert done.exit_code == 2
    assert "tumorlens[ray]" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore")  # those of importing Ray
def test_what_cannot_work_is_told_before_ray_starts(
    picture: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "init", lambda **_: pytest.fail("Ray was started"))
    damaged = write_tiny_model(tmp_path / "damaged")
    (damaged / GRAPH_FILE).write_bytes(b"no graph")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("kept")
    for model, output, told, *more in (
        (damaged, tmp_path / "out", "SHA-256"),
        (tmp_path / "nowhere", tmp_path / "out", "no readable card.json"),
        (model_folder, taken, "another origin"),
        (model_folder, taken / "mine.txt", "can be written to"),
        (model_folder, tmp_path / "out", "tumorlens quantize", "--precision", "int8"),
        (model_folder, tmp_path / "out", "one of hd-bet", "--skull-strip", "scalpel"),
    ):
        done = _run(picture, "--engine", "ray", "-o", output, "--model", model, *more)
        assert done.exit_code == 2, done.output
        assert told in done.stderr
        assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()
    assert (taken / "mine.txt").read_text() == "kept"


@pytest.mark.filterwarnings("ignore")  # those of importing Ray
def test_what_is_passed_over_is_named(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    run = importlib.import_module("tumorlens.bulk.run")
    notes = tmp_path / "notes.txt"
    done = run.Outcome(now=1, before=0, answers=1, refused=0, passed_over=(notes,))
    monkeypatch.setattr(run, "answer_archive", lambda *_, **__: done)
    told = _run(tmp_path, "--engine", "ray", "-o", tmp_path / "out")
    assert told.exit_code == 0, told.output
    assert f"passed over, being no scans: 1 ({notes})" in told.stderr
