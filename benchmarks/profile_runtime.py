"""Where the runtime spends its time: Python's functions, the stages, and the graph's operators.

    python benchmarks/profile_runtime.py [--data ../shared/data] [--files 100] [--precision int8]

CPU time of one thread, which other programs on the machine disturb little. For threads and
waiting use py-spy: ``py-spy record -o flame.svg -- tumorlens predict FOLDER --format jsonl``.
"""

import argparse
import cProfile
import io
import json
import pstats
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnxruntime
from performance_page import table
from side_by_side import files_of

from tumorlens.explanation import explain
from tumorlens.model import DEFAULT_FOLDER, GRAPHS, load_model
from tumorlens.prediction import predict_slices
from tumorlens.preparation import prepare
from tumorlens.reading import find_sources, read_source
from tumorlens.reporting.figure import draw_figure, png_bytes
from tumorlens.reporting.formats import to_record
from tumorlens.reporting.overlay import make_overlays
from tumorlens.scan import Scan

ROOT = Path(__file__).parents[1]
_Found = TypeVar("_Found")


class Stages:
    """CPU milliseconds by stage."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()

    def take(self, name: str, task: Callable[[], _Found]) -> _Found:
        """Do something and count its time to a stage."""
        began = time.process_time()
        found = task()
        self.spent[name] += time.process_time() - began
        return found


def go_through(files: list[Path], folder: Path, precision: str) -> Stages:
    """Every stage of every file, one after the other."""
    model = load_model(folder, threads=1, precision=precision)
    stages = Stages()
    for source in stages.take("find", lambda: find_sources(files).sources):
        scan = stages.take("read", lambda s=source: read_source(s))
        if not isinstance(scan, Scan):
            continue
        image = stages.take("prepare", lambda s=scan: prepare(s, model.card.preparation))
        stages.take("graph", lambda i=image: model.run(i.pixels[np.newaxis, np.newaxis]))
        answer = stages.take(
            "prepare, graph, gate, sets", lambda s=scan: predict_slices([s], model=model)[0]
        )
        stages.take("heatmap", lambda a=answer: explain(a))
        stages.take("outline and record", lambda s=scan, a=answer: to_record((s, a)))
        overlay = stages.take("overlay", lambda s=scan, a=answer: next(make_overlays(s, a)))
        stages.take("figure and PNG", lambda o=overlay: png_bytes(draw_figure(o)))
    return stages


def operators(folder: Path, precision: str, passes: int = 20) -> Counter[str]:
    """CPU milliseconds of one pass by operator, as ONNX Runtime tells them."""
    with tempfile.TemporaryDirectory() as place:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_profiling = True
        options.profile_file_prefix = f"{place}/graph"
        session = onnxruntime.InferenceSession(
            str(folder / GRAPHS[precision]), options, providers=["CPUExecutionProvider"]
        )
        entry = session.get_inputs()[0]
        picture = np.random.default_rng(0).random((1, *entry.shape[1:]), np.float32)
        for _ in range(passes):
            session.run(None, {entry.name: picture})
        events = json.loads(Path(session.end_profiling()).read_text())
    found: Counter[str] = Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("kernel_time"):
            found[event["args"]["op_name"]] += event["dur"] / 1000 / passes
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--model", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--precision", choices=list(GRAPHS), default="float32")
    chosen = parser.parse_args()
    files = files_of(chosen.data, chosen.files)
    profiler = cProfile.Profile()
    stages = profiler.runcall(go_through, files, chosen.model, chosen.precision)
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(25)
    print(text.getvalue())
    rows = [[name, f"{1000 * spent / len(files):.2f}"] for name, spent in stages.spent.items()]
    print(table(["Stage", "CPU ms a file"], rows), end="\n\n")
    found = operators(chosen.model, chosen.precision)
    rows = [[name, f"{spent:.2f}"] for name, spent in found.most_common()]
    print(table(["Operator", "ms a pass"], rows))


if __name__ == "__main__":
    main()
