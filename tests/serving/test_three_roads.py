"""The command line, Python and HTTP say the same, to the last digit."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import tumorlens
from tests.reading.made import DATA, affine, block, cut, dicom_bytes, needs_data
from tests.serving.conftest import packed, png, serving, volume_nifti
from tumorlens.cli import app
from tumorlens.model import Model
from tumorlens.reporting.formats import to_record
from tumorlens.scan import Volume


def _by_command(path: Path, folder: Path | None) -> Any:
    model = [] if folder is None else ["--model", str(folder)]
    done = CliRunner().invoke(app, ["predict", str(path), "--format", "json", *model])
    (record,) = json.loads(done.stdout)
    return record


def _by_python(path: Path, model: Model) -> Any:
    scan = tumorlens.read_scan(path)
    return json.loads(json.dumps(to_record((scan, tumorlens.predict(scan, model=model)))))


def _without_source(record: Any) -> Any:
    return {name: value for name, value in record.items() if name != "source"}


def _check(
    path: Path, upload: bytes, client: TestClient, folder: Path | None, model: Model
) -> None:
    told = client.post("/v1/predict", files={"file": (path.name, upload)}).json()
    assert told["source"] == path.name
    assert _without_source(told) == _without_source(_by_command(path, folder))
    assert _without_source(told) == _without_source(_by_python(path, model))


def test_made_up_scans(
    client: TestClient, model_folder: Path, model: Model, volume: Volume, tmp_path: Path
) -> None:
    for name, data in (("a.png", png()), ("v.nii", volume_nifti(volume))):
        (tmp_path / name).write_bytes(data)
        _check(tmp_path / name, data, client, model_folder, model)


def test_a_series(client: TestClient, model_folder: Path, model: Model, tmp_path: Path) -> None:
    slices = cut(block(), affine(), (2, 1, 0))
    files = {f"{n}.dcm": dicom_bytes(one) for n, one in enumerate(slices)}
    folder = tmp_path / "series"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    _check(folder, packed(files), client, model_folder, model)


@needs_data
@pytest.mark.parametrize(
    "pattern", ["cheng/images/*.jpg", "volumes/*.nii.gz", "brisc/images/*.jpg"]
)
def test_real_scans_and_the_bundled_model(pattern: str) -> None:
    path = min(DATA.glob(pattern), key=lambda one: (one.stat().st_size, one.name))
    bundled = tumorlens.load_model()
    with serving(bundled) as client:
        _check(path, path.read_bytes(), client, None, bundled)
