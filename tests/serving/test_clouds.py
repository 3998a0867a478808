"""Each cloud's contract over HTTP: the process as the cloud starts it, asked as the cloud asks."""

import base64
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cli.test_ui import free_port
from tests.serving.conftest import Server, png, started
from tumorlens.model import Model
from tumorlens.prediction import Prediction, predict
from tumorlens.reading import read_data

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
B64 = base64.b64encode(png()).decode()


@pytest.fixture(scope="module")
def wanted(model: Model) -> Prediction:
    answer = predict(read_data(png(), source="upload"), model=model)
    assert isinstance(answer, Prediction)
    return answer


def check_same(told: dict[str, Any], wanted: Prediction) -> None:
    """The same answer: its numbers are rounded otherwise in batches of another size."""
    expected = wanted.to_json()
    for name in ("probabilities", "tumor_probability"):
        assert told.pop(name) == pytest.approx(expected.pop(name), abs=1e-6)
    assert told == expected


def _image_environment() -> dict[str, str]:
    """What the Dockerfile sets, but for the paths and the address, which are this machine's."""
    text = "\n".join(LINES)
    block = re.search(r"^ENV ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert block is not None
    pairs = dict(word.split("=", 1) for word in shlex.split(block[1].replace("\\\n", " ")))
    assert pairs.pop("PATH").startswith("/opt/tumorlens/bin")
    assert pairs["TUMORLENS_HOST"] == "0.0.0.0"
    return pairs | {"TUMORLENS_HOST": "127.0.0.1"}


@contextmanager
def image(model_folder: Path, **environment: str) -> Iterator[tuple[Server, httpx2.Client]]:
    """The image's process: its environment, its command, and what a cloud sets besides."""
    (command,) = [json.loads(line[4:]) for line in LINES if line.startswith("CMD ")]
    told = _image_environment() | {"TUMORLENS_MODEL": str(model_folder)} | environment
    with started(command, **told) as running, httpx2.Client(base_url=running.url) as client:
        client.timeout = 60
        yield running, client


def _is_healthy(**environment: str) -> bool:
    """What the Dockerfile's HEALTHCHECK says."""
    (line,) = [line for line in LINES if line.startswith("HEALTHCHECK")]
    program, *words = json.loads(line.partition(" CMD ")[2])
    assert program == "python"
    told = os.environ | _image_environment() | environment
    done = subprocess.run([sys.executable, *words], env=told, capture_output=True, check=False)
    return done.returncode == 0


def test_docker(model_folder: Path, wanted: Prediction) -> None:
    port = {"TUMORLENS_PORT": str(free_port())}
    assert not _is_healthy(**port)
    with image(model_folder, **port) as (running, client):
        assert running.url.endswith(f":{port['TUMORLENS_PORT']}")
        assert _is_healthy(**port)
        told = client.post("/v1/predict", files={"file": png()}).json()
        assert told["probabilities"] == pytest.approx(wanted.probabilities, abs=1e-6)
        assert running.stop() == 0
    assert not _is_healthy(**port)


def test_sagemaker(model_folder: Path, wanted: Prediction) -> None:
    with image(model_folder, TUMORLENS_PORT=str(free_port()), SAGEMAKER_BATCH="true") as (_, asked):
        assert asked.get("/ping").status_code == 200
        headers = {"content-type": "application/x-image"}
        told = asked.post("/invocations", content=png(), headers=headers).json()
        check_same(told, wanted)
        body = json.dumps({"b64": B64}) + "\n"
        headers = {"content-type": "application/jsonlines", "accept": "application/jsonlines"}
        lines = asked.post("/invocations", content=body * 2, headers=headers).text.splitlines()
        assert len(lines) == 2
        for line in lines:
            check_same(json.loads(line), wanted)
        headers = {"content-type": "image/png", "accept": "text/csv"}
        assert (
            "probability_glioma" in asked.post("/invocations", content=png(), headers=headers).text
        )
        assert asked.get("/execution-parameters").json()["BatchStrategy"] == "SINGLE_RECORD"


def test_vertex_ai(model_folder: Path, wanted: Prediction) -> None:
    port = {"AIP_HTTP_PORT": str(free_port())}
    routes = {"AIP_HEALTH_ROUTE": "/health/ready", "AIP_PREDICT_ROUTE": "/vertex/predict"}
    with image(model_folder, **port, **routes) as (running, client):
        assert running.url.endswith(f":{port['AIP_HTTP_PORT']}")
        assert _is_healthy(**port)
        assert client.get("/health/ready").status_code == 200
        body = {"instances": [{"b64": B64}, {"b64": "eA=="}], "parameters": {"any": 1}}
        first, second = client.post("/vertex/predict", json=body).json()["predictions"]
        check_same(first, wanted)
        assert second["error"]["code"] == "scan_format"


@pytest.mark.parametrize("cloud", ["Heroku", "Cloud Run"])
def test_clouds_that_name_the_port(model_folder: Path, wanted: Prediction, cloud: str) -> None:
    port = str(free_port())
    words = shlex.split((ROOT / "Procfile").read_text())[2:] if cloud == "Heroku" else ["serve"]
    told = {"PORT": port, "TUMORLENS_MODEL": str(model_folder)}
    if cloud == "Heroku":  # its buildpack sets this in every dyno, by the dyno's memory
        told["WEB_CONCURRENCY"] = "2"
    with started(words, **told) as running:
        address = f"http://127.0.0.1:{port}"
        assert running.url.endswith(f":{port}")
        assert httpx2.get(f"{address}/health/ready").status_code == 200
        done = httpx2.post(f"{address}/v1/predict", files={"file": png()}, timeout=60)
        assert done.json()["probabilities"] == pytest.approx(wanted.probabilities, abs=1e-6)
        assert running.stop() == 0


def test_kserve(model_folder: Path, wanted: Prediction) -> None:
    with image(model_folder, TUMORLENS_PORT=str(free_port())) as (_, client):
        assert client.get("/v2/health/live").json() == {"live": True}
        assert client.get("/v2/health/ready").json()["ready"] is True
        assert client.get("/v2/models/tiny/ready").json() == {"name": "tiny", "ready": True}
        described = {one["name"] for one in client.get("/v2/models/tiny").json()["outputs"]}
        tensor = {"name": "scan", "shape": [1], "datatype": "BYTES", "data": [B64]}
        told = client.post("/v2/models/tiny/infer", json={"id": "7", "inputs": [tensor]}).json()
        outputs = {one["name"]: one["data"] for one in told["outputs"]}
        assert told["id"] == "7"
        assert set(outputs) == described
        assert outputs["label"] == [wanted.label]
        chances = list(wanted.probabilities.values())
        assert outputs["probabilities"] == pytest.approx(chances, abs=1e-6)


def test_kubernetes(model_folder: Path) -> None:
    """Its probes over HTTP; told to stop, it ends well within the grace that the pod gets."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    manifest = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "deployment.yaml").read_text())
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    with started(
        container["args"],
        **_image_environment(),
        TUMORLENS_MODEL=str(model_folder),
        PORT=str(free_port()),
        TUMORLENS_API_KEY="secret",
    ) as running:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = container[probe]["httpGet"]["path"]
            assert httpx2.get(running.url + path).status_code == 200
        assert httpx2.get(f"{running.url}/metrics").status_code == 401
        bearer = {"Authorization": "Bearer secret"}
        assert httpx2.get(f"{running.url}/metrics", headers=bearer).status_code == 200
        began = time.monotonic()
        assert running.stop() == 0
        _, pause = container["lifecycle"]["preStop"]["exec"]["command"]
        took = float(pause) + time.monotonic() - began
        assert took < pod["terminationGracePeriodSeconds"] / 2
