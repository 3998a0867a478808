import pytest
from fastapi.testclient import TestClient

from tests.serving.conftest import MakeClient, png


def test_it_lives_and_is_ready(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready"}
    assert client.get("/metrics").headers["content-type"].startswith("text/plain")


def test_before_the_model_has_run_it_lives_but_is_not_ready(make_client: MakeClient) -> None:
    client = make_client()
    client.app.state.service.is_ready = False  # type: ignore[attr-defined]
    assert client.get("/health/live").status_code == 200
    asked = [client.get(path) for path in ("/health/ready", "/ping", "/v2/health/ready")]
    asked += [client.post(path, files={"f": png()}) for path in ("/v1/predict", "/v1/report")]
    for done in asked:
        assert done.status_code == 503
        assert int(done.headers["Retry-After"]) > 0


KEYED = [
    ("POST", "/v1/predict"),
    ("POST", "/v1/predict/batch"),
    ("POST", "/v1/explain"),
    ("POST", "/v1/view"),
    ("POST", "/v1/report"),
    ("GET", "/v1/model"),
    ("GET", "/metrics"),
    ("POST", "/invocations"),
    ("GET", "/execution-parameters"),
    ("GET", "/v2/models/tiny"),
    ("POST", "/v2/models/tiny/infer"),
    ("POST", "/vertex"),
]


@pytest.mark.parametrize(("method", "path"), KEYED)
def test_a_key_is_asked_for(make_client: MakeClient, method: str, path: str) -> None:
    client = make_client(api_key="right", vertex_predict_route="/vertex")
    for headers in (
        {},
        {"X-API-Key": "wrong"},
        {"X-API-Key": "r\u00efght".encode("latin-1")},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic cmlnaHQ="},
    ):
        done = client.request(method, path, headers=headers)
        assert done.status_code == 401
        assert done.headers["www-authenticate"] == "Bearer"
    for headers in ({"X-API-Key": "right"}, {"Authorization": "Bearer right"}):
        assert client.request(method, path, headers=headers).status_code != 401


@pytest.mark.parametrize(
    "path", ["/", "/health/live", "/health/ready", "/ping", "/v2/health/ready", "/vertex-health"]
)
def test_the_page_and_health_need_no_key(make_client: MakeClient, path: str) -> None:
    client = make_client(api_key="right", vertex_health_route="/vertex-health")
    assert client.get(path).status_code == 200


def test_every_other_path_is_keyed(make_client: MakeClient) -> None:
    """What a newer route forgets: all that OpenAPI lists is either open on purpose or keyed."""
    client = make_client(api_key="right")
    is_open = {
        "/health/live",
        "/health/ready",
        "/ping",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
    }
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            done = client.request(method.upper(), path.replace("{name}", "tiny"))
            assert (done.status_code == 401) == (path not in is_open), path
