"""The Streamlit app as people use it, in the Chromium that the system has."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_ui import free_port, wait_for
from tests.ui.made import nifti, png
from tumorlens.notice import NOTICE
from tumorlens.scan import Volume

pytest.importorskip("websockets", reason="the extra [ui] is not installed")

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
SHOTS = Path(__file__).parents[2] / "report" / "screenshots"
"""Screenshots of every run are kept here, for eyes; git ignores them."""

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium"),
    pytest.mark.timeout(600),
]
if not CHROMIUM and os.environ.get("CI"):
    raise RuntimeError("CI must have Chromium: the app's tests may not be skipped there")

_LONG = 60_000  # milliseconds; a machine that is busy with something else is slow


@pytest.fixture(scope="module")
def url(outlining_folder: Path) -> Iterator[str]:
    """The address of an app of the tiny model that outlines."""
    pytest.importorskip("streamlit", reason="the extra [ui] is not installed")
    port = free_port()
    command = [sys.executable, "-m", "tumorlens.cli", "ui", "--port", str(port)]
    started = subprocess.Popen([*command, "--model", str(outlining_folder)])
    wait_for(f"http://127.0.0.1:{port}/_stcore/health", started)
    yield f"http://127.0.0.1:{port}"
    started.terminate()
    assert started.wait(30) == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_scans_are_answered_and_walked_through(
    browser: Any, url: str, volume: Volume, scheme: str
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 1200})
    page = context.new_page()
    page.set_default_timeout(_LONG)
    asked: list[str] = []
    broken: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(url)
    page.get_by_role("heading", name="Scans").wait_for()
    notice = page.get_by_role("note")
    assert notice.inner_text() == NOTICE

    page.locator("input[type=file]").set_input_files(
        [_file("scan.png", png()), _file("bad.jpg", b"no scan"), _file("v.nii", nifti(volume))]
    )
    page.get_by_role("combobox", name=re.compile("Scan to look at")).wait_for()
    first = _loaded_picture(page)
    page.locator(
        "[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas"
    ).wait_for()
    page.get_by_text("Opacity of the heatmap").wait_for()

    _press(page, "Opacity of the heatmap", "Home")
    assert _other_picture(page, first)

    _choose_scan(page, "bad.jpg")
    page.get_by_text("Found a text file").wait_for()
    page.screenshot(path=_shot(f"streamlit-{scheme}-refused"))

    _choose_scan(page, "v.nii")
    page.get_by_text("Most suspicious").wait_for()
    page.get_by_text(re.compile("all but the volume in slice")).wait_for()
    shown = _loaded_picture(page)
    page.wait_for_timeout(1500)
    page.screenshot(path=_shot(f"streamlit-{scheme}-volume"))
    _press(page, "Slice", "Home")
    page.get_by_text("Slice 0: not judged").wait_for()
    assert _other_picture(page, shown)

    assert notice.is_visible()
    assert not broken
    assert [one for one in asked if not one.startswith((url, "data:", "blob:"))] == []
    context.close()


def test_the_report_is_downloaded_on_a_phone(browser: Any, url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(_LONG)
    page.goto(url)
    page.locator("input[type=file]").set_input_files([_file("scan.png", png())])
    button = page.get_by_role("button", name="Report")
    button.wait_for()
    _loaded_picture(page)
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    with page.expect_download() as download:
        button.click()
    path = download.value.path()
    assert download.value.suggested_filename == "scan-report.html"
    assert NOTICE in Path(path).read_text()
    assert wide <= 0
    assert page.get_by_role("note").is_visible()
    page.screenshot(path=_shot("streamlit-phone"))
    context.close()


def test_another_site_cannot_take_part(url: str) -> None:
    """Nobody's page in another tab may talk to the app: it could open folders."""
    address = url.replace("http", "ws") + "/_stcore/stream"
    with connect(address, origin=Origin(url)):
        pass
    with pytest.raises(InvalidStatus, match="403"):
        connect(address, origin=Origin("http://evil.example"))


def _file(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def _loaded_picture(page: Any) -> str:
    """The address of the picture, once the browser has it."""
    page.wait_for_function(
        "() => { const i = document.querySelector('[data-testid=stImage] img');"
        " return i && i.complete && i.naturalWidth > 0 }"
    )
    return str(page.locator("[data-testid=stImage] img").first.get_attribute("src"))


def _other_picture(page: Any, before: str) -> bool:
    """Wait until another picture is shown."""
    page.wait_for_function(
        "before => { const i = document.querySelector('[data-testid=stImage] img');"
        " return i && i.complete && i.getAttribute('src') !== before }",
        arg=before,
    )
    return True


def _press(page: Any, label: str, key: str) -> None:
    """Press a key on a slider."""
    slider = page.get_by_test_id("stSlider").filter(has=page.get_by_text(label, exact=True))
    slider.get_by_role("slider").press(key)


def _choose_scan(page: Any, name: str) -> None:
    page.get_by_role("combobox", name=re.compile("Scan to look at")).click()
    page.get_by_role("option", name=name).click()


def _shot(name: str) -> str:
    SHOTS.mkdir(parents=True, exist_ok=True)
    return str(SHOTS / f"{name}.png")
