"""Network -> model folder: one ONNX graph and its card, checked against PyTorch."""

import base64
import hashlib
import io
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch

from tumorlens.card import CARD_FILE, Card, write_card
from tumorlens.errors import TrainingError
from tumorlens.lab.networks import Classifier
from tumorlens.lab.onnx_graph import to_onnx
from tumorlens.model import (
    GRAPH_FILE,
    GRAPHS,
    INT8,
    OUTLINE,
    OUTPUTS,
    WEIGHT_KEY,
    Model,
    load_model,
)

TOLERANCE = 1e-4
"""Largest difference allowed between the graph's and PyTorch's outputs; of embeddings, features and
outlines above 1 it is a part of the largest value, of which float32 holds no more."""

OF_LARGE_LOGITS = 1e-5
"""The same part of logits above 10: after a high learning rate they are hundreds, of which float32
holds no more than this."""


def export_model(network: Classifier, card: Card, folder: Path) -> Model:
    """Write ``model.onnx`` and ``card.json``, load them again and compare with PyTorch.

    Args:
        network: Trained, on the CPU.
        card: Complete but for the graph's hash.
        folder: Made if absent; an older model in it is replaced.

    Returns:
        The model as the runtime loads it.

    Raises:
        TrainingError: The graph's outputs differ from PyTorch's by more than `TOLERANCE`.
    """
    network = network.eval()
    graph = _graph(network, card.preparation.size)
    complete = replace(card, sha256=hashlib.sha256(graph).hexdigest())
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as aside:
        (Path(aside) / GRAPH_FILE).write_bytes(graph)
        write_card(Path(aside), complete)
        _compare(network, load_model(aside))
        for name in (GRAPH_FILE, CARD_FILE):
            (Path(aside) / name).replace(folder / name)
    (folder / GRAPHS[INT8]).unlink(missing_ok=True)  # of the older model
    return load_model(folder)


def _graph(network: Classifier, size: int) -> bytes:
    """The ONNX graph with any number of pictures in, and the linear weights in its metadata."""
    buffer = io.BytesIO()
    names = [*OUTPUTS, OUTLINE] if network.decoder else [*OUTPUTS]
    example = torch.zeros(2, 1, size, size)
    graph = to_onnx(
        network,
        example,
        input_name="pictures",
        output_names=names,
        dynamic_shapes=({0: torch.export.Dim("pictures")},),
    )
    weights = network.linear.weight.detach().numpy().astype("<f4").tobytes()
    onnx.helper.set_model_props(graph, {WEIGHT_KEY: base64.b64encode(weights).decode()})
    onnx.save(graph, buffer)
    return buffer.getvalue()


def _compare(network: Classifier, model: Model) -> None:
    size = model.card.preparation.size
    pictures = np.random.default_rng(0).random((3, 1, size, size), np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(pictures))
    for name, ours, theirs in zip((*OUTPUTS, OUTLINE), model.run(pictures), expected, strict=True):
        if ours is None and theirs is None:
            continue
        with np.errstate(invalid="ignore"):
            difference = float(np.abs(ours - theirs.numpy()).max())
        largest = float(theirs.abs().max())
        part = OF_LARGE_LOGITS if name == OUTPUTS[0] else TOLERANCE
        allowed = max(TOLERANCE, part * largest)
        if not (np.isfinite(allowed) and difference <= allowed):
            raise TrainingError(
                expected=f"an exported graph that equals PyTorch within {allowed:.2g}",
                found=f"{name} differs by {difference:.2g}",
                remedy="Report this with the network's name and the versions of torch and onnx.",
                source=str(model.card.name),
            )
