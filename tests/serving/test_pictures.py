import base64
import json
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.conftest import head
from tumorlens.errors import ConfigError
from tumorlens.model import Model
from tumorlens.prediction import Prediction, VolumePrediction, predict
from tumorlens.reporting.overlay import OPACITY, gray_picture, make_overlay
from tumorlens.scan import Scan, Volume
from tumorlens.serving.pictures import VIEWS, draw_explanation, draw_view


def _open(png: bytes) -> Image.Image:
    assert png.startswith(b"\x89PNG")
    return Image.open(BytesIO(png))


@pytest.mark.parametrize("view", VIEWS)
def test_views_are_pngs_of_the_scan(scan: Scan, model: Model, view: str) -> None:
    answer = predict(scan, model=model)
    picture = _open(draw_explanation(scan, answer, view=view, target=None)[0])
    rows, columns = scan.pixels.shape
    if view == "figure":
        assert picture.width > 3 * columns
    else:
        assert picture.size == (columns, rows)


def test_the_clear_heatmap_over_the_scan_is_the_overlay(scan: Scan, model: Model) -> None:
    answer = predict(scan, model=model)
    under, over, both = (
        np.asarray(_open(draw_explanation(scan, answer, view=view, target="glioma")[0]), np.float32)
        for view in ("scan", "heatmap", "overlay")
    )
    alpha = OPACITY * over[..., 3:] / 255
    blended = under * (1 - alpha) + over[..., :3] * alpha
    assert np.abs(blended - both).max() <= 2


def test_a_volume_shows_its_most_suspicious_slice(volume: Volume, model: Model) -> None:
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    first = answer.suspicious[0]
    wanted = make_overlay(volume.slice(first), answer.slice(first)).blend
    drawn, told = draw_explanation(volume, answer, view="overlay", target=None)
    shown = _open(drawn)
    assert told["slice"] == first
    np.testing.assert_array_equal(np.asarray(shown), wanted)


def test_an_unknown_class_is_refused(scan: Scan, model: Model) -> None:
    with pytest.raises(ConfigError):
        draw_explanation(scan, predict(scan, model=model), view="scan", target="gliom")


def test_the_page_gets_every_judged_slice(volume: Volume, model: Model) -> None:
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    view = json.loads(draw_view(volume, answer))
    assert view["answer"] == answer.to_json()
    assert [one["index"] for one in view["slices"]] == [one.index for one in answer.slices]
    for one in view["slices"]:
        assert one["aspect"] == 1
        for name in ("scan", "heatmap"):
            start, _, data = one[name].partition(",")
            assert start == "data:image/png;base64"
            _open(base64.b64decode(data)).verify()


def test_small_slices_are_exact_and_large_ones_small(model: Model) -> None:
    for side, kind in ((128, "png"), (200, "jpeg")):
        scan = Scan(head(side, side, blob=120.0), "a")
        view = json.loads(draw_view(scan, predict(scan, model=model)))
        start, _, data = view["slices"][0]["scan"].partition(",")
        assert start == f"data:image/{kind};base64"
        shown = np.asarray(Image.open(BytesIO(base64.b64decode(data))).convert("L"), int)
        difference = np.abs(shown - gray_picture(scan.pixels)[..., 0]).max()
        assert (difference == 0) == (kind == "png")
        assert difference < 60


def test_the_page_gets_a_scan_of_its_own_in_its_aspect(scan: Scan, model: Model) -> None:
    tall = Scan(scan.pixels, "a", (2.0, 1.0))
    view = json.loads(draw_view(tall, predict(tall, model=model)))
    assert [one["index"] for one in view["slices"]] == [None]
    assert view["slices"][0]["aspect"] == pytest.approx(80 / 192, abs=1e-4)


def test_the_outline_is_drawn_where_the_model_outlines(scan: Scan, model: Model) -> None:
    plain = predict(scan, model=model)
    assert isinstance(plain, Prediction)
    assert json.loads(draw_view(scan, plain))["slices"][0]["outline"] is None
    likely = np.zeros((64, 64), np.float32)
    likely[20:40, 20:40] = 1
    answer = replace(plain, tumor_probability=0.9, evidence=replace(plain.evidence, outline=likely))
    view = json.loads(draw_view(scan, answer))
    assert view["answer"]["outline"]["diameter_pixels"] > 0
    data = base64.b64decode(view["slices"][0]["outline"].partition(",")[2])
    alpha = np.asarray(_open(data))[..., 3]
    assert alpha.shape == scan.pixels.shape
    assert 10 < (alpha > 0).sum() < alpha.size / 4
