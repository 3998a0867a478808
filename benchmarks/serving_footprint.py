"""Measure what the web service and the app take: installed size, Heroku slug, memory.

    python benchmarks/serving_footprint.py [--extras serve ui] [--volume F] [--at-once N] [--write]

Installs this folder with each extra into a fresh environment, as Heroku, Streamlit Community Cloud
and the Dockerfile do, and packs what a Heroku slug holds: packages, Python itself and the files
that git tracks. Then starts the service, with the environment's settings, and asks it a picture, a
volume, and many volumes at once. A large FLAIR volume with a tumor takes the most, since a second
model outlines it. With --write the figures go into docs/serving.md.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from quoting import quote

ROOT = Path(__file__).parents[1]
SLUG_LIMIT_MB = 500
SERVICE = "serve"
_BOUNDARY = "tumorlens-footprint"
SCANS = ("simulated_glioma_axial.png", "mni152_t1.nii.gz")


def install(folder: Path, extra: str) -> Path:
    """A fresh environment with the extra; returns its packages."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    line = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    line += ["--constraint", str(ROOT / "constraints.txt"), f"{ROOT}[{extra}]"]
    subprocess.run(line, check=True)
    return next((folder / "lib").glob("python*/site-packages"))


def folder_mb(folder: Path) -> float:
    """MB of all files."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def slug_mb(packages: Path) -> float:
    """MB of what a Heroku slug holds, gzipped: packages, Python, the files that git tracks."""
    library = sysconfig.get_path("stdlib")
    parts = (
        ["-C", str(packages), "."],
        ["--exclude=./site-packages", "--exclude=__pycache__", "-C", library, "."],
        ["-C", str(Path(sys.executable).resolve().parent), Path(sys.executable).resolve().name],
        ["-C", str(ROOT), *_tracked()],
    )
    return sum(map(packed_mb, parts))


def _tracked() -> list[str]:
    line = ["git", "ls-files"]
    return subprocess.run(
        line, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()


def packed_mb(files: list[str]) -> float:
    """MB of a gzipped archive of files, as tar names them."""
    packing = subprocess.Popen(["tar", "-cz", *files], stdout=subprocess.PIPE)
    assert packing.stdout is not None
    size = 0
    while chunk := packing.stdout.read(2**20):
        size += len(chunk)
    if packing.wait():
        raise SystemExit("tar failed")
    return size / 1e6


def resident_mb(process: int, field: str) -> float:
    """A field of the process's memory: VmRSS now, VmHWM at most."""
    text = Path(f"/proc/{process}/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def ask(address: str, scan: Path) -> int:
    """Send one scan and read the answer with its pictures; the status."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{scan.name}"'
    body = f"{head}\r\n\r\n".encode() + scan.read_bytes() + f"\r\n--{_BOUNDARY}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    request = urllib.request.Request(f"{address}/v1/view", data=body, headers=kind)
    try:
        with urllib.request.urlopen(request, timeout=600) as response:
            response.read()
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def serve_and_ask(
    python: Path, folder: Path, *, at_once: int, volume: Path
) -> list[tuple[str, float]]:
    """Memory of a service after its start and after each scan, and the most it had."""
    log = folder / "serve.log"
    line = [python, "-m", "tumorlens.cli", "serve", "--port", "0"]
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    with log.open("w") as file:
        server = subprocess.Popen(line, stderr=file, env=environment | {"TMPDIR": str(folder)})
    try:
        while not (found := re.search(r"running on (http://\S+)", log.read_text())):
            if server.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.1)
        memory = [("ready", resident_mb(server.pid, "VmRSS"))]
        for name in SCANS:
            ask(found[1], ROOT / "examples" / name)
            memory.append((f"after {name}", resident_mb(server.pid, "VmRSS")))
        memory.append(("at most so far", resident_mb(server.pid, "VmHWM")))
        with ThreadPoolExecutor(at_once) as asking:
            statuses = list(asking.map(partial(ask, found[1]), [volume] * at_once))
        sent = f"{volume.name} {at_once} times at once ({statuses.count(200)} answered)"
        memory.append((f"at most, with {sent}", resident_mb(server.pid, "VmHWM")))
    finally:
        server.terminate()
        server.wait()
    return memory


def describe(
    sizes: dict[str, tuple[float, float]], memory: list[tuple[str, float]], command: str
) -> str:
    """The figures as Markdown."""
    packages = "\n".join(f"| `[{extra}]` | {a:.0f} | {b:.0f} |" for extra, (a, b) in sizes.items())
    resident = "\n".join(f"| {when} | {megabytes:.0f} |" for when, megabytes in memory)
    return f"""
`{command}` ({platform.machine()}, Python {platform.python_version()}).

| extra | packages, installed, MB | Heroku slug, MB (at most {SLUG_LIMIT_MB}) |
|---|---|---|
{packages}

| the service's resident memory | MB |
|---|---|
{resident}
"""


def main() -> None:
    """Install, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--extras", nargs="+", default=[SERVICE, "ui"])
    parser.add_argument("--at-once", type=int, default=10, help="volumes sent together")
    parser.add_argument("--volume", type=Path, default=ROOT / "examples" / SCANS[-1])
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    chosen = parser.parse_args()
    sizes: dict[str, tuple[float, float]] = {}
    memory: list[tuple[str, float]] = []
    for extra in chosen.extras:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            packages = install(folder / "environment", extra)
            sizes[extra] = folder_mb(packages), slug_mb(packages)
            if extra == SERVICE:
                python = folder / "environment" / "bin" / "python"
                memory = serve_and_ask(python, folder, at_once=chosen.at_once, volume=chosen.volume)
    command = f"python benchmarks/serving_footprint.py --extras {' '.join(chosen.extras)}"
    command += f" --at-once {chosen.at_once} --volume {chosen.volume.name}"
    text = describe(sizes, memory, command)
    print(text)
    if chosen.write:
        quote(text, ROOT / "docs" / "serving.md", name="footprint")
    if any(slug > SLUG_LIMIT_MB for _, slug in sizes.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
