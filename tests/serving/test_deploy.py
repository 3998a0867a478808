"""What lies in deploy/ fits the service: paths, ports, and nothing more rights than needed."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from tumorlens.cli import app
from tumorlens.serving.settings import VARIABLES

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted(DEPLOY.rglob("*.yaml"))


def _load(path: str) -> Any:
    return yaml.safe_load((DEPLOY / path).read_text())


def _find(value: Any, key: str) -> list[Any]:
    """Every value of a key, however deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value[key]] if isinstance(value, dict) and key in value else []
    return own + [found for one in inner for found in _find(one, key)]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_probes_ask_paths_that_exist(client: TestClient, path: Path) -> None:
    for asked in _find(yaml.safe_load(path.read_text()), "httpGet"):
        assert client.get(asked["path"]).status_code == 200
        assert asked["port"] in {"http", 8080}


def test_the_kustomization_names_every_manifest() -> None:
    named = set(_load("kubernetes/kustomization.yaml")["resources"])
    there = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")}
    assert named == there - {"kustomization.yaml"}


def test_containers_have_no_more_rights_than_they_need() -> None:
    pod = _load("kubernetes/deployment.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert container["ports"][0]["containerPort"] == 8080
    assert pod["terminationGracePeriodSeconds"] > 5 + 30
    service = _load("compose.yaml")["services"]["tumorlens"]
    assert service["read_only"] is True
    assert service["user"].startswith("10001")
    assert any(one.startswith("/tmp:") for one in service["tmpfs"])
    assert _load("kubernetes/network.yaml")["spec"]["egress"] == []


def test_the_image_runs_as_somebody_and_speaks_on_8080() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    assert 'ENTRYPOINT ["tumorlens"]' in lines
    assert 'CMD ["serve"]' in lines
    assert any("TUMORLENS_PORT=8080" in line for line in lines)
    (check,) = [line for line in lines if line.startswith("HEALTHCHECK")]
    script = json.loads(check.partition(" CMD ")[2])[2]
    compile(script, "HEALTHCHECK", "exec")
    assert "/health/ready" in script
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", "\n".join(lines), re.MULTILINE)
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    for name in " ".join(copied).split():
        assert (ROOT / name).exists()
        assert f"!{name}" in kept


def test_the_procfile_starts_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, _, line = (ROOT / "Procfile").read_text().partition(":")
    program, *words = shlex.split(line)
    assert (kind, program) == ("web", "tumorlens")
    told: dict[str, Any] = {}
    monkeypatch.setattr("tumorlens.serving.serve", lambda _, **options: told.update(options))
    done = CliRunner().invoke(app, words, env={"PORT": "4711"})
    assert done.exit_code == 0, done.output
    assert (told["host"], told["port"]) == ("0.0.0.0", 4711)


def test_heroku_installs_the_service() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    (own,) = [line for line in lines if line.startswith(".")]
    assert "serve" in re.findall(r"\w+", own)


@pytest.mark.parametrize("name", ["model", "endpoint-config", "transform-job"])
def test_sagemaker_files_are_json_about_one_model(name: str) -> None:
    values = json.loads((DEPLOY / "sagemaker" / f"{name}.json").read_text())
    assert set(_find(values, "ModelName")) == {"tumorlens"}
    for environment in _find(values, "Environment"):
        assert set(environment) <= set(VARIABLES)


def test_every_variable_is_documented() -> None:
    text = (ROOT / "docs" / "serving.md").read_text()
    own = {"TUMORLENS_HOST", "TUMORLENS_PORT", "TUMORLENS_MODEL", "PORT", "AIP_HTTP_PORT"}
    for name in {*VARIABLES, *own}:
        assert f"`{name}`" in text
