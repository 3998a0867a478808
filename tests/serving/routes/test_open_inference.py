import base64
import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.conftest import head
from tests.serving.conftest import png
from tumorlens.model import Model
from tumorlens.prediction import Prediction, predict
from tumorlens.reading import read_data
from tumorlens.scan import Scan

PATH = "/v2/models/tiny/infer"


def _tensor(data: list[Any], datatype: str = "BYTES", shape: list[int] | None = None) -> Any:
    shape = [len(data)] if shape is None else shape
    return {"inputs": [{"name": "scan", "shape": shape, "datatype": datatype, "data": data}]}


def _columns(told: dict[str, Any]) -> dict[str, Any]:
    for one in told["outputs"]:
        assert len(one["data"]) == np.prod(one["shape"])
    return {one["name"]: one["data"] for one in told["outputs"]}


def _check(told: dict[str, Any], answers: list[Prediction]) -> None:
    columns = _columns(told)
    assert columns["label"] == [one.label for one in answers]
    assert columns["tumor_probability"] == [one.tumor_probability for one in answers]
    assert columns["accepted"] == [one.accepted for one in answers]
    assert columns["probabilities"] == [p for one in answers for p in one.probabilities.values()]


def test_the_server_and_the_model_say_what_they_are(client: TestClient, model: Model) -> None:
    assert client.get("/v2").json()["name"] == "tumorlens"
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"live": True, "ready": True}
    for path in ("/v2/models/tiny", "/v2/models/tiny/versions/0.0.1"):
        told = client.get(path).json()
        assert told["name"] == "tiny"
        assert told["versions"] == ["0.0.1"]
        assert told["parameters"]["classes"] == list(model.card.classes)
        assert client.get(f"{path}/ready").json() == {"name": "tiny", "ready": True}


def test_files_in_base64(client: TestClient, model: Model) -> None:
    body = _tensor([base64.b64encode(png()).decode()]) | {"id": "7"}
    told = client.post(PATH, json=body).json()
    assert (told["id"], told["model_name"], told["model_version"]) == ("7", "tiny", "0.0.1")
    answer = predict(read_data(png(), source="a"), model=model)
    assert isinstance(answer, Prediction)
    _check(told, [answer])


def test_outputs_are_those_that_are_asked_for(client: TestClient) -> None:
    body = _tensor([base64.b64encode(png()).decode()])
    every = client.post(PATH, json=body).json()["outputs"]
    described = client.get("/v2/models/tiny").json()["outputs"]
    assert [(one["name"], one["datatype"]) for one in every] == [
        (one["name"], one["datatype"]) for one in described
    ]
    for one, told in zip(every, described, strict=True):
        assert one["shape"] == [1, *told["shape"][1:]]
    for wanted in ([], None):
        assert client.post(PATH, json=body | {"outputs": wanted}).json()["outputs"] == every
    asked = [{"name": "accepted"}, {"name": "label", "parameters": {"binary_data": False}}]
    some = client.post(PATH, json=body | {"outputs": asked}).json()["outputs"]
    assert some == [every[3], every[0]]


@pytest.mark.parametrize("nested", [False, True])
def test_slices_as_numbers(client: TestClient, model: Model, nested: bool) -> None:
    slices = np.stack([head(40, 32, blob=float(blob)) for blob in (0, 90)])
    data = (slices if nested else slices.ravel()).tolist()
    told = client.post(PATH, json=_tensor(data, "FP32", [2, 40, 32])).json()
    alone = client.post(PATH, json=_tensor(slices[1].ravel().tolist(), "FP32", [40, 32])).json()
    answers = [predict(Scan(one, "a"), model=model) for one in slices]
    assert _columns(told)["label"] == [one.label for one in answers]
    assert _columns(told)["tumor_probability"] == pytest.approx(
        [one.tumor_probability for one in answers], abs=1e-6
    )
    assert isinstance(answers[1], Prediction)
    _check(alone, [answers[1]])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"inputs": []}, 400),
        (_tensor([]), 400),
        (_tensor([1]), 400),
        (_tensor(["%"]), 400),
        (_tensor(["eA=="] * 33), 400),
        (_tensor(["eA=="], shape=[2]), 400),
        (_tensor([1.0], "BOOL", [1, 1]), 400),
        (_tensor([1.0] * 3, "FP32", [2, 2]), 400),
        (_tensor(["a"] * 4, "FP32", [2, 2]), 400),
        (_tensor([[1], [1, 2]], "FP32", [2, 2]), 400),
        (_tensor([1.0], "FP32", [1, 1, 1, 1]), 400),
        (_tensor([1.0], "FP32", [-1, 4]), 422),
        (_tensor([1.0], "FP32", [10**9, 10**9]), 413),
        (_tensor([1.0] * 4, "FP32", [2, 2]), 422),
        (_tensor([1e300] * 4, "FP32", [2, 2]), 422),
        (_tensor([-3e38, 3e38] * 2, "FP32", [2, 2]), 422),
        (_tensor(["eA=="]), 415),
        (_tensor(["eA=="]) | {"outputs": [{"name": "weather"}]}, 400),
        (_tensor(["eA=="]) | {"outputs": ["label"]}, 400),
    ],
)
def test_other_bodies_are_refused_in_the_protocol_s_way(
    client: TestClient, body: Any, status: int
) -> None:
    done = client.post(PATH, json=body)
    assert done.status_code == status
    assert isinstance(done.json()["error"], str)


def test_a_name_that_could_not_be_sent_back_is_refused(client: TestClient) -> None:
    body = _tensor([base64.b64encode(png()).decode()]) | {"id": "\udfff"}
    text = json.dumps(body)  # as an escape
    done = client.post(PATH, content=text, headers={"Content-Type": "application/json"})
    assert done.status_code == 400
    assert "no JSON" in done.json()["error"]


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/tiny/versions/9"])
def test_other_models_are_not_there(client: TestClient, path: str) -> None:
    for done in (client.get(path), client.get(f"{path}/ready"), client.post(f"{path}/infer")):
        assert done.status_code == 404
        assert isinstance(done.json()["error"], str)
