import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serving.conftest import MakeClient, png
from tests.serving.routes.test_vertex import b64
from tumorlens.model import Model
from tumorlens.prediction import predict
from tumorlens.reading import read_data


@pytest.fixture
def wanted(model: Model) -> dict[str, object]:
    return predict(read_data(png(), source="upload"), model=model).to_json()


def test_ping(client: TestClient) -> None:
    assert client.get("/ping").status_code == 200


@pytest.mark.parametrize("kind", ["application/x-image", "image/png", "application/octet-stream"])
def test_a_file_is_answered(client: TestClient, wanted: dict[str, object], kind: str) -> None:
    done = client.post("/invocations", content=png(), headers={"content-type": kind})
    assert done.json() == wanted


def test_instances_are_answered(client: TestClient, wanted: dict[str, object]) -> None:
    body = {"instances": [b64(png()), b64(b"text")]}
    first, second = client.post("/invocations", json=body).json()["predictions"]
    assert first == wanted
    assert second["error"]["code"] == "scan_format"


def test_a_name_that_could_not_be_sent_back_is_refused(client: TestClient) -> None:
    text = json.dumps({"instances": [b64(png()) | {"name": "\ud800x"}]})
    for kind in ("application/json", "application/jsonlines"):
        done = client.post("/invocations", content=text, headers={"content-type": kind})
        assert done.status_code == 400


def test_lines_are_answered_with_lines(client: TestClient, wanted: dict[str, object]) -> None:
    lines = "\n".join(json.dumps(b64(data)) for data in (png(), b"text")) + "\n"
    done = client.post(
        "/invocations", content=lines, headers={"content-type": "application/jsonlines"}
    )
    assert done.headers["content-type"] == "application/jsonlines"
    first, second = [json.loads(line) for line in done.text.splitlines()]
    assert first == wanted
    assert "error" in second


def test_answers_come_as_asked(client: TestClient, wanted: dict[str, object]) -> None:
    headers = {"content-type": "image/png", "accept": "text/csv"}
    done = client.post("/invocations", content=png(), headers=headers)
    (row,) = csv.DictReader(io.StringIO(done.text))
    assert done.headers["content-type"].startswith("text/csv")
    assert row["label"] == wanted["label"]
    assert float(row["tumor_probability"]) == wanted["tumor_probability"]
    headers["accept"] = "application/jsonlines; q=1, */*"
    assert json.loads(client.post("/invocations", content=png(), headers=headers).text) == wanted


def test_what_cannot_be_answered_is_refused(client: TestClient) -> None:
    for content, kind, status in (
        (png()[:90], "image/png", 422),
        (b"text", "image/png", 415),
        (png(), "text/plain", 415),
        (b"{}", "application/json", 400),
        (b"{}\n", "application/jsonlines", 400),
    ):
        done = client.post("/invocations", content=content, headers={"content-type": kind})
        assert done.status_code == status


@pytest.mark.parametrize(
    "settings",
    [{}, {"max_waiting": 1}, {"workers": 200, "max_waiting": 200}, {"max_body_bytes": 2**20}],
)
def test_batch_transform_is_told_how_to_ask(make_client: MakeClient, settings: Any) -> None:
    """Its rules: at most 100 MB in all requests of a time together."""
    told = make_client(**settings).get("/execution-parameters").json()
    assert told["BatchStrategy"] == "SINGLE_RECORD"
    assert told["MaxConcurrentTransforms"] >= 1
    assert told["MaxPayloadInMB"] >= 1
    assert told["MaxConcurrentTransforms"] * told["MaxPayloadInMB"] <= 100


def test_the_transform_job_keeps_the_rules(make_client: MakeClient) -> None:
    folder = Path(__file__).parents[3] / "deploy" / "sagemaker"
    job = json.loads((folder / "transform-job.json").read_text())
    assert job["MaxConcurrentTransforms"] * job["MaxPayloadInMB"] <= 100
    model = json.loads((folder / "model.json").read_text())
    allowed = model["PrimaryContainer"]["Environment"]["TUMORLENS_MAX_BODY_MB"]
    assert job["MaxPayloadInMB"] <= int(allowed)
    kind, accept = job["TransformInput"]["ContentType"], job["TransformOutput"]["Accept"]
    headers = {"content-type": kind, "accept": accept}
    done = make_client().post("/invocations", content=png(), headers=headers)
    assert done.status_code == 200
    assert done.headers["content-type"] == accept
