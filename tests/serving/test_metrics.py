from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families as parse

from tests.serving.conftest import MakeClient, png, serving, volume_nifti, write_wary_model
from tumorlens.gate import CHECKS
from tumorlens.model import load_model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading import read_data
from tumorlens.scan import Volume

Samples = dict[tuple[str, ...], float]


def _samples(client: TestClient) -> Samples:
    """What /metrics says, by name and the labels' values in alphabetical order."""
    return {
        (one.name, *sorted(one.labels.values())): one.value
        for family in parse(client.get("/metrics").text)
        for one in family.samples
    }


def _key(name: str, *labels: str) -> tuple[str, ...]:
    return (name, *sorted(labels))


def test_requests_answers_and_refusals_are_counted(make_client: MakeClient, volume: Volume) -> None:
    client = make_client()
    label = client.post("/v1/predict", files={"file": png()}).json()["label"]
    client.post("/v1/predict", files={"file": volume_nifti(volume)})
    client.post("/v1/predict", files={"file": png()[:100]})
    client.post("/v1/predict/batch", files=[("files", png()), ("files", b"text")])
    client.get("/absent/123")
    client.request("BREW", "/v1/predict")
    samples = _samples(client)
    assert samples["tumorlens_requests_total", "/v1/predict", "200", "POST"] == 2
    assert samples["tumorlens_requests_total", "/v1/predict", "422", "POST"] == 1
    assert samples["tumorlens_requests_total", "404", "GET", "other"] == 1
    assert samples["tumorlens_request_seconds_count", "/v1/predict"] >= 3
    assert samples["tumorlens_answers_total", label, "slice", "true"] == 2
    assert sum(v for k, v in samples.items() if k[0] == "tumorlens_answers_total") == 3
    assert samples["tumorlens_refusals_total", "scan_corrupt"] == 1
    assert samples["tumorlens_refusals_total", "scan_format"] == 1
    assert samples["tumorlens_tumor_probability_count",] == 3
    assert samples["tumorlens_confidence_count",] == 3
    assert samples["tumorlens_batch_slices_sum",] == 2
    assert samples["tumorlens_waiting_requests",] == 0
    assert any(key[0] == "tumorlens_model_info" and "tiny" in key for key in samples)
    assert samples["process_resident_memory_bytes",] > 0


def test_requests_that_are_not_read_are_counted(make_client: MakeClient) -> None:
    client = make_client(max_body_bytes=5000)
    headers = {"content-type": "image/png"}
    assert client.post("/v1/predict", content=bytes(5001), headers=headers).status_code == 413
    client.post("/v1/predict", content=b"x", headers={"content-type": "text/plain"})
    client.app.state.service.is_ready = False  # type: ignore[attr-defined]
    client.post("/v1/predict", files={"file": png()})
    samples = _samples(client)
    for code in ("body_too_large", "wrong_type", "busy"):
        assert samples["tumorlens_refusals_total", code] == 1


@pytest.fixture(params=[True, False])
def wary(request: Any, tmp_path: Path) -> Iterator[tuple[TestClient, bool]]:
    """A service whose model has a gate, which refuses all or nothing."""
    folder = write_wary_model(tmp_path / "model", refuses=request.param)
    with serving(load_model(folder, threads=1)) as client:
        yield client, request.param


def test_the_gates_scores_are_told(wary: tuple[TestClient, bool], volume: Volume) -> None:
    client, refuses = wary
    model = client.app.state.service.model  # type: ignore[attr-defined]
    answer = predict(read_data(volume_nifti(volume), source="v"), model=model)
    assert isinstance(answer, VolumePrediction)
    for data in (png(), png(10), volume_nifti(volume)):
        assert client.post("/v1/predict", files={"file": data}).json()["accepted"] is not refuses
    samples = _samples(client)
    for check in CHECKS:
        scores = np.array([one.answer.gate_scores[check] for one in answer.slices])
        assert samples["tumorlens_gate_score_count", check, "slice"] == 2
        assert samples["tumorlens_gate_score_count", check, "volume"] == len(scores)
        assert samples["tumorlens_gate_limit", check] == model.gate.limits[check]
        for edge in ("-0.5", "0.0", "0.5", "1.0", "+Inf"):
            told = samples[_key("tumorlens_gate_score_bucket", check, "volume", edge)]
            assert told == (scores <= float(edge)).sum()


def test_who_is_sent_away_at_the_door_is_counted_by_route(make_client: MakeClient) -> None:
    """Else an alarm on 503 of a route never rings."""
    client = make_client(max_body_bytes=10)
    for path in ("/v1/predict", "/invocations", "/absent/of/somebody"):
        assert client.post(path, content=b"x" * 11).status_code == 413
    told = client.get("/metrics").text
    for route in ("/v1/predict", "/invocations", "other"):
        line = f'tumorlens_requests_total{{method="POST",route="{route}",status="413"}} 1.0'
        assert line in told
    assert "somebody" not in told
