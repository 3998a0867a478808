import tempfile

import pytest
from fastapi.testclient import TestClient

from tests.serving.conftest import MakeClient, png
from tumorlens.serving.uploads import RAW_TYPES


@pytest.mark.parametrize("kind", [*(one.replace("*", "png") for one in RAW_TYPES), "IMAGE/x; q=1"])
def test_a_file_may_be_the_body(client: TestClient, kind: str) -> None:
    done = client.post("/v1/predict", content=png(), headers={"content-type": kind})
    assert done.status_code == 200
    assert done.json()["source"] == "upload"


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/json", "image/", "application/x-www-form-urlencoded"]
)
def test_other_types_are_refused(client: TestClient, kind: str) -> None:
    done = client.post("/v1/predict", content=png(), headers={"content-type": kind})
    assert done.status_code == 415
    assert done.json()["error"]["code"] == "wrong_type"
    assert client.post("/v1/predict").status_code == 415


@pytest.mark.parametrize("name", ["any", "file", "files"])
def test_a_field_may_have_any_name_and_others_are_ignored(client: TestClient, name: str) -> None:
    done = client.post("/v1/predict", files={name: ("a.png", png())}, data={"note": "x"})
    assert done.json()["source"] == "a.png"


@pytest.mark.parametrize(
    ("given", "shown"),
    [("C:\\scans\\a.png", "a.png"), ("/home/me/a.png", "a.png"), ("x" * 400, "x" * 255)],
)
def test_names_come_back_without_folders(client: TestClient, given: str, shown: str) -> None:
    assert client.post("/v1/predict", files={"f": (given, png())}).json()["source"] == shown


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"no form at all",
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n--b--\r\n',
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' * 2,
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\n--b',
        b"--b\r\n\xff\xfe: \x00\r\n\r\n--b--",
    ],
)
def test_damaged_forms_are_refused(client: TestClient, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    done = client.post("/v1/predict", content=body, headers=headers)
    assert done.status_code == 400
    assert set(done.json()["error"]) == {"code", "expected", "found", "remedy"}


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_boundary_is_refused(client: TestClient, kind: str) -> None:
    done = client.post("/v1/predict", content=b"x", headers={"content-type": kind})
    assert done.status_code == 400


def test_several_files_are_for_the_batch(client: TestClient) -> None:
    two = [("file", png()), ("file", png())]
    done = client.post("/v1/predict", files=two)
    assert done.status_code == 400
    assert "/v1/predict/batch" in done.json()["error"]["remedy"]
    assert client.post("/v1/predict/batch", files=two).status_code == 200


def test_too_many_files_are_refused(make_client: MakeClient) -> None:
    client = make_client(max_files=2)
    for path in ("/v1/predict/batch", "/v1/report"):
        done = client.post(path, files=[("f", png())] * 3)
        assert done.status_code == 400
        assert done.json()["error"]["expected"] == "at most 2 files at a time"
        assert "TUMORLENS_MAX_FILES" in done.json()["error"]["remedy"]


def test_no_upload_is_written_to_the_disk(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("TemporaryFile", "NamedTemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, forbidden)
    large = png() + bytes(5 * 2**20)
    assert client.post("/v1/predict", files={"file": large}).status_code == 200
