"""The report as a browser lays it out, in the Chromium that the system has."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import tumorlens
from tests.conftest import head
from tumorlens.model import Model
from tumorlens.prediction import predict
from tumorlens.scan import Scan

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium"),
    pytest.mark.timeout(600),
]


@pytest.mark.parametrize("width", [400, 1200])
def test_a_strip_of_pixels_fits_on_a_screen_and_a_head_fills_its_column(
    model: Model, tmp_path: Path, width: int
) -> None:
    strip = Scan(np.tile(head(240, 4), (4, 1)), "strip.png")
    scans = [strip, Scan(head(96, 80), "head.png")]
    results = [(scan, predict(scan, model=model)) for scan in scans]
    page = tumorlens.write_report(results, tmp_path, card=model.card)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": width, "height": 900})
        shown.goto(page.as_uri())
        shown.add_style_tag(content=".entry { content-visibility: visible }")
        boxes = [image.bounding_box() for image in shown.locator(".panels img").all()]
        column = shown.locator("#input-2 .panels > div").first.bounding_box()["width"]
        browser.close()
    assert max(box["height"] for box in boxes) < 700
    for box in boxes[:3]:
        assert box["height"] / box["width"] == pytest.approx(240, rel=0.02)
    assert boxes[3]["width"] == pytest.approx(column, abs=1)
    assert boxes[3]["height"] / boxes[3]["width"] == pytest.approx(96 / 80, rel=0.01)
