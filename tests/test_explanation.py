from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx.utils
import onnxruntime
import pytest

from tests.conftest import STRIDE, head
from tumorlens.errors import ConfigError
from tumorlens.explanation import explain, grad_cam
from tumorlens.labels import CLASSES
from tumorlens.model import GRAPH_FILE, Model
from tumorlens.prediction import Evidence, Prediction, predict
from tumorlens.preparation import Preparation, prepare
from tumorlens.scan import FloatArray, Scan


def _features_to_logits(folder: Path) -> onnxruntime.InferenceSession:
    graph = onnx.load(folder / GRAPH_FILE)
    tail = onnx.utils.Extractor(graph).extract_model(["features"], ["logits"])
    return onnxruntime.InferenceSession(
        tail.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def _numerical_grad_cam(
    tail: onnxruntime.InferenceSession, features: FloatArray, label: int
) -> FloatArray:
    """Grad-CAM by its definition, each gradient from two runs: weights are mean gradients."""
    step = 0.5
    bumps = step * np.eye(features.size, dtype=np.float32).reshape(-1, *features.shape)
    up = tail.run(None, {"features": features + bumps})[0][:, label]
    down = tail.run(None, {"features": features - bumps})[0][:, label]
    gradient = ((up - down) / (2 * step)).reshape(features.shape)
    weights = gradient.mean(axis=(1, 2))
    return np.maximum(np.einsum("c,chw->hw", weights, features), 0)


@pytest.mark.parametrize("label", range(len(CLASSES)))
def test_heatmap_is_grad_cam(model: Model, model_folder: Path, scan: Scan, label: int) -> None:
    answer = predict(scan, model=model)
    assert isinstance(answer, Prediction)
    pixels = prepare(scan, model.card.preparation).pixels
    features = model.run(pixels[np.newaxis, np.newaxis]).features[0]
    expected = _numerical_grad_cam(_features_to_logits(model_folder), features, label)
    found = np.maximum(answer.evidence.class_maps[label], 0)
    np.testing.assert_allclose(
        found / max(found.max(), 1e-9), expected / max(expected.max(), 1e-9), atol=2e-3
    )


def test_heatmap_lies_on_the_scan(model: Model, scan: Scan) -> None:
    answer = predict(scan, model=model)
    assert isinstance(answer, Prediction)
    explanation = explain(answer)
    assert explanation.heatmap.shape == scan.pixels.shape
    assert explanation.heatmap.dtype == np.float32
    assert 0 <= explanation.heatmap.min() <= explanation.heatmap.max() <= 1
    assert explanation.target == answer.label


def _bright_where_scan_is(scan: Scan, size: int = 64) -> Prediction:
    """An answer whose evidence is the brightness of what the network saw."""
    image = prepare(scan, Preparation(size=size, percentiles=(0.0, 100.0)))
    side = size // STRIDE * 2
    coarse = image.pixels.reshape(side, size // side, side, size // side).mean(axis=(1, 3))
    maps = np.stack([coarse, -coarse])
    chances = {"tumor": 0.9, "no_tumor": 0.1}
    return Prediction(
        scan.source,
        "tumor",
        chances,
        0.9,
        None,
        Evidence(maps, image.placement),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("spacing_mm", [None, (1.0, 1.0), (1.0, 2.5), (3.0, 1.0)])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (60, 10), (5, 90)])
def test_bright_corner_maps_back_to_its_place(
    top: int, left: int, spacing_mm: tuple[float, float] | None
) -> None:
    rows, columns = 90, 70
    pixels = np.zeros((200, 190), np.float32)
    pixels[top : top + rows, left : left + columns] = head(rows, columns)
    spot = (top + 18, left + 16)
    row, column = np.mgrid[:200, :190]
    pixels[(row - spot[0]) ** 2 + (column - spot[1]) ** 2 < 60] = 1000
    heatmap = explain(_bright_where_scan_is(Scan(pixels, "corner", spacing_mm))).heatmap
    heavy = heatmap**4
    centre = ((row * heavy).sum() / heavy.sum(), (column * heavy).sum() / heavy.sum())
    assert centre == pytest.approx(spot, abs=8)
    outside = np.ones_like(pixels, bool)
    outside[max(0, top - 6) : top + rows + 6, max(0, left - 6) : left + columns + 6] = False
    assert heatmap[outside].max() == 0


def test_other_class_can_be_explained() -> None:
    answer = _bright_where_scan_is(Scan(head(blob=150.0), "scan"))
    explanation = explain(answer, target="no_tumor")
    assert explanation.target == "no_tumor"
    assert explanation.heatmap.max() == 0  # nothing but evidence against it


def test_unknown_class_is_refused(model: Model, scan: Scan) -> None:
    answer = predict(scan, model=model)
    assert isinstance(answer, Prediction)
    with pytest.raises(ConfigError, match="glioma"):
        explain(answer, target="gliom")


def test_grad_cam_cuts_off_negative_evidence_and_leaves_its_input() -> None:
    given = np.array([[-3.0, 0.0], [1.0, 4.0]], np.float32)
    before = given.copy()
    np.testing.assert_allclose(grad_cam(given), [[0, 0], [0.25, 1]])
    np.testing.assert_array_equal(given, before)
    assert grad_cam(-np.ones((2, 2), np.float32)).max() == 0


def test_explaining_does_not_depend_on_probabilities(model: Model, scan: Scan) -> None:
    warm = replace(model, card=replace(model.card, temperature=9.0))
    cold, hot = predict(scan, model=model), predict(scan, model=warm)
    assert isinstance(cold, Prediction)
    assert isinstance(hot, Prediction)
    np.testing.assert_array_equal(explain(cold).heatmap, explain(hot).heatmap)
