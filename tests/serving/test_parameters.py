import pytest
from fastapi.testclient import TestClient

from tests.serving.conftest import png, volume_nifti
from tumorlens.scan import Volume
from tumorlens.serving.parameters import PARAMETERS


def test_all_parameters_are_known(client: TestClient) -> None:
    told = {
        one["name"]
        for path, methods in client.get("/openapi.json").json()["paths"].items()
        for method in methods.values()
        for one in method.get("parameters", [])
        if path.startswith("/v1/")
    }
    assert told == set(PARAMETERS)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/predict?Slice=3",
        "/v1/predict?slices=3",
        "/v1/predict?target=glioma",
        "/v1/explain?silce=3",
        "/v1/explain?slice=3&veiw=scan",
        "/v1/predict/batch?slice=3",
        "/v1/view?slice=3",
        "/v1/report?slice=3",
    ],
)
def test_a_parameter_that_the_path_does_not_take_is_told(
    client: TestClient, volume: Volume, path: str
) -> None:
    """Else the whole volume would be answered as if it were the slice."""
    done = client.post(path, files={"file": volume_nifti(volume)})
    assert done.status_code == 422
    assert done.json()["error"]["code"] == "wrong_parameter"


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain", "/v1/predict/batch"])
def test_a_parameter_in_the_form_is_told(client: TestClient, path: str, volume: Volume) -> None:
    done = client.post(path, files={"file": volume_nifti(volume)}, data={"slice": "3"})
    assert done.status_code == 422
    assert "in the address" in done.json()["error"]["expected"]


def test_what_others_add_is_ignored(client: TestClient) -> None:
    asked = "/v1/predict?slice=0&utm_source=x&x=1&sig=abc"
    assert client.post(asked, files={"file": png()}).status_code == 200
