"""Network over slices -> ``sequence.onnx``, checked against PyTorch, and its card."""

import hashlib
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tumorlens.card import Card, read_card, write_card
from tumorlens.errors import TrainingError
from tumorlens.lab.networks.slice_sequence import SliceSequenceNetwork
from tumorlens.lab.slice_sequence.heads import PLANE
from tumorlens.lab.slice_sequence.stretches import SPACING_MM
from tumorlens.slice_sequence import INPUTS, OUTPUTS, SEQUENCE_FILE, SequenceCard, read_sequence

TOLERANCE = 1e-4
"""Largest difference allowed between the graph's and PyTorch's log-odds."""

_OPSET = 17


def export_sequence(
    network: SliceSequenceNetwork,
    folder: Path,
    *,
    training: Mapping[str, Any],
    measured: Mapping[str, Any],
) -> Card:
    """Write the network beside a folder's classifier, and name it in the card.

    Args:
        network: Trained and calibrated, on the CPU.
        folder: A model folder; an older network over slices in it is replaced.
        training: Settings and numbers, for the card.
        measured: Figures, for the card.

    Returns:
        The folder's new card.

    Raises:
        ModelError: The folder has no card that can be read.
        TrainingError: The graph's log-odds differ from PyTorch's by more than `TOLERANCE`.
    """
    card = read_card(folder)
    graph = _graph(network.eval())
    named = SequenceCard(
        hashlib.sha256(graph).hexdigest(), SPACING_MM, (PLANE,), training, measured
    )
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as aside:
        path = Path(aside) / SEQUENCE_FILE
        path.write_bytes(graph)
        _compare(network, Path(aside), named)
        path.replace(folder / SEQUENCE_FILE)
    card = replace(card, sequence=named)
    write_card(folder, card)
    return card


def _graph(network: SliceSequenceNetwork) -> bytes:
    """The ONNX graph for any number of slices."""
    example = (torch.zeros(3, network.inner.in_features), torch.zeros(3))
    with tempfile.TemporaryDirectory() as aside, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        path = Path(aside) / SEQUENCE_FILE
        # The new exporter (dynamo=True) writes the example's number of slices into the graph.
        torch.onnx.export(
            network,
            example,
            str(path),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            opset_version=_OPSET,
            dynamic_axes={name: {0: "slices"} for name in (*INPUTS, OUTPUTS[0])},
            dynamo=False,
        )
        return path.read_bytes()


def _compare(network: SliceSequenceNetwork, folder: Path, card: SequenceCard) -> None:
    session = read_sequence(folder, card).session
    random = np.random.default_rng(0)
    for count in (1, 2, 23):
        given = (
            random.normal(size=(count, network.inner.in_features)).astype(np.float32),
            random.normal(size=count).astype(np.float32) * 4,
        )
        with torch.inference_mode():
            expected = network(*map(torch.from_numpy, given))
        found = session.run(OUTPUTS, dict(zip(INPUTS, given, strict=True)))
        for name, ours, theirs in zip(OUTPUTS, found, expected, strict=True):
            difference = float(np.abs(ours - theirs.numpy()).max())
            if not difference <= TOLERANCE:
                raise TrainingError(
                    expected=f"an exported network that equals PyTorch within {TOLERANCE}",
                    found=f"{name} of {count} slices differ by {difference:.2g}",
                    remedy="Report this with the versions of torch and onnx.",
                    source=str(folder),
                )
