"""How time and memory grow: with the number of pictures, batch, picture size and volume size.

    python benchmarks/growth.py [--short]

Every point is a process of its own, so that its peak memory is its own. Scans are made up here:
copies of one head, changed a little each, so that any number of them costs no download. Beside
each curve stands its exponent, the slope of log time against log size: 1 is a time that grows as
its input does, and whatever is above 1.15 is named. Writes its part of docs/performance.md.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from peak_memory import own_peak_mb
from performance_page import table, write_part
from PIL import Image

from tumorlens.model import DEFAULT_FOLDER, load_model
from tumorlens.overlapping import cores
from tumorlens.prediction import VolumePrediction, predict, predict_slices
from tumorlens.reading import find_sources, read_scan
from tumorlens.reporting.report import write_report
from tumorlens.reporting.results import answer_all
from tumorlens.scan import Scan, Volume

HEAD = Path(__file__).parents[1] / "examples" / "simulated_glioma_axial.png"
FASTER_THAN_INPUT = 1.15
"""Exponents above this are named; below, noise and fixed costs are larger than the difference."""


def head(side: int, seed: int) -> np.ndarray:
    """uint8, (side, side): one head, a little brighter or darker and shifted."""
    rng = np.random.default_rng(seed)
    with Image.open(HEAD) as picture:
        pixels = np.asarray(picture.convert("L").resize((side, side)), np.float32)
    moved = np.roll(pixels, rng.integers(-3, 4, 2), (0, 1)) * rng.uniform(0.8, 1.1)
    return np.clip(moved + rng.normal(0, 2, moved.shape), 0, 255).astype(np.uint8)


def lay_out(folder: Path, count: int, side: int = 256, different: int = 200) -> list[Path]:
    """``count`` JPEGs: a few hundred different ones, and hard links to them."""
    paths = []
    for number in range(count):
        path = folder / f"{number:06d}.jpg"
        if number < different:
            Image.fromarray(head(side, number)).save(path, quality=90)
        else:
            os.link(folder / f"{number % different:06d}.jpg", path)
        paths.append(path)
    return paths


def answer_folder(count: int) -> float:
    """Seconds to find, read and answer a folder of pictures."""
    with tempfile.TemporaryDirectory() as place:
        lay_out(Path(place), count)
        model = load_model(threads=1)
        began = time.perf_counter()
        for _ in answer_all(find_sources(place).sources, model=model):
            pass
        return time.perf_counter() - began


def report_folder(count: int) -> float:
    """The same with heatmaps, overlays and the page."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "scans").mkdir()
        lay_out(Path(place) / "scans", count)
        model = load_model(threads=1)
        began = time.perf_counter()
        results = answer_all(find_sources(Path(place) / "scans").sources, model=model)
        write_report(results, Path(place) / "report", card=model.card)
        return time.perf_counter() - began


def find_folder(count: int) -> float:
    """Seconds to list a folder."""
    with tempfile.TemporaryDirectory() as place:
        lay_out(Path(place), count)
        began = time.perf_counter()
        find_sources(place)
        return time.perf_counter() - began


def batch(count: int) -> float:
    """Seconds of one pass of the graph."""
    model = load_model()
    size = model.card.preparation.size
    pictures = np.random.default_rng(0).random((count, 1, size, size), np.float32)
    return _best(lambda: model.run(pictures))


def picture(side: int) -> float:
    """Seconds from a file of side x side pixels to its answer."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "head.png"
        Image.fromarray(head(side, 0)).save(path)
        model = load_model()
        return _best(lambda: predict(read_scan(path), model=model))


def slices(count: int) -> float:
    """Seconds of a volume of count slices of 256 x 256."""
    voxels = np.stack([head(256, number).astype(np.float32) for number in range(count)])
    volume = Volume(voxels, "made", (1.0, 1.0, 1.0))
    model = load_model(threads=1)
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    return _best(lambda: predict(volume, model=model), times=2)


def in_plane(side: int) -> float:
    """Seconds of 32 slices of side x side pixels."""
    scans = [Scan(head(side, number).astype(np.float32), "made") for number in range(32)]
    model = load_model(threads=1)
    return _best(lambda: predict_slices(scans, model=model), times=2)


def grouping(count: int) -> float:
    """Seconds to find the nearly alike among count pictures, as each training does."""
    from tumorlens.lab.grouping import near_duplicates
    from tumorlens.lab.pictures import THUMBNAIL_SIZE

    shape = (count, THUMBNAIL_SIZE, THUMBNAIL_SIZE)
    thumbnails = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    began = time.perf_counter()
    near_duplicates(thumbnails)
    return time.perf_counter() - began


def loading(count: int) -> float:
    """Seconds to read and prepare count pictures for training, without a store."""
    from tumorlens.lab.datasets import load_examples
    from tumorlens.lab.pictures import load_pictures

    with tempfile.TemporaryDirectory() as place:
        for number, label in enumerate(("glioma", "no_tumor")):
            folder = Path(place) / label
            folder.mkdir()
            lay_out(folder, count // 2, different=min(count // 2, 200 + number))
        began = time.perf_counter()
        load_pictures(load_examples(Path(place)), load_model().card.preparation)
        return time.perf_counter() - began


def _best(task: Callable[[], Any], times: int = 5) -> float:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        task()
        found.append(time.perf_counter() - began)
    return min(found)


@dataclass(frozen=True, slots=True)
class Curve:
    """One thing that grows.

    Attributes:
        title: For the table.
        measure: Size to seconds.
        sizes: What is measured.
        short: The same in two minutes.
        power: Input per size: 1 where the input grows as the size does, 2 for a side of a square.
    """

    title: str
    measure: Callable[[int], float]
    sizes: tuple[int, ...]
    short: tuple[int, ...]
    power: int = 1


CURVES = {
    "pictures": Curve(
        "pictures in a folder, answered", answer_folder, (100, 1000, 10_000, 100_000), (20, 100)
    ),
    "report": Curve(
        "pictures in a folder, with report", report_folder, (100, 1000, 10_000), (20, 60)
    ),
    "find": Curve("files in a folder, listed", find_folder, (1000, 10_000, 100_000), (300, 3000)),
    "loading": Curve("pictures for training, prepared", loading, (100, 1000, 10_000), (20, 100)),
    "grouping": Curve(
        "pictures for training, grouped by likeness", grouping, (1000, 4000, 16_000), (200, 800)
    ),
    "batch": Curve("pictures in a batch", batch, (1, 2, 4, 8, 16, 32, 64), (1, 4, 16)),
    "picture": Curve(
        "side of a picture", picture, (128, 256, 512, 1024, 2048, 4000), (256, 1024), 2
    ),
    "slices": Curve("slices of a volume", slices, (16, 32, 64, 128, 256, 512), (16, 48)),
    "in_plane": Curve("side of a volume's slices", in_plane, (128, 256, 512, 1024), (128, 512), 2),
}


def measure(name: str, size: int) -> tuple[float, float]:
    """Seconds and peak MB, in a process of its own."""
    command = [sys.executable, __file__, "--one", name, str(size)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, peak = json.loads(told.splitlines()[-1])
    return float(seconds), float(peak)


def exponent(sizes: Sequence[int], values: Sequence[float], power: int) -> float:
    """Slope of log value against log input, through the upper half of the points."""
    if len(sizes) < 2:
        return math.nan
    half = max(0, len(sizes) // 2 - 1)
    logs = [(power * math.log(s), math.log(v)) for s, v in zip(sizes, values, strict=True)][half:]
    return float(np.polyfit(*zip(*logs, strict=True), 1)[0])


def rows_of(curve: Curve, sizes: Sequence[int], figures: list[tuple[float, float]]) -> list[str]:
    seconds, peaks = zip(*figures, strict=True)
    slope = exponent(sizes, seconds, curve.power)
    word = "**more than its input**" if slope > FASTER_THAN_INPUT else "no more than its input"
    return [
        curve.title,
        ", ".join(f"{size:,}" for size in sizes),
        ", ".join(_time(one) for one in seconds),
        ", ".join(f"{one:.0f}" for one in peaks),
        f"{slope:.2f}",
        word,
    ]


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", nargs="*", choices=list(CURVES))
    parser.add_argument("--short", action="store_true", help="few and small sizes: two minutes")
    parser.add_argument("--most", type=int, default=100_000, help="leave larger sizes out")
    parser.add_argument("--no-page", action="store_true", help="print, and leave the page alone")
    parser.add_argument("--one", nargs=2, metavar=("CURVE", "SIZE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        seconds = CURVES[chosen.one[0]].measure(int(chosen.one[1]))
        print(json.dumps([seconds, own_peak_mb()]))
        return
    rows = []
    for name in chosen.only or CURVES:
        curve = CURVES[name]
        sizes = [
            one for one in (curve.short if chosen.short else curve.sizes) if one <= chosen.most
        ]
        began = time.perf_counter()
        figures = [measure(name, size) for size in sizes]
        rows.append(rows_of(curve, sizes, figures))
        took = f"({time.perf_counter() - began:.0f} s)"
        print(" | ".join(rows[-1]), took, file=sys.stderr, flush=True)
    heads = ["What grows", "Sizes", "Time", "Peak memory, MB", "Exponent", "Time grows"]
    text = (
        f"`python benchmarks/growth.py{' --short' if chosen.short else ''}`, {cores()} cores, the "
        f"bundled model ({DEFAULT_FOLDER.name}); times include all that the step does, memory is "
        "that of the whole process. The exponent is taken against the input's pixels.\n\n"
    ) + table(heads, rows)
    if not chosen.no_page:
        write_part("growth", text)
    print(text)


if __name__ == "__main__":
    main()
