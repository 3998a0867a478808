"""tumorlens: brain tumors in MRI, detected, classified and explained.

Research software, not a medical device.

>>> import tumorlens
>>> model = tumorlens.load_model()
>>> prediction = tumorlens.predict("scan.jpg", model=model)  # doctest: +SKIP
>>> heatmap = tumorlens.explain(prediction).heatmap  # doctest: +SKIP

The names below are the whole public door; each is loaded when first used, so that ``import
tumorlens`` costs nothing.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tumorlens.card import Card as Card
    from tumorlens.errors import TumorlensError as TumorlensError
    from tumorlens.explanation import Explanation as Explanation
    from tumorlens.explanation import explain as explain
    from tumorlens.labels import CLASSES as CLASSES
    from tumorlens.measured_outline import Outline as Outline
    from tumorlens.measured_outline import VolumeOutline as VolumeOutline
    from tumorlens.model import Model as Model
    from tumorlens.model import load_model as load_model
    from tumorlens.outlining import outline as outline
    from tumorlens.outlining import outline_volume as outline_volume
    from tumorlens.prediction import Prediction as Prediction
    from tumorlens.prediction import VolumePrediction as VolumePrediction
    from tumorlens.prediction import predict as predict
    from tumorlens.preparation import Preparation as Preparation
    from tumorlens.preparation import prepare as prepare
    from tumorlens.reading import read_scan as read_scan
    from tumorlens.reporting import write_report as write_report
    from tumorlens.scan import Scan as Scan
    from tumorlens.scan import Volume as Volume

# From 1.29 on, ONNX Runtime reports to its maker unless told otherwise before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "CLASSES": "labels",
    "Card": "card",
    "Explanation": "explanation",
    "Model": "model",
    "Outline": "measured_outline",
    "Prediction": "prediction",
    "Preparation": "preparation",
    "Scan": "scan",
    "TumorlensError": "errors",
    "Volume": "scan",
    "VolumeOutline": "measured_outline",
    "VolumePrediction": "prediction",
    "explain": "explanation",
    "load_model": "model",
    "outline": "outlining",
    "outline_volume": "outlining",
    "predict": "prediction",
    "prepare": "preparation",
    "read_scan": "reading",
    "write_report": "reporting",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604  (the table holds strings)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("tumorlens")
    if name not in _HOMES:
        raise AttributeError(f"module 'tumorlens' has no attribute {name!r}")
    return getattr(import_module(f"tumorlens.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
