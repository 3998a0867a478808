"""Measure what a user waits for and pays: start-up, memory, installed size.

    python benchmarks/cold_start.py [--runs 10] [--runtime .venv-runtime] [--scan FILE]

Each run is a process of its own: `tumorlens predict SCAN --output ...`, overlay and report
included, in the environment that `make demo` makes. Writes docs/performance.md.
"""

import argparse
import os
import platform
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def measure(command: list[str], runs: int) -> tuple[list[float], float]:
    """Wall seconds of each run (after one that is not counted), and peak memory in MB."""
    seconds = []
    for run in range(runs + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        if run:
            seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return seconds, peak


def installed_size(environment: Path) -> float:
    """MB of an environment's packages, pip and setuptools left out."""
    packages = next((environment / "lib").glob("python*/site-packages"))
    files = (path for path in packages.rglob("*") if path.is_file() and not path.is_symlink())
    left_out = ("pip", "setuptools", "_distutils_hack", "pkg_resources")
    return (
        sum(
            path.stat().st_size
            for path in files
            if not path.relative_to(packages).parts[0].startswith(left_out)
        )
        / 1e6
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--runtime", type=Path, default=ROOT / ".venv-runtime")
    parser.add_argument("--scan", type=Path, default=ROOT / "examples/simulated_glioma_axial.png")
    chosen = parser.parse_args()
    program = str(chosen.runtime / "bin" / "tumorlens")
    if not Path(program).exists():
        raise SystemExit(f"no {program}: run `make demo` first")
    with tempfile.TemporaryDirectory() as folder:
        plain, plain_peak = measure([program, "predict", str(chosen.scan)], chosen.runs)
        full, full_peak = measure(
            [program, "predict", str(chosen.scan), "--output", f"{folder}/report"], chosen.runs
        )
    size = installed_size(chosen.runtime)
    rows = [
        ("answer as a table", plain, plain_peak),
        ("answer, heatmap and report", full, full_peak),
    ]
    text = [
        "# Performance",
        "",
        "Written by `python benchmarks/cold_start.py` (`make bench`): one scan, each run a new",
        f"process, {chosen.runs} runs on {os.cpu_count()} cores ({platform.machine()}, Python "
        f"{platform.python_version()}).",
        "",
        "| `tumorlens predict scan` | median s | min s | max s | peak MB so far |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | "
            f"{max(seconds):.2f} | {peak:.0f} |"
            for name, seconds, peak in rows
        ),
        "",
        f"Installed packages of the runtime: {size:.0f} MB.",
        "",
    ]
    (ROOT / "docs" / "performance.md").write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
