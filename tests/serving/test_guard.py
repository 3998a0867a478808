import asyncio
import logging

import pytest
from fastapi.testclient import TestClient

from tests.reading.made import SECRET, dataset, dicom_bytes, picture
from tests.serving.conftest import MakeClient, png
from tumorlens.serving import service
from tumorlens.serving.guard import HEADERS


@pytest.mark.parametrize("path", ["/", "/v1/model", "/absent", "/health/live", "/page/page.js"])
def test_every_response_is_protected(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    for name, value in HEADERS.items():
        assert headers[name] == value
    assert "server" not in headers


@pytest.mark.parametrize(
    ("error", "status"), [(ZeroDivisionError(SECRET), 500), (MemoryError(SECRET), 503)]
)
def test_a_bug_is_answered_and_logged_without_its_message(
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(service, "open_upload", broken)
    done = make_client().post("/v1/predict", files={"file": (f"{SECRET}.png", png())})
    assert done.status_code == status
    assert set(done.json()["error"]) == {"code", "expected", "found", "remedy"}
    assert type(error).__name__ in caplog.text
    for text in (done.text, caplog.text):
        assert SECRET not in text
        assert "Traceback" not in text


def test_a_client_that_hangs_up_is_no_bug(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="tumorlens")
    parts = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, object]:
        return parts.pop(0)

    async def send(_: dict[str, object]) -> None:
        raise AssertionError("nobody listens")

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/predict",
        "raw_path": b"/v1/predict",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"image/png")],
        "server": ("test", 80),
    }
    client = make_client()
    asyncio.run(client.app(scope, receive, send))  # type: ignore[arg-type]
    assert "POST /v1/predict 499" in caplog.text
    assert "ERROR" not in caplog.text
    told = client.get("/metrics").text
    assert 'tumorlens_requests_total{method="POST",route="/v1/predict",status="499"} 1.0' in told
    assert "\ntumorlens_waiting_requests 0.0" in told


def test_nothing_of_a_request_is_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="tumorlens")
    scan = dicom_bytes(dataset(picture()))
    assert SECRET.encode() in scan
    done = client.post(f"/v1/predict?note={SECRET}", files={"file": (f"{SECRET}.dcm", scan)})
    client.post(f"/{SECRET}", files={"file": scan})
    assert done.status_code == 200
    assert SECRET not in caplog.text
    assert "POST /v1/predict 200" in caplog.text
    assert "POST other 404" in caplog.text


def test_tags_of_a_patient_never_leave(client: TestClient) -> None:
    scan = dicom_bytes(dataset(picture()))
    for path in ("/v1/predict", "/v1/view", "/v1/explain", "/v1/report"):
        done = client.post(path, files={"file": ("scan.dcm", scan)})
        assert done.status_code == 200
        assert SECRET.encode() not in done.content
    for cut in (200, 400, len(scan) // 2, -20):
        done = client.post("/v1/predict", files={"file": ("scan.dcm", scan[:cut])})
        assert done.status_code in {415, 422}
        assert SECRET not in done.text
    assert SECRET not in client.get("/metrics").text


@pytest.mark.parametrize("path", ["/", "/health/live", "/ping", "/v1/model"])
def test_head_is_answered_as_get_without_the_body(client: TestClient, path: str) -> None:
    """Uptime monitors, load balancers and ``curl -I`` ask so."""
    asked, got = client.head(path), client.get(path)
    assert asked.status_code == 200
    assert asked.headers["content-length"] == got.headers["content-length"]
    assert asked.content == b""


def test_head_has_no_way_around_the_key_or_to_a_scan(make_client: MakeClient) -> None:
    client = make_client(api_key="right")
    assert client.head("/v1/model").status_code == 401
    assert client.head("/v1/predict").status_code == 405
    assert client.head("/absent").status_code == 404
    told = client.get("/metrics", headers={"X-API-Key": "right"}).text
    assert 'tumorlens_requests_total{method="HEAD",route="/v1/model",status="401"} 1.0' in told


@pytest.mark.parametrize("path", ["/v1/predict/", "/invocations/", "/v2/"])
def test_no_redirect_sends_a_scan_elsewhere(client: TestClient, path: str) -> None:
    """Behind a proxy that ends TLS the address would be http://, and the scan in the clear."""
    headers = {"x-forwarded-proto": "https"}
    done = client.post(path, files={"file": png()}, headers=headers, follow_redirects=False)
    assert done.status_code in {404, 405}
    assert "location" not in done.headers


def test_no_query_leaves_by_opentelemetry(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastAPI hands the query and exceptions' messages to whatever provider the process has."""
    trace = pytest.importorskip("opentelemetry.trace", reason="this FastAPI has no telemetry")
    spans: list[object] = []

    class Tracer(trace.NoOpTracer):  # type: ignore[misc, name-defined]
        def start_span(self, *words: object, **named: object) -> object:
            spans.append((words, named))
            return super().start_span("any")

    class Provider(trace.TracerProvider):  # type: ignore[misc, name-defined]
        def get_tracer(self, *_: object, **__: object) -> object:
            return Tracer()

    monkeypatch.setattr(trace, "get_tracer_provider", Provider)
    assert client.get(f"/health/live?note={SECRET}").status_code == 200
    assert not spans
