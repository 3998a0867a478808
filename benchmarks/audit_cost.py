"""How the cost of an audit grows with the number of pictures.

    python benchmarks/audit_cost.py ../shared/data --sizes 2500 5000 10000 20000

The pictures are those of the given folder, each once, in random order, then altered copies of
them. Each size is audited anew. Wall seconds are those of a machine that does nothing else.
``--write`` puts them into docs/audit.md.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from audit_ties import DOCS, all_at_once
from performance_page import table
from PIL import Image
from processor import cpu_name
from quoting import quote

from tumorlens.lab.audit import Watch, audit, write_audit
from tumorlens.overlapping import cores

STAGES = ("read", "search", "compare", "write")


def lay_out(pictures: list[Path], folder: Path, size: int, rng: np.random.Generator) -> None:
    """Links to the pictures, then altered copies."""
    for number in range(size):
        source = pictures[number % len(pictures)]
        target = folder / f"{number:06d}{source.suffix}"
        if number < len(pictures):
            target.symlink_to(source.resolve())
            continue
        with Image.open(source) as picture:
            all_at_once(picture.convert("L"), rng).save(target)


class Clock:
    """CPU and wall seconds of each stage, as the audit tells where it stands."""

    def __init__(self) -> None:
        self.began = self._now()
        self.seconds = dict.fromkeys(STAGES, (0.0, 0.0))

    def stage(self, name: str) -> None:
        """Count what has passed since the last call to a stage."""
        now = self._now()
        wall, used = self.seconds[name]
        self.seconds[name] = wall + now[0] - self.began[0], used + now[1] - self.began[1]
        self.began = now

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), time.process_time()


def measure(folder: Path, output: Path) -> Clock:
    clock = Clock()
    watch = Watch(
        on_read=lambda *_: clock.stage("read"),
        on_search=lambda *_: clock.stage("search"),
        on_compare=lambda *_: clock.stage("compare"),
    )
    found = audit([folder], watch=watch)
    clock.stage("compare")
    write_audit(found, output)
    clock.stage("write")
    return clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2500, 5000, 10_000, 20_000])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    pictures = sorted(p for p in options.data.rglob("*.jpg") if "not_brain" not in p.as_posix())
    pictures = [pictures[int(i)] for i in rng.permutation(len(pictures))]
    rows = []
    print("pictures  " + "  ".join(f"{stage:>16}" for stage in STAGES) + "   all: wall, CPU   MB")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "pictures"
            folder.mkdir()
            lay_out(pictures, folder, size, rng)
            clock = measure(folder, Path(place) / "audit")
        spent = [clock.seconds[stage] for stage in STAGES]
        total = [sum(each) for each in zip(*spent, strict=True)]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cells = "  ".join(f"{wall:7.0f} s {used:5.0f} s" for wall, used in spent)
        print(f"{size:8}  {cells}   {total[0]:.0f} s, {total[1]:.0f} s   {peak:.0f}", flush=True)
        walls = [f"{wall:.0f} s" for wall, _ in [*spent, total]]
        rows.append([f"{size:,}", *walls, f"{peak:.0f} MB"])
    if options.write:
        heads = ["pictures", *STAGES, "all", "peak memory"]
        text = (
            f"{cores()} cores ({cpu_name()}); real pictures first, then altered copies of them.\n"
        )
        quote(f"{text}\n{table(heads, rows)}", DOCS, name="cost")


if __name__ == "__main__":
    main()
