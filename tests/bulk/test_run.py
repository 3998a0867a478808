"""Whole runs on Ray: on this machine, killed, and on two nodes of which one is killed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray")
pytest.importorskip("pyarrow")

import pyarrow.parquet as pq

from tests.conftest import head, write_picture
from tumorlens.bulk.answering import ModelChoice
from tumorlens.bulk.folder import ANSWERS, REFUSED
from tumorlens.labels import CLASSES
from tumorlens.reporting.folder import PARTIAL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # Ray's threads and sockets end when they like.
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """61 pictures, large so that a chunk takes a while, and three files that are none."""
    folder = tmp_path_factory.mktemp("archive")
    for number in range(61):
        part = folder / f"patient-{number % 7}"
        part.mkdir(exist_ok=True)
        if number < 7:
            write_picture(part / f"{number}.png", head(1800, 1800, blob=15.0 * number))
        else:
            shutil.copy(part / f"{number % 7}.png", part / f"{number}.png")
    for number in range(3):
        (folder / "patient-1" / f"bad-{number}.jpg").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def plain(archive: Path, model_folder: Path) -> dict[str, Any]:
    """What the plain engine says, by source."""
    line = _command(archive, "--model", model_folder, "--format", "jsonl")
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    records = [json.loads(text) for text in done.stdout.splitlines()]
    return {record["source"]: record for record in records}


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "tumorlens.cli", "predict", *map(str, words)]


def _on_ray(archive: Path, model: Path, output: Path, *more: object) -> list[str]:
    return _command(archive, "--model", model, "--output", output, "--engine", "ray", *more)


def _check_same(output: Path, plain: dict[str, Any]) -> None:
    """Each source has one row, with the plain engine's answer."""
    rows = pq.read_table(output / ANSWERS).to_pylist()
    refused = pq.read_table(output / REFUSED).to_pylist()
    assert sorted(row["source"] for row in [*rows, *refused]) == sorted(plain)
    for row in refused:
        error = plain[row["source"]]["error"]
        assert {name: row[name] for name in error} == error
    for row in rows:
        record = plain[row["source"]]
        assert row["label"] == record["label"]
        found = [row[f"probability_{name}"] for name in CLASSES]
        wanted = [record["probabilities"][name] for name in CLASSES]
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-7)
    assert not (output / PARTIAL).exists()


def _family(root: int) -> set[int]:
    """A process and all that descend from it."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(words[1])
    found = {root}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _listening(processes: set[int]) -> set[str]:
    """The addresses these processes listen on, as /proc writes them."""
    sockets: set[str] = set()
    for process in processes:
        for link in Path(f"/proc/{process}/fd").glob("*"):
            try:
                sockets.update(re.findall(r"socket:\[(\d+)\]", str(link.readlink())))
            except OSError:
                continue
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return {words[1].split(":")[0] for words in lines if words[3] == "0A" and words[9] in sockets}


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def test_ray_says_what_the_plain_engine_says_and_goes_on(
    archive: Path, plain: dict[str, Any], model_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    # What lies in the current folder is not run, whatever its name.
    for name in ("tumorlens", "onnxruntime"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('was run')")
    first = subprocess.run(
        _on_ray(archive / "patient-1", model_folder, output),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONSAFEPATH": "1"},
    )
    assert first.returncode == 1, first.stderr
    before = sum("/patient-1/" in source for source in plain)
    assert f"{before} done" in first.stderr
    parts = {path: path.stat().st_mtime_ns for path in output.rglob("part-*")}
    assert parts
    process = subprocess.Popen(
        _on_ray(archive, model_folder, output), stderr=subprocess.PIPE, text=True
    )
    seen: set[str] = set()
    family: set[int] = set()
    while process.poll() is None:
        family |= _family(process.pid)
        seen |= _listening(family)
        time.sleep(0.2)
    assert process.stderr is not None
    said = process.stderr.read()
    assert process.returncode == 1, said
    assert f"{64 - before} done, {before} were before" in said
    assert seen
    assert seen <= LOOPBACK
    assert all(path.stat().st_mtime_ns == changed for path, changed in parts.items())
    _check_same(output, plain)
    assert _gone(family)


def test_run_that_is_killed_goes_on(
    archive: Path, plain: dict[str, Any], model_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    line = _on_ray(archive, model_folder, output)
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL)
    while not list(output.glob("answers/part-*")):
        assert process.poll() is None
        time.sleep(0.05)
    family = _family(process.pid)
    process.kill()
    process.wait()
    parts = {path: path.stat().st_mtime_ns for path in output.rglob("part-*.parquet")}
    # At once, while workers of the killed run still live.
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    told = re.search(r"(\d+) done, (\d+) were before", done.stderr)
    assert told is not None
    now, before = map(int, told.groups())
    assert now + before == 64
    assert now > 0
    assert before >= sum(pq.read_metadata(path).num_rows for path in parts) > 0
    assert all(path.stat().st_mtime_ns == changed for path, changed in parts.items())
    _check_same(output, plain)
    assert _gone(family)


def _gone(processes: set[int], *, seconds: float = 90) -> bool:
    """Whether these processes end in time: two of Ray's take a minute when it was killed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(_is_running(one) for one in processes):
            return True
        time.sleep(0.2)
    return False


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("no small disk can be mounted here: that takes root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_full_disk_is_told_and_the_run_goes_on_with_room(
    archive: Path, plain: dict[str, Any], model_folder: Path, small_disk: Path
) -> None:
    line = _on_ray(archive, model_folder, small_disk / "out")
    full = subprocess.run(line, capture_output=True, text=True, check=False)
    assert full.returncode == 2
    assert "No space left on device" in full.stderr
    assert "Traceback" not in full.stderr
    parts = {path: path.stat().st_mtime_ns for path in small_disk.rglob("part-*.parquet")}
    assert parts
    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert re.search(r"[1-9]\d* were before", done.stderr)
    assert all(path.stat().st_mtime_ns == changed for path, changed in parts.items())
    _check_same(small_disk / "out", plain)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes with a core each, on the loopback address."""
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def _node(cluster: Any) -> list[int]:
    """All processes of the second node."""
    (node,) = cluster.worker_nodes
    (raylet,) = node.all_processes["raylet"]
    return sorted(_family(raylet.process.pid))


def _worker(cluster: Any) -> list[int]:
    """The process that answers on the second node."""
    return [one for one in _node(cluster) if b"MapWorker" in _title(one)]


def _title(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("victims", [_node, _worker])
def test_nothing_is_lost_when_one_is_killed_at_work(
    cluster: Any,
    archive: Path,
    plain: dict[str, Any],
    model_folder: Path,
    tmp_path: Path,
    *,
    victims: Callable[[Any], list[int]],
) -> None:
    from tumorlens.bulk.run import answer_archive

    output = tmp_path / "out"
    with _Killer(output, partial(victims, cluster)) as killer:
        outcome = answer_archive(
            [archive], output, model=ModelChoice(model_folder), address=cluster.address
        )
    assert killer.has_killed, "there were never two chunks in hand"
    assert killer.begun_again, "who was killed had nothing in hand"
    assert outcome.now == 64
    assert (outcome.answers, outcome.refused) == (61, 3)
    assert _listening(_family(os.getpid())) <= LOOPBACK
    _check_same(output, plain)


class _Killer:
    """Kills once, when a part is done and each of two workers has a chunk in hand."""

    def __init__(self, output: Path, victims: Callable[[], list[int]]) -> None:
        self._output = output
        self._victims = victims
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.has_killed = False
        self.begun_again: set[str] = set()

    def __enter__(self) -> "_Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            if not self.has_killed and self._are_at_work():
                victims = self._victims()
                _send(signal.SIGSTOP, victims)  # so that it is still true when they die
                self.has_killed = self._are_at_work()
                _send(signal.SIGKILL if self.has_killed else signal.SIGCONT, victims)
            self.begun_again.update(name for name, times in self._begun().items() if times > 1)

    def _are_at_work(self) -> bool:
        begun = [times for times in self._begun().values() if times]
        return len(begun) == 2 and any(self._output.glob("*/part-*"))

    def _begun(self) -> dict[str, int]:
        """How often each chunk in hand was begun."""
        found = {}
        for log in self._output.glob(f"{PARTIAL}/*/log-*"):
            with suppress(OSError):
                found[log.name] = log.read_text().count("begin")
        return found


def _send(number: signal.Signals, processes: list[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)
