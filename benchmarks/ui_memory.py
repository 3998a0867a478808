"""Measure the memory of the Streamlit app while people use it: it must fit 1 GB.

    python benchmarks/ui_memory.py [--python ENVIRONMENT/bin/python] [--visitors 6] [--write]

Starts streamlit_app.py as Streamlit Community Cloud does, opens it in headless Chromium, and
prints the server's memory after each step and its peak so far; with --write the figures go into
docs/streamlit.md. Needs Playwright and Chromium.
"""

import argparse
import gzip
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from playwright.sync_api import sync_playwright
from quoting import quote

ROOT = Path(__file__).parents[1]
LIMIT_MB = 1000
SIDE = 256  # voxels along each axis of the largest volume that the cloud's limits allow
_WAIT_MS = 300_000


def memory(pid: int) -> tuple[float, float]:
    """Resident memory of a process and its peak, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    sizes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    return int(sizes["VmRSS"]) / 1024, int(sizes["VmHWM"]) / 1024


def largest_volume() -> bytes:
    """A made-up head of as many voxels as are allowed, as a NIfTI file."""
    along = np.linspace(-1, 1, SIDE, dtype=np.float32)
    x, y, z = np.meshgrid(along, along, along, indexing="ij", sparse=True)
    inside = (x / 0.7) ** 2 + (y / 0.85) ** 2 + (z / 0.8) ** 2 < 1
    texture = 400 + 100 * np.sin(9 * x) * np.cos(7 * y) * np.sin(5 * z + 1)
    made = nibabel.Nifti1Image(np.where(inside, texture, 0).astype(np.int16), np.eye(4))
    return gzip.compress(made.to_bytes(), 1)


def start(python: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """The app on a free port, once it answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [str(python), "-m", "streamlit", "run", "streamlit_app.py"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).read()
        except OSError:
            time.sleep(0.25)
        else:
            return server, url
    raise SystemExit("the app did not start")


def visit(browser: Any, url: str) -> Any:
    """A visitor's page, in a session of its own."""
    page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.set_default_timeout(_WAIT_MS)
    page.goto(url)
    page.get_by_role("heading", name="Scans").wait_for()
    return page


def give(page: Any, name: str, data: bytes) -> None:
    """Upload a file and wait for the picture."""
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    page.locator("input[type=file]").set_input_files([file])
    page.get_by_test_id("stImage").wait_for()
    page.get_by_role("button", name="Picture", exact=True).wait_for()


def crowd(count: int) -> str:
    """So many visitors, in words."""
    return "1 visitor" if count == 1 else f"{count} visitors at once"


def describe(rows: list[tuple[str, float, float]], python: Path, visitors: int) -> str:
    """The figures as Markdown."""
    program = "import platform, streamlit; print(platform.python_version(), streamlit.__version__)"
    line = [str(python), "-c", program]
    versions = subprocess.run(line, check=True, capture_output=True, text=True).stdout.split()
    steps = "\n".join(f"| {step} | {now:.0f} | {peak:.0f} |" for step, now, peak in rows)
    return f"""
`python benchmarks/ui_memory.py --visitors {visitors}` (Linux {platform.machine()}, Python
{versions[0]}, streamlit {versions[1]}, {len(os.sched_getaffinity(0))} cores):

| after | MB | peak MB, of {LIMIT_MB} |
|---|---|---|
{steps}
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--visitors", type=int, default=6)
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    chosen = parser.parse_args()
    rows: list[tuple[str, float, float]] = []
    examples = ROOT / "examples"
    volume = (examples / "mni152_t1.nii.gz").read_bytes()
    largest = largest_volume()
    server, url = start(chosen.python)

    def say(step: str) -> None:
        now, peak = memory(server.pid)
        print(f"{step:58} {now:6.0f} MB now {peak:6.0f} MB at most", flush=True)
        rows.append((step, now, peak))

    try:
        say("the start")
        with sync_playwright() as started:
            browser = started.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = visit(browser, url)
            say("the first visitor")
            give(page, "scan.png", (examples / "simulated_glioma_axial.png").read_bytes())
            say("a picture")
            page.context.close()
            page = visit(browser, url)
            give(page, "volume.nii.gz", volume)
            say("a volume of 63 slices of 78 x 66 pixels")
            page.context.close()
            for number in range(chosen.visitors):
                page = visit(browser, url)
                give(page, f"large-{number}.nii.gz", largest)
                say(f"{crowd(number + 1)}, each with a volume of {SIDE}³ voxels")
            browser.close()
        peak = memory(server.pid)[1]
    finally:
        server.terminate()
        server.wait(30)
    print(f"peak {peak:.0f} MB of {LIMIT_MB} MB")
    if chosen.write:
        text = describe(rows, chosen.python, chosen.visitors)
        quote(text, ROOT / "docs" / "streamlit.md", name="memory")
    if peak > LIMIT_MB:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
