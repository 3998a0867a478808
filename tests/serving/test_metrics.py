from prometheus_client.parser import text_string_to_metric_families as parse

from tests.serving.conftest import MakeClient, png, volume_nifti
from tumorlens.scan import Volume


def test_requests_answers_and_refusals_are_counted(make_client: MakeClient, volume: Volume) -> None:
    client = make_client()
    label = client.post("/v1/predict", files={"file": png()}).json()["label"]
    client.post("/v1/predict", files={"file": volume_nifti(volume)})
    client.post("/v1/predict", files={"file": png()[:100]})
    client.post("/v1/predict/batch", files=[("files", png()), ("files", b"text")])
    client.get("/absent/123")
    client.request("BREW", "/v1/predict")
    samples = {
        (one.name, *sorted(one.labels.values())): one.value
        for family in parse(client.get("/metrics").text)
        for one in family.samples
    }
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
