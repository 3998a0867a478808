"""Network for volumes -> model folder: an ONNX graph of one patch size, checked against PyTorch."""

import hashlib
import io
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from tumorlens.card import CARD_FILE
from tumorlens.errors import TrainingError
from tumorlens.lab.onnx_graph import to_onnx
from tumorlens.model import GRAPH_FILE
from tumorlens.volume_outlining import VolumeCard, VolumeModel, load_volume_model
from tumorlens.volume_outlining.card import write_volume_card
from tumorlens.volume_outlining.model import INPUT, OUTPUT

TOLERANCE = 1e-3
"""Largest difference allowed between the graph's and PyTorch's logits."""


def export_volume_model(network: nn.Module, card: VolumeCard, folder: Path) -> VolumeModel:
    """Write ``model.onnx`` and ``card.json``, load them again and compare with PyTorch.

    Args:
        network: Trained, on the CPU.
        card: Complete but for the graph's hash.
        folder: Made if absent; an older model in it is replaced.

    Raises:
        TrainingError: The graph's logits differ from PyTorch's by more than `TOLERANCE`.
    """
    network = network.eval()
    graph = _graph(network, card)
    complete = replace(card, sha256=hashlib.sha256(graph).hexdigest())
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as aside:
        (Path(aside) / GRAPH_FILE).write_bytes(graph)
        write_volume_card(Path(aside), complete)
        _compare(network, load_volume_model(aside))
        for name in (GRAPH_FILE, CARD_FILE):
            (Path(aside) / name).replace(folder / name)
    return load_volume_model(folder)


def _graph(network: nn.Module, card: VolumeCard) -> bytes:
    example = torch.zeros(1, len(card.sequences), *card.patch)
    graph = to_onnx(network, example, input_name=INPUT, output_names=[OUTPUT])
    buffer = io.BytesIO()
    onnx.save(graph, buffer)
    return buffer.getvalue()


def _compare(network: nn.Module, model: VolumeModel) -> None:
    card = model.card
    shape = (1, len(card.sequences), *card.patch)
    patch = np.random.default_rng(0).standard_normal(shape, np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(patch)).numpy()
    difference = float(np.abs(model.run(patch) - expected).max())
    if not difference <= TOLERANCE:
        raise TrainingError(
            expected=f"an exported graph that equals PyTorch within {TOLERANCE}",
            found=f"logits differ by {difference:.2g}",
            remedy="Report this with the network's name and the versions of torch and onnx.",
            source=card.name,
        )
