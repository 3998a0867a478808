"""The surfaces as a browser draws them, in the Chromium that the system has."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.made_cases import made_head, save_case, write_volume_model
from tumorlens.reporting.cases import write_case_segments
from tumorlens.reporting.cases.page import SURFACES
from tumorlens.reporting.outline_inputs import find_inputs
from tumorlens.volume_outlining import load_volume_model

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
SOFTWARE = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium"),
    pytest.mark.timeout(600),
]


@contextmanager
def opened(tmp_path: Path, *, heads: int) -> Iterator[Any]:
    """The page of so many heads in a browser, which has nothing to complain of."""
    for number in range(heads):
        save_case(tmp_path / "cases" / str(number), made_head())
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    inputs = find_inputs([str(tmp_path / "cases")]).inputs
    list(write_case_segments(inputs, tmp_path / "out", model=model))
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=SOFTWARE)
        shown = browser.new_page()
        complaints: list[str] = []
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        shown.goto((tmp_path / "out" / "index.html").as_uri())
        yield shown
        browser.close()
    assert not complaints


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    with opened(tmp_path, heads=1) as shown:
        yield shown


def drawn(page: Any) -> np.ndarray:
    picture = Image.open(BytesIO(page.locator("canvas.surface").screenshot())).convert("RGB")
    return np.asarray(picture).astype(int)


def test_the_enhancing_tumor_shows_on_the_patients_left_and_turns(page: Any) -> None:
    first = drawn(page)
    enhancing = np.argwhere(first[..., 0] - first[..., 2] > 60)
    assert len(enhancing) > 100
    assert enhancing[:, 1].mean() > first.shape[1] / 2  # seen from the front
    box = page.locator("canvas.surface").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 240, steps=4)
    page.mouse.up()
    assert np.abs(drawn(page) - first).max() > 60


def test_a_browser_draws_all_surfaces_of_a_page_of_many_heads(tmp_path: Path) -> None:
    """Beyond some number of canvases browsers let the first ones go black."""
    lost = """() => [...document.querySelectorAll("canvas.surface")].map(
        (canvas) => canvas.getContext("webgl").isContextLost())"""
    with opened(tmp_path, heads=SURFACES + 1) as page:
        assert page.locator("article").count() == SURFACES + 1
        assert page.evaluate(lost) == [False] * SURFACES
