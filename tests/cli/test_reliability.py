"""Commands killed, on full and read-only disks, and with damaged models."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.conftest import head, write_picture, write_tiny_model
from tumorlens.card import CARD_FILE
from tumorlens.cli import app
from tumorlens.model import GRAPH_FILE

KILLS = 20


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "tumorlens.cli", "predict", *map(str, words)]


def _content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _scans(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        write_picture(folder / f"{number}.png", head(128, 128, blob=2.0 * number))
    (folder / "bad.jpg").write_text("no picture")
    return folder


@pytest.mark.slow
def test_killed_20_times_and_restarted_gives_the_same(model_folder: Path, tmp_path: Path) -> None:
    scans = _scans(tmp_path / "scans", 80)

    def start(output: Path) -> "subprocess.Popen[bytes]":
        line = _command(scans, "--model", model_folder, "--output", output, "-f", "jsonl")
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    began = time.monotonic()
    unbroken, _ = start(tmp_path / "unbroken").communicate()
    lasts = time.monotonic() - began
    moments = random.Random(20)
    killed = 0
    while killed < KILLS:
        process = start(tmp_path / "killed")
        assert process.stdout is not None
        # The first line tells that the start is over: what comes then is what can be broken.
        started = time.monotonic()
        if moments.random() < 0.8:
            process.stdout.readline()
            started = time.monotonic() - 0.3 * lasts
        time.sleep(max(0.0, started + moments.uniform(0.0, lasts) - time.monotonic()))
        process.kill()
        process.communicate()
        killed += process.returncode < 0
    restarted, _ = start(tmp_path / "killed").communicate()
    assert restarted == unbroken
    assert len(unbroken.splitlines()) == 81
    assert _content(tmp_path / "killed") == _content(tmp_path / "unbroken")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_full_disk_behind_standard_output_is_told(
    model_folder: Path, picture: Path, form: str
) -> None:
    with Path("/dev/full").open("w") as full:
        line = _command(picture, "--model", model_folder, "-f", form)
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "found No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on files as Linux has it")
def test_full_disk_leaves_the_earlier_report(model_folder: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    scans = _scans(tmp_path / "scans", 5)
    output = tmp_path / "report"
    line = _command(scans, "--model", model_folder, "--output", output)
    subprocess.run(line, check=False, capture_output=True)
    before = _content(output)
    assert before

    def shrink() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    (scans / "5.png").write_bytes((scans / "4.png").read_bytes())
    done = subprocess.run(line, check=False, capture_output=True, text=True, preexec_fn=shrink)
    assert done.returncode == 2
    assert "expected a folder that can be written to, with room on its disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert _content(output) == before


def _needs_rights(folder: Path) -> bool:
    """Whether this user may not write into a folder without the right to (root always may)."""
    folder.mkdir()
    folder.chmod(0o500)
    return not os.access(folder, os.W_OK)


def _read_only(folder: Path) -> Path:
    """A folder that cannot be written, whoever asks."""
    if _needs_rights(folder):
        return folder
    if not Path("/proc/sys").is_dir():
        pytest.skip("root on a system without /proc")
    return Path("/proc/sys")  # where not even root may make a file


def _file(path: Path) -> Path:
    path.write_text("no folder")
    return path


PLACES: dict[str, Callable[[Path], Path]] = {
    "read-only": _read_only,
    "in a read-only folder": lambda path: _read_only(path) / "new",
    "a file": _file,
    "in a file": lambda path: _file(path) / "new",
}
"""Where nothing can be written, by name."""

WRITING: dict[str, tuple[str, ...]] = {
    "predict": ("predict", "ABSENT", "--model", "MODEL", "--output", "OUT"),
    "segment": ("segment", "ABSENT", "--output", "OUT"),
    "train": ("train", "CONFIG", "--data", "ABSENT", "--run", "OUT"),
    "train volumes": ("train", "VOLUMES", "--data", "ABSENT", "--run", "OUT"),
    "evaluate": ("evaluate", "ABSENT", "--model", "MODEL", "--output", "OUT"),
    "evaluate --pool": ("evaluate", "--pool", "ABSENT", "--output", "OUT"),
    "tune": ("tune", "CONFIG", "--data", "ABSENT", "--output", "OUT"),
    "ensemble": ("ensemble", "ABSENT", "--output", "OUT"),
    "sequence": (
        *("sequence", "MODEL", "--data", "ABSENT", "--split", "ABSENT"),
        *("--output", "OUT"),
    ),
    "quantize": (
        *("quantize", "MODEL", "--data", "ABSENT", "--split", "ABSENT"),
        *("--output", "OUT"),
    ),
    "import-bundle": ("import-bundle", "ABSENT", "--output", "OUT"),
    "audit": ("audit", "ABSENT", "--output", "OUT"),
    "augment preview": (
        "augment",
        "preview",
        "CONFIG",
        "--data",
        "ABSENT",
        "--output",
        "OUT/x.png",
    ),
}
"""A command line of each verb that writes; its data is absent, and is not asked for."""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("verb", WRITING)
def test_a_place_that_cannot_be_written_is_told_before_any_work(
    model_folder: Path, tmp_path: Path, verb: str, place: str
) -> None:
    output = PLACES[place](tmp_path / "output")
    (tmp_path / "config.toml").write_text('name = "made"\n')
    (tmp_path / "volumes.toml").write_text('name = "made"\ntask = "outline_volume"\n')
    places = {
        "MODEL": model_folder,
        "CONFIG": tmp_path / "config.toml",
        "VOLUMES": tmp_path / "volumes.toml",
        "ABSENT": tmp_path / "absent",
        "OUT": output,
        "OUT/x.png": output / "x.png",
    }
    done = CliRunner().invoke(app, [str(places.get(word, word)) for word in WRITING[verb]])
    assert done.exit_code == 2, done.output
    assert str(output) in done.stderr
    assert "expected a folder that can be written to" in done.stderr
    assert "Traceback" not in done.output
    assert not output.is_file() or output.read_text() == "no folder"


def test_an_output_that_can_be_written_is_not_made_before_the_work(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('name = "made"\n')
    output = tmp_path / "new" / "run"
    line = ["train", str(config), "--data", str(tmp_path / "absent"), "--run", str(output)]
    done = CliRunner().invoke(app, line)
    assert "no such folder" in done.stderr
    assert not output.parent.exists()


def _flip(folder: Path) -> None:
    graph = bytearray((folder / GRAPH_FILE).read_bytes())
    graph[len(graph) // 2] ^= 1
    (folder / GRAPH_FILE).write_bytes(graph)


def _renew(folder: Path) -> None:
    card: dict[str, Any] = json.loads((folder / CARD_FILE).read_text())
    card["format_version"] += 1
    card["something_new"] = True
    (folder / CARD_FILE).write_text(json.dumps(card))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "wrong hash": (_flip, "expected a graph with SHA-256"),
    "missing graph": (lambda folder: (folder / GRAPH_FILE).unlink(), "no readable model.onnx"),
    "missing card": (lambda folder: (folder / CARD_FILE).unlink(), "no readable card.json"),
    "half a card": (
        lambda folder: (folder / CARD_FILE).write_text('{"name": '),
        "expected a JSON object",
    ),
    "newer card": (_renew, "Install a tumorlens that is as new as the model"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_model_is_told_and_the_earlier_report_stays(
    picture: Path, tmp_path: Path, damage: str
) -> None:
    folder = write_tiny_model(tmp_path / "model")
    line = ["predict", str(picture), "--model", str(folder), "-o", str(tmp_path / "report")]
    assert CliRunner().invoke(app, line).exit_code == 0
    before = _content(tmp_path / "report")
    harm, words = DAMAGES[damage]
    harm(folder)
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 2
    assert words in done.stderr
    assert not done.stdout
    assert "Traceback" not in done.output
    assert _content(tmp_path / "report") == before
