"""A server as people start it: a process of its own, over the loopback interface."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.reading.made import SECRET, dataset, dicom_bytes, picture
from tests.serving.conftest import packed, png, server, volume_nifti
from tumorlens.scan import Volume


def test_it_answers(http: httpx2.Client) -> None:
    assert http.get("/health/ready").status_code == 200
    assert http.post("/v1/predict", files={"file": png()}).json()["accepted"] is True
    assert "server" not in http.get("/").headers


def test_many_at_once_get_their_own_answers(http: httpx2.Client) -> None:
    scans = [png(10.0 * n) for n in range(12)]
    alone = [http.post("/v1/predict", files={"file": one}).json() for one in scans]
    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(lambda one: http.post("/v1/predict", files={"file": one}), scans))
    for one, other in zip(alone, together, strict=True):
        assert other.status_code == 200
        assert other.json()["probabilities"] == pytest.approx(one["probabilities"], abs=1e-6)


def test_a_huge_body_is_refused_however_it_comes(model_folder: Path) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(64):
            yield bytes(2**16)

    with server(model_folder, TUMORLENS_MAX_BODY_MB="1") as running:
        for content in (chunks(), bytes(2**22)):
            with httpx2.Client(base_url=running.url, timeout=30) as client:
                headers = {"content-type": "image/png"}
                try:
                    done = client.post("/v1/predict", content=content, headers=headers)
                except httpx2.TransportError:  # closed while we were still sending
                    continue
                assert done.status_code == 413
        with socket.create_connection(running.url[7:].split(":")) as raw:
            raw.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n")
            raw.sendall(b"Content-Length: 99999999\r\n\r\n")
            raw.settimeout(20)
            assert raw.recv(100).startswith(b"HTTP/1.1 413 ")
        assert httpx2.get(f"{running.url}/health/ready").status_code == 200


@pytest.mark.parametrize("line", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nX: \x00\r\n\r\n"])
def test_what_is_no_http_is_refused(url: str, line: bytes) -> None:
    with socket.create_connection(url[7:].split(":")) as raw:
        raw.sendall(line)
        raw.settimeout(20)
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


def test_told_to_stop_it_finishes_what_it_accepted(model_folder: Path) -> None:
    begun = threading.Event()

    def slowly() -> Iterator[bytes]:
        scan = png()
        yield scan[:100]
        begun.set()
        time.sleep(1.0)
        yield scan[100:]

    with server(model_folder) as running, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            httpx2.post,
            f"{running.url}/v1/predict",
            content=slowly(),
            headers={"content-type": "image/png"},
            timeout=30,
        )
        assert begun.wait(20)
        time.sleep(0.2)
        assert running.stop() == 0
        assert waiting.result().status_code == 200
        assert "Traceback" not in "".join(running.log)
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(running.url)


def test_what_takes_longer_than_the_stop_may_is_told_to_come_again(model_folder: Path) -> None:
    with (
        server(model_folder, TUMORLENS_SHUTDOWN_SECONDS="1") as running,
        socket.create_connection(running.url[7:].split(":")) as raw,
    ):
        raw.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n")
        raw.sendall(b"Content-Length: 9999\r\n\r\nonly the beginning")
        raw.settimeout(20)
        time.sleep(0.5)
        assert running.stop() == 0
        with raw.makefile("rb") as answer:
            told = answer.read()
    assert told.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after" in told.lower()
    assert b'"code":"busy"' in told
    log = "".join(running.log)
    assert "Traceback" not in log
    assert "POST /v1/predict 503" in log


def test_interrupted_it_stops_too(model_folder: Path) -> None:
    with server(model_folder) as running:
        running.process.send_signal(signal.SIGINT)
        assert running.process.stderr is not None
        text = running.process.stderr.read()
        assert running.process.wait(30) == 0
    assert "Traceback" not in text


def test_nothing_is_left_on_the_disk_or_in_the_log(
    model_folder: Path, tmp_path: Path, volume: Volume
) -> None:
    scan = dicom_bytes(dataset(picture()))
    uploads = [png(), scan, packed({"a.dcm": scan}), volume_nifti(volume), packed({"x": b"text"})]
    uploads += [one[: len(one) // 2] for one in uploads] + [png() + bytes(3 * 2**20)]
    with server(model_folder, TMPDIR=str(tmp_path)) as running:
        for path in ("/v1/predict", "/v1/explain", "/v1/view", "/v1/report"):
            for upload in uploads:
                files = {"file": (f"{SECRET}.bin", upload)}
                done = httpx2.post(f"{running.url}{path}?x={SECRET}", files=files, timeout=60)
                assert done.status_code < 500
        assert running.stop() == 0
    assert not list(tmp_path.iterdir())
    assert SECRET not in "".join(running.log)
    assert "POST /v1/predict 200" in "".join(running.log)


def test_a_taken_port_is_a_plain_message(url: str, model_folder: Path) -> None:
    words = ["serve", "--port", url.rpartition(":")[2], "--model", str(model_folder)]
    done = subprocess.run(
        [sys.executable, "-m", "tumorlens.cli", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_needs_no_lab(model_folder: Path) -> None:
    script = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name == "tumorlens.lab" or name.partition(".")[0] in ("torch", "torchvision", "timm"):
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
from fastapi.testclient import TestClient
from tumorlens import load_model
from tumorlens.serving import create_app
with TestClient(create_app(load_model(sys.argv[1]))) as client:
    assert client.get("/health/ready").status_code == 200
"""
    line = [sys.executable, "-c", script, str(model_folder)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
