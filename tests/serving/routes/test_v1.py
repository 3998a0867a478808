import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image

from tests.made_cases import made_flair_file
from tests.reading.made import block, gzipped, nifti_bytes, picture_bytes
from tests.serving.conftest import packed, png, serving, volume_nifti, write_wary_model
from tumorlens.model import Model, load_model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading import read_data
from tumorlens.scan import Volume

NAME = "Tumorlens-Answer"


def test_a_volume_is_answered_with_all_its_slices(
    client: TestClient, model: Model, volume: Volume
) -> None:
    data = volume_nifti(volume)
    told = client.post("/v1/predict", files={"file": ("v.nii", data)}).json()
    answer = predict(read_data(data, source="v.nii"), model=model)
    assert isinstance(answer, VolumePrediction)
    assert told == answer.to_json()
    assert len(told["slices"]) == len(answer.slices) > 1


def test_a_volume_of_too_many_slices_is_refused(client: TestClient) -> None:
    voxels = np.tile(block((8, 8, 25)), (1, 1, 41))  # few bytes, and an answer for each
    done = client.post("/v1/predict", files={"file": ("v.nii.gz", gzipped(nifti_bytes(voxels)))})
    assert done.status_code == 413
    assert done.json()["error"]["expected"] == "at most 1,024 slices"


def test_one_slice_of_a_volume(client: TestClient, model: Model, volume: Volume) -> None:
    data = volume_nifti(volume)
    told = client.post("/v1/predict?slice=6", files={"file": ("v.nii", data)}).json()
    read = read_data(data, source="v.nii")
    assert isinstance(read, Volume)
    assert told == predict(read.slice(6), model=model).to_json()  # type: ignore[union-attr]


def test_one_of_a_batch_that_is_refused_does_not_cost_the_others(client: TestClient) -> None:
    files = [
        ("files", ("a.png", png(20))),
        ("files", ("b.png", png()[:90])),
        ("files", ("c.txt", b"text")),
        ("files", ("d.zip", packed({"d.png": png(200)}))),
        ("files", ("e.tif", picture_bytes(np.float32([[-3e38, 0], [1, 3e38]]), "TIFF"))),
    ]
    answers = client.post("/v1/predict/batch", files=files).json()["answers"]
    assert [one["source"] for one in answers] == ["a.png", "b.png", "c.txt", "d.zip", "e.tif"]
    assert ["error" in one for one in answers] == [False, True, True, False, True]
    assert answers[1]["error"]["code"] == "scan_corrupt"
    assert answers[2]["error"]["code"] == "scan_format"
    assert answers[4]["error"]["code"] == "scan_content"


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "scan_empty"),
        (b"only words", 415, "scan_format"),
        (b"%PDF-1.7", 415, "scan_format"),
        (png()[:200], 422, "scan_corrupt"),
        (packed({}), 422, "scan_empty"),
        (packed({"a.png": png(), "b.png": png()}), 422, "scan_content"),
        (packed({"a": bytes(300 * 2**20)}), 413, "scan_too_large"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_library_s_message(
    client: TestClient, data: bytes, status: int, code: str
) -> None:
    for path in ("/v1/predict", "/v1/explain", "/v1/view"):
        done = client.post(path, files={"file": ("a.png", data)})
        assert done.status_code == status
        assert done.json()["error"]["code"] == code


def test_explanations_are_pngs(client: TestClient, volume: Volume) -> None:
    data = volume_nifti(volume)
    for query in ("", "?slice=6", "?view=heatmap&target=pituitary", "?view=figure&slice=2"):
        done = client.post(f"/v1/explain{query}", files={"file": data})
        assert done.status_code == 200, done.text
        assert done.headers["content-type"] == "image/png"
        Image.open(BytesIO(done.content)).verify()


@pytest.mark.parametrize(
    "query", ["slice=12", "slice=-1", "slice=x", "slice=1e99", "target=gliom", "view=all"]
)
def test_wrong_parameters_are_refused(client: TestClient, volume: Volume, query: str) -> None:
    done = client.post(f"/v1/explain?{query}", files={"file": volume_nifti(volume)})
    assert done.status_code == 422
    assert set(done.json()["error"]) == {"code", "expected", "found", "remedy"}


def test_the_report_is_a_page_to_keep(client: TestClient) -> None:
    done = client.post("/v1/report", files=[("files", ("a.png", png())), ("files", b"text")])
    assert done.headers["content-type"].startswith("text/html")
    assert "attachment" in done.headers["content-disposition"]
    assert "1 answered, 1 refused" in done.text


def test_the_card(client: TestClient, model: Model) -> None:
    told = client.get("/v1/model").json()
    assert told["sha256"] == model.card.sha256
    assert told["notice"] == model.card.notice
    assert set(told) == set(model.card.to_json())


def test_a_flair_volume_has_one_outline_on_every_path(
    outlining: Model, companion: Path, asked: list[Volume]
) -> None:
    with serving(replace(outlining, companion=companion)) as client:

        def post(path: str, part: str = "file") -> Response:
            files = {part: ("p_flair.nii", made_flair_file())}
            return client.post(path, files=files).raise_for_status()

        told = post("/v1/predict").json()["outline"]
        assert told["outlined_by"]["name"] == "tiny flair"
        view = post("/v1/view").json()
        assert view["answer"]["outline"] == told
        drawn = [one["index"] for one in view["slices"] if one["outline"]]
        assert told["largest_slice"] in drawn
        assert "by tiny flair 0.0.1" in post("/v1/report", "files").text
        post("/v1/explain?view=figure")
        assert len(asked) == 4
        post("/v1/explain?view=heatmap")
        post("/v1/predict?slice=20")
        assert len(asked) == 4


def test_a_picture_comes_with_what_it_does_not_show(
    client: TestClient, volume: Volume, tmp_path: Path
) -> None:
    """Nothing in an overlay says of which slice it is, nor that the scan was refused."""
    files = {"file": volume_nifti(volume)}
    whole = client.post("/v1/predict", files=files).json()
    for query, index in (("", whole["suspicious"][0]), ("?slice=3", 3)):
        done = client.post(f"/v1/explain{query}", files=files)
        told = json.loads(done.headers[NAME])
        assert told["slice"] == index
        assert told["accepted"] is True
    told = json.loads(client.post("/v1/explain?target=glioma", files={"f": png()}).headers[NAME])
    assert (told["target"], told["slice"]) == ("glioma", None)
    wary = load_model(write_wary_model(tmp_path / "wary", refuses=True))
    with serving(wary) as refusing:
        told = json.loads(refusing.post("/v1/explain", files={"f": png()}).headers[NAME])
    assert told["accepted"] is False
