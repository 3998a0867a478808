"""The page as people use it, in the Chromium that the system has."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reading.made import dataset, dicom_bytes, picture
from tests.serving.conftest import Server, png, server, volume_nifti, write_wary_model
from tumorlens.notice import NOTICE
from tumorlens.scan import Volume

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
    raise RuntimeError("CI must have Chromium: the page's tests may not be skipped there")

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def open_page(browser: Any, url: str) -> Iterator[Open]:
    """Opens the page; whatever the browser complains of fails the test."""
    complaints: list[str] = []
    contexts = []

    def go(address: str = url, **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: _note(said, complaints))
        page.on("request", lambda asked: _check_origin(asked.url, address, complaints))
        page.goto(address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not complaints


def _note(said: Any, complaints: list[str]) -> None:
    # A refused scan is an answer with a status of its own, which browsers report as an error.
    if said.type in {"error", "warning"} and "status of 4" not in said.text:
        complaints.append(said.text)


def _check_origin(asked: str, address: str, complaints: list[str]) -> None:
    if not asked.startswith((address, "data:", "blob:")):
        complaints.append(f"asked for {asked}")


def _file(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def _send(page: Any, *files: dict[str, Any]) -> Any:
    page.set_input_files("#files", list(files))
    page.get_by_role("status").get_by_text("done.").wait_for()
    return page.locator("article")


def _drop(page: Any, path: Path) -> None:
    """Drag a file or folder of this machine onto the page."""
    devices = page.context.new_cdp_session(page)
    dragged = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        where = {"type": kind, "x": 300, "y": 250, "data": dragged}
        devices.send("Input.dispatchDragEvent", where)
    page.get_by_role("status").get_by_text("done.").wait_for()


def _keep(page: Any, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"page-{name}.png", full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_scan_is_answered_and_overlaid(open_page: Open, theme: str) -> None:
    page = open_page(color_scheme=theme)
    entry = _send(page, _file("scan.png", png()))
    assert entry.count() == 1
    assert entry.locator(".source").inner_text() == "scan.png"
    assert "%" in entry.locator(".answer").inner_text()
    assert entry.get_by_role("progressbar").count() == 4
    assert entry.locator(".bar.best").count() == 1
    heatmap = entry.locator(".heatmap")
    assert heatmap.evaluate("one => one.complete && one.naturalWidth > 0")
    assert entry.locator(".scan").evaluate("one => one.naturalWidth / one.naturalHeight") == 80 / 96
    slider = entry.locator(".opacity")
    assert heatmap.evaluate("one => one.style.opacity") == "0.7"
    slider.focus()
    page.keyboard.press("Home")
    assert heatmap.evaluate("one => one.style.opacity") == "0"
    page.keyboard.press("End")
    assert heatmap.evaluate("one => getComputedStyle(one).opacity") == "1"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 200) == (theme == "dark")
    _keep(page, f"scan-{theme}")


def test_a_volume_has_a_slider_for_its_slices(open_page: Open, volume: Volume) -> None:
    page = open_page(color_scheme="dark")
    entry = _send(page, _file("volume.nii", volume_nifti(volume)))
    slider, scan = entry.locator(".slice"), entry.locator(".scan")
    shown = entry.locator(".where")
    buttons = entry.locator(".suspicious button")
    assert shown.inner_text() == buttons.first.inner_text()
    slider.focus()
    page.keyboard.press("Home")
    first = scan.get_attribute("src")
    assert shown.inner_text() == "2"
    page.keyboard.press("ArrowRight")
    assert shown.inner_text() == "3"
    assert "This slice" in entry.locator(".this-slice").inner_text()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert scan.get_attribute("src") != first
    buttons.nth(1).click()
    assert shown.inner_text() == buttons.nth(1).inner_text()
    assert "slice" in slider.get_attribute("aria-valuetext")
    _keep(page, "volume-dark")


def test_many_scans_some_refused(open_page: Open) -> None:
    page = open_page()
    files = [_file(f"{n}.png", png(10.0 * n)) for n in range(3)]
    entries = _send(page, *files, _file("notes.txt", b"no scan"), _file("cut.png", png()[:200]))
    assert entries.locator(".source").all_inner_texts() == [
        "0.png", "1.png", "2.png", "notes.txt", "cut.png",
    ]  # fmt: skip
    refused = page.locator("article.refused")
    assert refused.count() == 2
    assert "a text file" in refused.first.inner_text()
    assert "What to do" in refused.last.inner_text()
    _keep(page, "many-light")
    page.get_by_role("button", name="Clear").click()
    assert entries.count() == 0
    assert not page.get_by_role("button", name="Download report").is_visible()


def test_scans_can_be_dropped_anywhere(open_page: Open) -> None:
    page = open_page()
    transfer = page.evaluate_handle(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png"));
            return transfer;
        }""",
        list(png()),
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": transfer})
    assert page.locator("#drop.over").count() == 1
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    page.get_by_text("1 done.").wait_for()
    assert page.locator("article .source").inner_text() == "dropped.png"
    assert page.locator("#drop.over").count() == 0


def test_the_report_is_downloaded(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    _send(page, _file("scan.png", png()), _file("notes.txt", b"no scan"))
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download report").click()
    waiting.value.save_as(tmp_path / "report.html")
    assert waiting.value.suggested_filename == "tumorlens-report.html"
    assert "1 answered, 1 refused" in (tmp_path / "report.html").read_text()


def test_the_keyboard_is_enough(open_page: Open) -> None:
    page = open_page()
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert reached[0] == "files"
    assert "SUMMARY" in reached
    with page.expect_file_chooser() as chooser:
        page.locator("#files").focus()
        page.keyboard.press("Enter")
    chooser.value.set_files([_file("scan.png", png())])
    page.get_by_text("1 done.").wait_for()


def test_a_phone_shows_it_without_scrolling_sideways(open_page: Open, volume: Volume) -> None:
    page = open_page(viewport={"width": 360, "height": 740}, device_scale_factor=2, has_touch=True)
    _send(page, _file("a-very-long-name-" * 6 + ".nii", volume_nifti(volume)))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    notice = page.get_by_text(NOTICE).first
    box = notice.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 740
    _keep(page, "phone-light")


def test_the_card_is_shown(open_page: Open) -> None:
    page = open_page()
    page.get_by_text("The model", exact=True).click()
    page.get_by_text("tiny 0.0.1").wait_for()
    assert page.get_by_text("Only a test: its answers mean nothing.").is_visible()


@pytest.fixture(scope="module")
def locked(model_folder: Path) -> Iterator[Server]:
    with server(model_folder, TUMORLENS_API_KEY="open-sesame") as running:
        yield running


def test_a_key_is_asked_for_where_one_is_wanted(open_page: Open, locked: Server) -> None:
    page = open_page(locked.url)
    refused = _send(page, _file("scan.png", png()))
    assert "API key" in refused.inner_text()
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("API key").fill("open-sesame")
    assert "%" in _send(page, _file("scan.png", png())).locator(".answer").inner_text()


@pytest.mark.parametrize("refuses", [True, False])
def test_doubts_are_shown(open_page: Open, tmp_path: Path, refuses: bool) -> None:
    """What the gate refuses has its reason; what cannot be excluded is named, with advice."""
    folder = write_wary_model(tmp_path / "model", refuses=refuses)
    with server(folder) as running:
        page = open_page(running.url)
        entry = _send(page, _file("scan.png", png()))
        text = entry.inner_text()
        if refuses:
            assert "Refused" in entry.locator(".answer").inner_text()
            assert "does not look like a brain MRI" in text
            assert "Cannot be excluded" not in text
        else:
            assert "glioma, " in entry.locator(".judged").inner_text()
            assert "refer to a radiologist" in text
        assert entry.get_by_role("progressbar").count() == 4
        _keep(page, "refused-light" if refuses else "unsure-light")


def test_a_folder_that_is_dropped_is_told_from_a_service_that_is_gone(
    open_page: Open, tmp_path: Path
) -> None:
    """As a DICOM series comes from a disc: the page said that the service does not run."""
    (tmp_path / "a.png").write_bytes(png())
    page = open_page()
    _drop(page, tmp_path)
    told = page.locator("article").inner_text()
    assert "a folder" in told
    assert "zip" in told


def test_what_cannot_be_sent_does_not_cost_the_report_of_the_others(
    open_page: Open, tmp_path: Path
) -> None:
    page = open_page()
    _drop(page, tmp_path)
    page.get_by_role("button", name="Download report").click()
    page.get_by_text("No report").wait_for()
    _send(page, _file("scan.png", png()))
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download report").click()
    waiting.value.save_as(tmp_path / "report.html")
    assert "1 answered" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("key", "found"), [("", "none"), ("wrong", "another one"), ("\u20ac", "others in it")]
)
def test_a_key_that_does_not_fit_is_told_in_the_page_s_words(
    open_page: Open, model_folder: Path, key: str, found: str
) -> None:
    with server(model_folder, TUMORLENS_API_KEY="right") as running:
        page = open_page(running.url)
        page.fill("#key", key)
        told = _send(page, _file("scan.png", png())).inner_text()
    assert found in told
    assert "X-API-Key" not in told
    assert "no connection" not in told


def test_several_dicom_files_are_said_to_be_no_volume(open_page: Open) -> None:
    """Who drops the files of a series gets an answer for each slice, and is told how to get one."""
    page = open_page()
    hint = page.get_by_text("slices of one series")
    slices = [_file(f"{n}.dcm", dicom_bytes(dataset(picture()))) for n in range(2)]
    _send(page, slices[0], _file("scan.png", png()))
    assert not hint.is_visible()
    _send(page, slices[1])
    hint.wait_for()
    page.get_by_role("button", name="Clear").click()
    assert not hint.is_visible()


def test_measures_of_a_volume_say_of_which_slice_they_are(
    open_page: Open, outlining_folder: Path, volume: Volume
) -> None:
    """Else "part of the head" reads as a part of the whole head."""
    with server(outlining_folder) as running:
        page = open_page(running.url)
        told = _send(page, _file("v.nii", volume_nifti(volume))).locator(".judged").inner_text()
        page.get_by_role("button", name="Clear").click()
        alone = _send(page, _file("scan.png", png())).locator(".judged").inner_text()
    assert re.search(r"% *, in slice \d+", told)
    assert re.search(r"(mm|pixels) *, in slice \d+", told)
    assert "Volume" in told
    assert "Part of the head" in alone
    assert "in slice" not in alone


def test_the_card_that_needs_a_key_says_so(open_page: Open, locked: Server) -> None:
    """It said "none", which is what was found."""
    page = open_page(locked.url)
    page.get_by_text("The model").click()
    page.locator("#card").get_by_text("the API key of this service").wait_for()
