"""What lies in deploy/ fits the service: paths, ports, and nothing more rights than needed."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from tumorlens.cli import app
from tumorlens.serving.settings import VARIABLES, Settings

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


def _pods() -> list[Any]:
    pod = _load("kubernetes/deployment.yaml")["spec"]["template"]["spec"]
    return [pod, _load("kserve/inferenceservice.yaml")["spec"]["predictor"]]


def test_containers_have_no_more_rights_than_they_need() -> None:
    for pod in _pods():
        (container,) = pod["containers"]
        rights = pod.get("securityContext", {}) | container["securityContext"]
        assert rights["runAsNonRoot"] is True
        assert rights["runAsUser"] == 10001
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"]["drop"] == ["ALL"]
        assert container["ports"][0]["containerPort"] == 8080
        assert container["resources"]["limits"]["memory"] == "4Gi"
        (mounted,), (volume,) = container["volumeMounts"], pod["volumes"]
        assert mounted == {"name": volume["name"], "mountPath": "/tmp"}
        assert volume["emptyDir"]["medium"] == "Memory"
    pod = _load("kubernetes/deployment.yaml")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > 5 + Settings().shutdown_seconds
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


def _installed(requirements: Path) -> str:
    """What a requirements file installs, in the versions that are tested together."""
    lines = [line for line in requirements.read_text().splitlines() if not line.startswith("#")]
    assert "--constraint constraints.txt" in lines
    (own,) = [line for line in lines if not line.startswith("--")]
    return own


def test_heroku_installs_the_service_and_streamlits_cloud_the_app(tmp_path: Path) -> None:
    for name in ("bin/pre_compile", "deploy/heroku/requirements.txt", "requirements.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert _installed(tmp_path / "requirements.txt") == ".[ui]"
    subprocess.run(["bin/pre_compile"], cwd=tmp_path, check=True)
    assert _installed(tmp_path / "requirements.txt") == ".[serve]"


@pytest.mark.parametrize("path", ["kubernetes/deployment.yaml", "kserve/inferenceservice.yaml"])
def test_the_name_of_a_service_does_not_set_our_port(path: str) -> None:
    """Kubernetes would give the pods of a service named tumorlens TUMORLENS_PORT=tcp://..."""
    assert _find(_load(path), "enableServiceLinks") == [False]


def test_every_cloud_of_the_table_has_its_commands() -> None:
    text = (DEPLOY / "README.md").read_text()
    for line in re.findall(r"^\| (.+?) \|", text, re.MULTILINE)[2:]:
        name = line.replace("this machine", "").split(",")[0]
        assert not name or re.search(rf"^## .*{name}", text, re.MULTILINE), name


def test_files_that_the_commands_name_are_there() -> None:
    text = (DEPLOY / "README.md").read_text()
    named = re.findall(r"(?:file://|-f |-k )(deploy/[\w./-]+)", text)
    assert len(named) >= 6
    for name in named:
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", text):
        assert (DEPLOY / name).exists(), name
    for name in re.findall(r"`(tests/[\w./]+)`", text):
        assert (ROOT / name).exists(), name


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


@pytest.mark.parametrize(("option", "killed_after_s"), [("config:set", 30), ("--set-env-vars", 10)])
def test_settings_that_the_commands_name_hold_there(option: str, killed_after_s: int) -> None:
    """Heroku kills what it told to stop after 30 s, Cloud Run after 10 s."""
    text = (DEPLOY / "README.md").read_text().replace("\\\n", " ")
    line = next(line for line in text.splitlines() if f"{option} TUMORLENS_" in line)
    given = dict(re.findall(r"(TUMORLENS_\w+)=(\d+)", line))
    assert set(given) <= set(VARIABLES)
    made = Settings.from_environment(given)
    assert made.shutdown_seconds < killed_after_s
    assert made.max_body_bytes < 32 * 2**20
