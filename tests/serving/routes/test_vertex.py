import base64
from typing import Any

import pytest

from tests.serving.conftest import MakeClient, png, volume_nifti
from tumorlens.model import Model
from tumorlens.prediction import predict
from tumorlens.reading import read_data
from tumorlens.scan import Volume


def b64(data: bytes, **more: Any) -> dict[str, Any]:
    return {"b64": base64.b64encode(data).decode()} | more


@pytest.mark.parametrize(
    ("health", "predictions"),
    [("/vertex/health", "/vertex/predict"), ("/", "/"), ("/health/ready", "/v1/predict")],
)
def test_instances_get_predictions_at_the_paths_it_names(
    make_client: MakeClient, model: Model, volume: Volume, health: str, predictions: str
) -> None:
    client = make_client(vertex_health_route=health, vertex_predict_route=predictions)
    assert client.get(health).json() == {"status": "ready"}
    data = volume_nifti(volume)
    body = {"instances": [b64(png()), b64(data, name="v.nii"), b64(b"text")], "parameters": {}}
    first, second, third = client.post(predictions, json=body).json()["predictions"]
    assert first == predict(read_data(png(), source="upload"), model=model).to_json()
    assert second == predict(read_data(data, source="v.nii"), model=model).to_json()
    assert third["error"]["code"] == "scan_format"
    assert client.get("/openapi.json").status_code == 200


@pytest.mark.parametrize("body", [{}, {"instances": [{}]}, {"instances": [{"b64": "%"}]}, []])
def test_other_bodies_are_refused(make_client: MakeClient, body: object) -> None:
    client = make_client(vertex_predict_route="/vertex/predict")
    assert client.post("/vertex/predict", json=body).status_code == 400


def test_no_instances_get_no_predictions(make_client: MakeClient) -> None:
    client = make_client(vertex_predict_route="/vertex/predict")
    assert client.post("/vertex/predict", json={"instances": []}).json() == {"predictions": []}
