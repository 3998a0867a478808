"""The application against its own OpenAPI, with requests that schemathesis makes up."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.serving.conftest import png, volume_nifti
from tumorlens.model import Model
from tumorlens.scan import Volume
from tumorlens.serving import Settings, create_app, schemas

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
OPERATIONS = [
    ("GET", "/execution-parameters"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),
    ("GET", "/ping"),
    ("GET", "/v1/model"),
    ("GET", "/v2"),
    ("GET", "/v2/health/live"),
    ("GET", "/v2/health/ready"),
    ("GET", "/v2/models/{name}"),
    ("GET", "/v2/models/{name}/ready"),
    ("GET", "/vertex/health"),
    ("POST", "/invocations"),
    ("POST", "/v1/explain"),
    ("POST", "/v1/predict"),
    ("POST", "/v1/predict/batch"),
    ("POST", "/v1/report"),
    ("POST", "/v1/view"),
    ("POST", "/v2/models/{name}/infer"),
    ("POST", "/vertex/predict"),
]


@pytest.fixture(scope="module")
def app(model: Model) -> Iterator[FastAPI]:
    routes = {"vertex_health_route": "/vertex/health", "vertex_predict_route": "/vertex/predict"}
    made = create_app(model, Settings(**routes))  # type: ignore[arg-type]
    with TestClient(made):
        yield made


@pytest.fixture(scope="module")
def schema(app: FastAPI) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def test_every_operation_is_listed_here(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert sorted((m.upper(), path) for path in paths for m in paths[path]) == OPERATIONS


def test_every_operation_says_what_it_does_and_names_its_errors(app: FastAPI) -> None:
    for path, methods in app.openapi()["paths"].items():
        for method, told in methods.items():
            assert told["summary"], path
            assert told["tags"], path
            if method == "post":
                assert {"413", "415", "422", "503"} <= set(told["responses"]), path
                assert told["requestBody"]["content"], path


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_it_keeps_its_contract(schema: Any, method: str, path: str) -> None:
    quiet = list(HealthCheck)

    @given(case=schema[path][method].as_strategy())
    @settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=quiet)
    def check(case: Any) -> None:
        if "name" in case.path_parameters and len(str(case.path_parameters["name"])) % 2:
            case.path_parameters["name"] = "tiny"
        case.call_and_validate(checks=CHECKS)

    check()


@pytest.mark.parametrize(
    "shape",
    [
        schemas.Answer,
        schemas.Problem,
        schemas.Instances,
        schemas.InferRequest,
        schemas.InferResponse,
    ],
)
def test_examples_fit_their_shapes(shape: type[schemas.Answer]) -> None:
    (example,) = shape.model_json_schema()["examples"]
    shape.model_validate(example, strict=True)


def test_answers_have_the_shapes_that_are_documented(client: TestClient, volume: Volume) -> None:
    files = {"file": ("a.nii", volume_nifti(volume))}
    for upload in ({"file": png()}, files):
        schemas.Answer.model_validate(client.post("/v1/predict", files=upload).json(), strict=True)
        schemas.View.model_validate(client.post("/v1/view", files=upload).json(), strict=True)
    refused = client.post("/v1/predict", files={"file": b"text"}).json()
    schemas.Failure.model_validate(refused, strict=True)
    schemas.ModelCard.model_validate(client.get("/v1/model").json())


def test_documented_fields_are_all_that_an_answer_has(client: TestClient, volume: Volume) -> None:
    """Who adds a field to the answer is reminded to document it."""
    told = client.post("/v1/predict", files={"file": volume_nifti(volume)}).json()
    assert set(told) <= set(schemas.Answer.model_fields)
    assert set(told["slices"][0]) <= set(schemas.SliceJudgement.model_fields)


def test_examples_of_bodies_can_be_sent_as_they_are(client: TestClient) -> None:
    """Who tries the service pastes them first."""
    sent = 0
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method, told in methods.items():
            for kind, body in told.get("requestBody", {}).get("content", {}).items():
                for example in body["schema"].get("examples", ()):
                    address = path.replace("{name}", "tiny")
                    done = client.request(
                        method, address, json=example, headers={"content-type": kind}
                    )
                    assert done.status_code == 200, done.text
                    assert "error" not in done.text
                    sent += 1
    assert sent >= 2


def test_paths_take_only_the_parameters_that_they_name(app: FastAPI) -> None:
    for path, methods in app.openapi()["paths"].items():
        if path.startswith("/v2/"):
            for told in methods.values():
                assert {one["in"] for one in told.get("parameters", ())} <= {"path"}, path
