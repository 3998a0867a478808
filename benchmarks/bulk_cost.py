"""Estimate what a million scans cost with `tumorlens predict --engine ray`, from measured runs.

    python benchmarks/bulk_cost.py [--scans DIR] [--small 1000] [--large 9000] [--repeats 3]
        [--price 0.04] [--write]

Answers folders of two sizes (links to the same scans under new names) on all cores of this
machine, each in a new process and a new output folder. The slope between the two is what one more
scan takes, the rest is the start. The cost is the slope in core-seconds times `--price`, money
for one core and hour, which is an assumption: put in what you pay. Files come from the page
cache; fetching them from far storage comes on top. `--write` puts the figures into docs/bulk.md.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from processor import becomes_idle, cpu_name
from quoting import quote

from tumorlens.bulk.chunks import cut
from tumorlens.card import read_card
from tumorlens.model import DEFAULT_FOLDER
from tumorlens.overlapping import cores
from tumorlens.reading import find_sources

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data" / "cheng" / "images"
MILLION = 1_000_000


@dataclass(frozen=True)
class Pair:
    """Wall seconds of one run of each size."""

    small: float
    large: float


def fill(folder: Path, scans: list[Path], count: int) -> None:
    """Link scans into a folder, as often as needed, a thousand a subfolder."""
    for number, scan in enumerate(islice(cycle(scans), count)):
        place = folder / f"{number // 1000:04d}"
        place.mkdir(parents=True, exist_ok=True)
        os.link(scan, place / f"{number:07d}{scan.suffix}")


def answer(archive: Path, output: Path) -> float:
    """Wall seconds of the command."""
    words = ["predict", str(archive), "--engine", "ray", "--output", str(output)]
    line = [sys.executable, "-m", "tumorlens.cli", *words]
    began = time.perf_counter()
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return time.perf_counter() - began


def listing(archive: Path, count: int) -> tuple[float, float]:
    """Seconds and bytes for each file that the first step lists, which is kept in memory."""
    began = time.perf_counter()
    find_sources(archive)
    seconds = time.perf_counter() - began
    tracemalloc.start()
    chunks = [chunk.to_json() for chunk in cut(find_sources(archive).sources, workers=1)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert chunks
    return seconds / count, peak / count


def spread(values: list[float], form: str) -> str:
    """The median with the smallest and the largest."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def describe(pairs: list[Pair], sizes: dict[str, float], chosen: argparse.Namespace) -> str:
    """The figures as Markdown."""
    more = chosen.large - chosen.small
    slopes = [(pair.large - pair.small) / more for pair in pairs]
    starts = [pair.small - slope * chosen.small for pair, slope in zip(pairs, slopes, strict=True)]
    if min(slopes) <= 0:
        raise SystemExit("a larger folder took no longer: the machine does something else too")
    hours = [slope * cores() * MILLION / 3600 for slope in slopes]
    costs = [one * chosen.price for one in hours]
    card = read_card(DEFAULT_FOLDER)
    busy = " The machine did other work meanwhile: measure again." if chosen.busy else ""
    return f"""
`tumorlens predict --engine ray` on {chosen.small:,} and on {chosen.large:,} pictures of
{sizes["file"] / 1000:.0f} kB from the page cache, {chosen.repeats} times each, {cores()} cores
({cpu_name()}, Python {platform.python_version()}), model {card.name} {card.version}
({card.network}, {card.preparation.size} pixels); median, smallest and largest.{busy}

| | |
|---|---|
| one more scan, all cores at work | {spread([1000 * one for one in slopes], ".2f")} ms |
| start and end of a run | {spread(starts, ".1f")} s |
| core-hours for a million scans | {spread(hours, ".1f")} |
| cost of a million at {chosen.price} a core-hour (an assumption) | {spread(costs, ".2f")} |
| Parquet for a million | {sizes["parquet"] * MILLION / 1e6:,.0f} MB |
| listing a million files, before the first answer | {sizes["seconds"] * MILLION:,.0f} s |
| memory for the list, on the machine that gives the command | \
{sizes["bytes"] * MILLION / 1e6:,.0f} MB |
"""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scans", type=Path, default=SHARED if SHARED.is_dir() else None)
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--large", type=int, default=9000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--price", type=float, default=0.04, help="money for a core and hour")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/bulk.md")
    chosen = parser.parse_args()
    chosen.busy = not becomes_idle()
    if chosen.scans is None:
        raise SystemExit("give --scans, a folder of scans")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        originals = folder / "originals"
        originals.mkdir()
        scans = [
            Path(shutil.copy(source.files[0], originals / f"{number}{source.files[0].suffix}"))
            for number, source in enumerate(find_sources(chosen.scans).sources)
            if len(source.files) == 1
        ]
        for size in ("small", "large"):
            fill(folder / size, scans, getattr(chosen, size))
        pairs = []
        for turn in range(chosen.repeats):
            small, large = (
                answer(folder / size, folder / f"{size}-{turn}") for size in ("small", "large")
            )
            pairs.append(Pair(small, large))
            print(f"turn {turn + 1}: {small:.0f} s, {large:.0f} s", file=sys.stderr, flush=True)
        parts = (folder / "large-0").rglob("*.parquet")
        files = statistics.mean(scan.stat().st_size for scan in scans)
        written = sum(part.stat().st_size for part in parts)
        seconds, bytes_ = listing(folder / "large", chosen.large)
    sizes = {"parquet": written / chosen.large, "seconds": seconds, "bytes": bytes_, "file": files}
    text = describe(pairs, sizes, chosen)
    print(text)
    if chosen.write:
        quote(text, ROOT / "docs" / "bulk.md", name="cost")


if __name__ == "__main__":
    main()
