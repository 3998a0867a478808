import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from tests.serving.conftest import MakeClient, png
from tumorlens.serving import service
from tumorlens.serving.gate import Gate
from tumorlens.serving.metrics import Metrics
from tumorlens.serving.settings import Settings

SCOPE: dict[str, object] = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/v1/predict",
    "raw_path": b"/v1/predict",
    "root_path": "",
    "query_string": b"",
    "server": ("test", 80),
}


def _gauge(client: TestClient) -> float:
    text = client.get("/metrics").text
    return float(text.partition("\ntumorlens_waiting_requests ")[2].split("\n")[0])


def test_a_too_large_body_is_refused_and_leaves_its_place(make_client: MakeClient) -> None:
    client = make_client(max_body_bytes=5000, max_waiting=1)
    for _ in range(3):
        done = client.post(
            "/v1/predict", content=bytes(5001), headers={"content-type": "image/png"}
        )
        assert done.status_code == 413
        assert done.json()["error"]["code"] == "body_too_large"
        assert done.headers["connection"] == "close"
    assert client.post("/v1/predict", files={"file": png()}).status_code == 200
    assert _gauge(client) == 0


def test_chunks_are_counted(make_client: MakeClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(6):
            yield bytes(1000)

    client = make_client(max_body_bytes=5000)
    for headers in ({"content-type": "image/png"}, {"content-type": "application/json"}):
        path = "/v1/predict" if "image" in headers["content-type"] else "/invocations"
        assert client.post(path, content=chunks(), headers=headers).status_code == 413


def test_a_declared_body_is_not_read() -> None:
    """The application and the body are never touched; only the headers are looked at."""

    async def untouched(*_: object) -> None:
        raise AssertionError

    sent = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    gate = Gate(untouched, settings=Settings(max_body_bytes=10), metrics=Metrics())
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/predict",
        "headers": [(b"content-length", b"11")],
    }
    asyncio.run(gate(scope, untouched, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 413


@pytest.mark.parametrize("length", ["-1", "ten", "1e3", ""])
def test_a_wrong_length_is_refused(length: str) -> None:
    async def untouched(*_: object) -> None:
        raise AssertionError

    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    gate = Gate(untouched, settings=Settings(), metrics=Metrics())
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(b"content-length", length.encode())],
    }
    asyncio.run(gate(scope, untouched, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 400


def test_a_full_queue_sends_away_and_health_still_answers(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Semaphore(0), threading.Event()
    real = service.open_upload

    def slow(*words: object, **options: object) -> object:
        begun.release()
        assert go.wait(20)
        return real(*words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "open_upload", slow)
    client = make_client(max_waiting=2, workers=2)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(client.post, "/v1/predict", files={"file": png()}) for _ in "ab"]
        try:
            assert all(begun.acquire(timeout=10) for _ in "ab")
            refused = client.post("/v1/predict", files={"file": png()})
            assert _gauge(client) == 2
            assert client.get("/health/ready").status_code == 200
        finally:
            go.set()
        assert [one.result().status_code for one in waiting] == [200, 200]
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json()["error"]["code"] == "busy"
    assert client.post("/v1/predict", files={"file": png()}).status_code == 200


def test_what_waits_for_a_client_that_hung_up_is_given_up(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread, kept busy by the first; the second hangs up and is never read."""
    begun, go = threading.Event(), threading.Event()
    real, opened = service.open_upload, []

    def slow(upload: service.Upload, **options: object) -> object:
        opened.append(upload)
        begun.set()
        assert go.wait(20)
        return real(upload, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "open_upload", slow)
    client = make_client(workers=1)

    async def hang_up() -> None:
        parts = [{"type": "http.request", "body": b"gone"}, {"type": "http.disconnect"}]

        async def receive() -> dict[str, object]:
            await asyncio.sleep(0.05)
            return parts.pop(0)

        scope = SCOPE | {"headers": [(b"content-type", b"image/png")]}
        await client.app(scope, receive, None)  # type: ignore[arg-type]

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/v1/predict", files={"file": png()})
        try:
            assert begun.wait(10)
            client.portal.call(hang_up)  # type: ignore[union-attr]
            assert _gauge(client) == 1
        finally:
            go.set()
        assert first.result().status_code == 200
    assert client.post("/v1/predict", files={"file": png()}).status_code == 200
    assert b"gone" not in [upload.data for upload in opened]
    assert 'route="/v1/predict",status="499"} 1.0' in client.get("/metrics").text


def test_a_report_for_a_client_that_hung_up_ends_with_the_scan_it_is_at(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a thread writes for minutes for nobody, and four of them are all there are."""
    begun, go = threading.Event(), threading.Event()
    real, opened = service.open_upload, []

    def slow(upload: service.Upload, **options: object) -> object:
        opened.append(upload)
        begun.set()
        assert go.wait(20)
        return real(upload, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "open_upload", slow)
    client = make_client(workers=1)
    part = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' + png() + b"\r\n"
    )

    async def hang_up() -> None:
        parts = [{"type": "http.request", "body": part * 5 + b"--b--\r\n"}]

        async def receive() -> dict[str, object]:
            if parts:
                return parts.pop(0)
            await asyncio.to_thread(begun.wait, 10)
            return {"type": "http.disconnect"}

        headers = [(b"content-type", b"multipart/form-data; boundary=b")]
        scope = SCOPE | {"path": "/v1/report", "raw_path": b"/v1/report", "headers": headers}
        await client.app(scope, receive, None)  # type: ignore[arg-type]

    client.portal.call(hang_up)  # type: ignore[union-attr]
    go.set()
    assert client.post("/v1/predict", files={"file": png()}).status_code == 200  # the same thread
    assert len(opened) == 2


def test_bodies_share_the_memory_set_aside(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    real = service.open_upload

    def slow(*words: object, **options: object) -> object:
        begun.set()
        assert go.wait(20)
        return real(*words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "open_upload", slow)
    client = make_client(max_body_bytes=100_000, max_waiting_bytes=100_000)
    large = png() + bytes(70_000)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/v1/predict", files={"file": large})
        try:
            assert begun.wait(10)
            assert client.post("/v1/predict", files={"file": large}).status_code == 503
        finally:
            go.set()
        assert first.result().status_code == 200
    assert client.post("/v1/predict", files={"file": large}).status_code == 200


def test_a_body_that_trickles_is_given_up(make_client: MakeClient) -> None:
    sent = []

    async def trickle() -> dict[str, object]:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    client = make_client(upload_seconds=0.2)
    scope = SCOPE | {"headers": [(b"content-type", b"image/png")]}
    asyncio.run(client.app(scope, trickle, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 408
