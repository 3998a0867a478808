"""Add a finished run to docs/results.md: keep what its row needs in runs/results/NAME.

    python tools/add_result.py runs/focal --section techniques --against baseline \
        --says "Focal loss"
    python tools/write_results.py

RUN is a run folder of ``tumorlens train``, or a folder that holds ``model/`` and what
``tumorlens evaluate --output`` wrote, as for an ensemble. The exported graph is timed on this
machine's CPU: let it do nothing else. No path of this machine is kept.
"""

import argparse
import gzip
import json
import platform
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from write_results import ANSWERS, RESULT_FILE, RESULTS, SECTIONS

from tumorlens.card import read_card
from tumorlens.lab.evaluation import EVALUATION_FILE
from tumorlens.lab.evaluation.answer_table import ANSWERS_FILE
from tumorlens.lab.history import HISTORY_FILE
from tumorlens.lab.run_record import MODEL, RUN_FILE
from tumorlens.model import GRAPH_FILE, load_model

_KEPT = ("model", "blank", "scores", "per_dataset")  # of evaluation.json
_WARM = 5


def add(
    run: Path,
    name: str,
    *,
    section: str,
    says: str,
    against: str = "",
    answered: Path | None = None,
    times: int = 50,
    results: Path = RESULTS,
) -> Path:
    """Keep what a row of the table needs.

    An older row of that name is replaced as a whole.

    Args:
        run: The run's folder.
        name: Of the row: the name of a folder, no path.
        section: A name in `SECTIONS`.
        says: What the row is, in a few words.
        against: The row that it is compared with; none where empty.
        answered: Where the evaluation lies, such as ``RUN/left_out``; in the run folder if None.
        times: Passes of the graph that are timed, after some that are not.
        results: Where the rows lie.

    Returns:
        The row's folder.

    Raises:
        SystemExit: The evaluation is not of this model, or the name is no folder's.
    """
    if name in ("", "..") or Path(name).name != name:
        raise SystemExit(f"{name!r} cannot name a row: give --name, a word without /")
    model = run / MODEL
    answered = answered or run
    evaluation = json.loads((answered / EVALUATION_FILE).read_text())
    if evaluation["model"]["sha256"] != read_card(model).sha256:
        raise SystemExit(f"the evaluation in {answered} is not of {model}: evaluate with --output")
    record = json.loads((run / RUN_FILE).read_text()) if (run / RUN_FILE).is_file() else {}
    about = {
        "section": section,
        "says": says,
        "against": against,
        "network": read_card(model).network,
        "size": read_card(model).preparation.size,
        "parameters": count_parameters(model / GRAPH_FILE),
        "cpu": {"milliseconds": time_graph(model, times), "name": cpu_name()},
    }
    kept = {key: evaluation[key] for key in _KEPT}
    kept["reliability"] = {key: evaluation["reliability"][key] for key in ("error", "interval")}
    packed = gzip.compress((answered / ANSWERS_FILE).read_bytes(), mtime=0)
    history = (run / HISTORY_FILE).read_bytes() if record else b""
    folder = results / name
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    _write_json(folder / EVALUATION_FILE, kept)
    _write_json(folder / RESULT_FILE, about)
    if record:
        _write_json(folder / RUN_FILE, without_places(record))
        (folder / HISTORY_FILE).write_bytes(history)
    (folder / ANSWERS).write_bytes(packed)
    return folder


def count_parameters(graph: Path) -> int:
    """How many numbers the exported graph holds that were learnt (floating-point, no scalars)."""
    floating = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    return sum(
        int(np.prod(one.dims))
        for one in onnx.load(graph).graph.initializer
        if one.data_type in floating and one.dims
    )


def time_graph(model: Path, times: int) -> float:
    """Milliseconds of one warm pass: one picture, one thread, the median."""
    loaded = load_model(model, threads=1, gated=False)
    size = loaded.card.preparation.size
    picture = np.random.default_rng(0).random((1, 1, size, size), np.float32)
    taken = []
    for _ in range(_WARM + times):
        began = time.perf_counter()
        loaded.run(picture)
        taken.append(time.perf_counter() - began)
    return round(1000 * statistics.median(taken[_WARM:]), 2)


def cpu_name() -> str:
    """The processor's name, or its architecture where nothing tells the name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def without_places(value: Any) -> Any:
    """JSON values in which paths that lead out of the working folder are cut to their last part."""
    if isinstance(value, str):
        leads_out = Path(value).is_absolute() or value.startswith("~") or ".." in Path(value).parts
        return Path(value).name if leads_out else value
    if isinstance(value, dict):
        return {key: without_places(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_places(inner) for inner in value]
    return value


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")


def main() -> None:
    """Read the command line and add the run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", help="of the row; the run folder's where left out")
    parser.add_argument("--section", choices=SECTIONS, required=True)
    parser.add_argument("--says", required=True, help="what the row is, in a few words")
    parser.add_argument("--against", default="", help="the row that it is compared with")
    parser.add_argument("--answered", type=Path, help="folder of the evaluation, as RUN/left_out")
    parser.add_argument("--times", type=int, default=50, help="passes that are timed")
    chosen = parser.parse_args()
    folder = add(
        chosen.run,
        chosen.name or chosen.run.resolve().name,
        section=chosen.section,
        says=chosen.says,
        against=chosen.against,
        answered=chosen.answered,
        times=chosen.times,
    )
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {size / 1000:.0f} kB")  # noqa: T201


if __name__ == "__main__":
    main()
