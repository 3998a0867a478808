"""Whole runs on Ray: on this machine, killed, and on two nodes of which one is killed."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray")
pytest.importorskip("pyarrow")

import pyarrow.parquet as pq

from tests.conftest import head, write_picture
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
    """61 pictures, large so that each takes a while, and three files that are none."""
    folder = tmp_path_factory.mktemp("archive")
    for number in range(61):
        part = folder / f"patient-{number % 7}"
        part.mkdir(exist_ok=True)
        if number < 15:
            write_picture(part / f"{number}.png", head(900, 900, blob=6.0 * number))
        else:
            twin = number % 15
            shutil.copy(folder / f"patient-{twin % 7}" / f"{twin}.png", part / f"{number}.png")
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
    first = subprocess.run(
        _on_ray(archive / "patient-1", model_folder, output),
        capture_output=True,
        text=True,
        check=False,
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
    assert _gone(family)
    before = list(output.glob("answers/part-*"))
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert re.search(r"[1-9]\d* were before", done.stderr)
    assert all(path.exists() for path in before)
    _check_same(output, plain)


def _gone(processes: set[int], *, seconds: float = 60) -> bool:
    """Whether these processes end in time."""
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


def test_nothing_is_lost_when_a_node_is_killed(
    cluster: Any, archive: Path, plain: dict[str, Any], model_folder: Path, tmp_path: Path
) -> None:
    from tumorlens.bulk.run import answer_archive

    output = tmp_path / "out"
    watch = _Watch(output / PARTIAL)
    killed_at = 0

    def kill_once(done: int, total: int) -> None:
        nonlocal killed_at
        if not killed_at and 0 < done < total and watch.in_hand() == 2:
            killed_at = done
            (node,) = cluster.worker_nodes
            cluster.remove_node(node, allow_graceful=False)

    with watch:
        outcome = answer_archive(
            [archive],
            output,
            model=model_folder,
            address=cluster.address,
            on_progress=kill_once,
        )
    assert 0 < killed_at < 56
    assert watch.begun_again, "the killed node had nothing in hand"
    assert outcome.now == 64
    assert (outcome.answers, outcome.refused) == (61, 3)
    assert _listening(_family(os.getpid())) <= LOOPBACK
    _check_same(output, plain)


class _Watch:
    """Looks at the logs of chunks while a run goes on."""

    def __init__(self, aside: Path) -> None:
        self._aside = aside
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.begun_again: set[str] = set()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def in_hand(self) -> int:
        """How many chunks are being answered."""
        return len(list(self._aside.glob("*/log-*")))

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            for log in self._aside.glob("*/log-*"):
                try:
                    if log.read_text().count("begin") > 1:
                        self.begun_again.add(log.name)
                except OSError:
                    continue
