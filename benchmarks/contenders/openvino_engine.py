"""The runtime's own road with OpenVINO in place of ONNX Runtime."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from contenders.contender import CORES
from contenders.ours import Tumorlens
from tumorlens.model import GRAPH_FILE


class _Session:
    """What `tumorlens.model.Model` asks of a session, answered by OpenVINO."""

    def __init__(self, graph: Path, original: Any) -> None:
        core = openvino.Core()
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": CORES}
        options["INFERENCE_PRECISION_HINT"] = "f32"  # it would take bfloat16 where there is that
        self._compiled = core.compile_model(core.read_model(graph), "CPU", options)
        self._request = self._compiled.create_infer_request()
        self._original = original

    def get_inputs(self) -> Any:
        return self._original.get_inputs()

    def get_outputs(self) -> Any:
        return self._original.get_outputs()

    def run(self, wanted: Sequence[str], feeds: dict[str, Any]) -> list[Any]:
        found = self._request.infer(feeds)
        return [np.array(found[name]) for name in wanted]


class OpenVino(Tumorlens):
    """One picture at a time; OpenVINO's own batching of many files is not used."""

    def __init__(self, model: Path) -> None:
        super().__init__(model)
        session = _Session(model / GRAPH_FILE, self.model.session)
        self.model = replace(self.model, session=session)
        self.network(np.zeros((1, 1, self.side, self.side), np.float32))

    def folder(self, paths: Sequence[Path]) -> int:
        raise NotImplementedError

    def folder_pictures(self, paths: Sequence[Path], output: Path) -> int:
        raise NotImplementedError

    def volume(self, path: Path) -> int:
        raise NotImplementedError
