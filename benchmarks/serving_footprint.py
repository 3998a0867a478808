"""Measure what the web service takes: installed size, packed size, memory.

    python benchmarks/serving_footprint.py [--extra serve] [--output docs/serving-footprint.md]

Installs this folder with the extra into a fresh environment (as Heroku and the Dockerfile do),
packs it as Heroku packs a slug, starts the service and asks it a picture and a volume.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
SLUG_LIMIT_MB = 500


def install(folder: Path, extra: str) -> Path:
    """A fresh environment with the extra; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    constraint = ["--constraint", str(ROOT / "constraints.txt")]
    line = [python, "-m", "pip", "install", "--quiet", *constraint, f"{ROOT}[{extra}]"]
    subprocess.run(line, check=True)
    return python


def folder_mb(folder: Path) -> float:
    """MB of all files."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def packed_mb(folder: Path) -> float:
    """MB of the folder as a gzipped archive."""
    packing = subprocess.Popen(["tar", "-cz", "-C", folder, "."], stdout=subprocess.PIPE)
    assert packing.stdout is not None
    size = 0
    while chunk := packing.stdout.read(2**20):
        size += len(chunk)
    packing.wait()
    return size / 1e6


def resident_mb(process: int, field: str) -> float:
    """A field of the process's memory: VmRSS now, VmHWM at most."""
    text = Path(f"/proc/{process}/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def ask(address: str, scan: Path) -> None:
    """Send one scan and read the answer with its pictures."""
    request = urllib.request.Request(
        f"{address}/v1/view",
        data=scan.read_bytes(),
        headers={"Content-Type": "application/octet-stream"},
    )
    with urllib.request.urlopen(request, timeout=300) as response:
        response.read()


def serve_and_ask(python: Path, folder: Path, scans: list[Path]) -> list[tuple[str, float]]:
    """Memory of a service after its start and after each scan, and the most it had."""
    log = folder / "serve.log"
    line = [python, "-m", "tumorlens.cli", "serve", "--port", "0"]
    with log.open("w") as file:
        server = subprocess.Popen(line, stderr=file, env=os.environ | {"TMPDIR": str(folder)})
    try:
        while not (found := re.search(r"running on (http://\S+)", log.read_text())):
            if server.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.1)
        memory = [("ready", resident_mb(server.pid, "VmRSS"))]
        for scan in scans:
            ask(found[1], scan)
            memory.append((f"after {scan.name}", resident_mb(server.pid, "VmRSS")))
        memory.append(("at most", resident_mb(server.pid, "VmHWM")))
    finally:
        server.terminate()
        server.wait()
    return memory


def main() -> None:
    """Install, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--extra", default="serve")
    parser.add_argument("--output", type=Path)
    parser.add_argument(
        "--scans",
        type=Path,
        nargs="+",
        default=[ROOT / "examples/simulated_glioma_axial.png", ROOT / "examples/mni152_t1.nii.gz"],
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = install(folder / "environment", chosen.extra)
        packages = next((folder / "environment" / "lib").glob("python*/site-packages"))
        size, packed = folder_mb(packages), packed_mb(packages)
        memory = serve_and_ask(python, folder, chosen.scans)
    rows = "\n".join(f"| {when} | {megabytes:.0f} |" for when, megabytes in memory)
    text = f"""# What the web service takes

Written by `python benchmarks/serving_footprint.py --extra {chosen.extra}`
({platform.machine()}, Python {platform.python_version()}).

| | MB |
|---|---|
| packages, installed (pip included) | {size:.0f} |
| packages, packed as a Heroku slug (limit {SLUG_LIMIT_MB}) | {packed:.0f} |

| resident memory | MB |
|---|---|
{rows}
"""
    print(text)
    if chosen.output:
        chosen.output.write_text(text)


if __name__ == "__main__":
    main()
