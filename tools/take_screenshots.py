"""Take the screenshots that the README and the docs show: the page and the Streamlit app.

    python tools/take_screenshots.py [--output docs/images]

Starts `tumorlens serve` and `tumorlens ui` with the bundled model on free ports, lets headless
Chromium upload examples/ as a visitor would, and writes small PNG files in both themes. Needs the
extras [serve] and [ui], Playwright, and the Chromium of the system.
"""

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SCAN, VOLUME = EXAMPLES / "simulated_glioma_axial.png", EXAMPLES / "mni152_t1.nii.gz"
HEIGHTS = {"serve": 1240, "ui": 1180}
_WAIT_MS = 180_000


@contextmanager
def running(verb: str, health: str) -> Iterator[str]:
    """A `tumorlens` server on a free port; gives its address once it answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    line = [sys.executable, "-m", "tumorlens.cli", verb, "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(line, cwd=ROOT, stdout=log, stderr=log)
        try:
            _wait_for(address + health, process)
            yield address
        except BaseException:
            log.seek(0)
            sys.stderr.buffer.write(log.read())
            raise
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(480):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(address, timeout=5).read()
        except OSError:
            time.sleep(0.25)
        else:
            return
    raise SystemExit(f"nothing answers at {address}")


def show_page(page: Any, scan: Path) -> None:
    """Let the service's page answer a scan."""
    page.set_input_files("#files", scan)
    page.get_by_role("status").get_by_text("done.").wait_for()
    page.locator("article .scan").wait_for()


def show_app(page: Any, scan: Path) -> None:
    """Let the Streamlit app answer a scan."""
    page.locator("input[type=file]").set_input_files(scan)
    page.get_by_test_id("stImage").locator("img").wait_for()
    chart = page.get_by_test_id("stVegaLiteChart").locator("svg, canvas")
    chart.first.wait_for()
    page.get_by_role("button", name="Picture", exact=True).wait_for()
    page.wait_for_timeout(1500)  # charts are drawn and faded in


def keep(page: Any, path: Path) -> None:
    """Write what the window shows as a small PNG file."""
    with Image.open(BytesIO(page.screenshot())) as shot:
        shot.convert("RGB").save(path, optimize=True)


def main() -> None:
    """Start, upload, write, stop."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    chosen = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        raise SystemExit("no Chromium: apt-get install chromium")
    chosen.output.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, verb, health, show in SHOTS:
            with running(verb, health) as address:
                for theme, scan in (("light", SCAN), ("dark", VOLUME)):
                    size = {"width": 1040, "height": HEIGHTS[verb]}
                    context = browser.new_context(color_scheme=theme, viewport=size)
                    page = context.new_page()
                    page.set_default_timeout(_WAIT_MS)
                    page.goto(address)
                    show(page, scan)
                    keep(page, chosen.output / f"{name}-{theme}.png")
                    context.close()
        browser.close()


SHOTS = (
    ("page", "serve", "/health/ready", show_page),
    ("app", "ui", "/_stcore/health", show_app),
)
"""Begin of the pictures' names, the verb, where it says that it is there, and what to do there."""


if __name__ == "__main__":
    main()
