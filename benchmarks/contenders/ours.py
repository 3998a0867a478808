"""The tumorlens runtime."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tumorlens
from contenders.contender import Contender
from tumorlens.explanation import explain, grad_cam
from tumorlens.model import load_model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading import find_sources, read_scan
from tumorlens.reporting.formats import to_record
from tumorlens.reporting.results import answer_all


class Tumorlens(Contender):
    """As installed: ONNX Runtime, NumPy, Pillow."""

    precision = "float32"

    def __init__(self, model: Path) -> None:
        self.model = load_model(model, precision=self.precision)
        self.many = load_model(model, threads=1, precision=self.precision)
        self.side = self.model.card.preparation.size
        self.network(np.zeros((1, 1, self.side, self.side), np.float32))

    def network(self, pictures: Any) -> Any:
        return self.model.run(pictures).logits

    def network_heatmap(self, pictures: Any) -> Any:
        outputs = self.model.run(pictures)
        maps = np.einsum("kc,nchw->nkhw", self.model.class_weights, outputs.features)
        return [
            grad_cam(maps[number, best]) for number, best in enumerate(outputs.logits.argmax(1))
        ]

    def answer(self, path: Path) -> dict[str, float]:
        return dict(predict(read_scan(path), model=self.model).probabilities)

    def heatmap(self, path: Path) -> tuple[dict[str, float], Any]:
        answer = predict(read_scan(path), model=self.model)
        assert isinstance(answer, tumorlens.Prediction)
        return dict(answer.probabilities), explain(answer).heatmap

    def folder(self, paths: Sequence[Path]) -> int:
        done = 0
        for result in answer_all(find_sources(list(paths)).sources, model=self.many):
            json.dumps(to_record(result))
            assert not isinstance(result, Exception)
            assert isinstance(result[1], tumorlens.Prediction)
            done += explain(result[1]).heatmap is not None
        return done

    def folder_pictures(self, paths: Sequence[Path], output: Path) -> int:
        results = answer_all(find_sources(list(paths)).sources, model=self.many)
        tumorlens.write_report(results, output, card=self.many.card)
        return len(paths)

    def volume(self, path: Path) -> int:
        answer = predict(read_scan(path), model=self.many)
        assert isinstance(answer, VolumePrediction)
        for index in answer.suspicious:
            explain(answer.slice(index))
        return len(answer.slices)


class Quantized(Tumorlens):
    """The same with ``--precision int8``."""

    precision = "int8"
