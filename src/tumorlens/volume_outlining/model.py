"""A model folder for volumes, loaded, and its graph run with ONNX Runtime on NumPy arrays."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime

from tumorlens.errors import ModelCorruptError
from tumorlens.home_folder import expand
from tumorlens.model import GRAPH_FILE
from tumorlens.scan import FloatArray
from tumorlens.verified_file import read_verified
from tumorlens.volume_outlining.card import VolumeCard, read_volume_card

INPUT, OUTPUT = "volumes", "logits"

_LOADING = Lock()


@dataclass(frozen=True, slots=True, eq=False)
class VolumeModel:
    """A loaded model; make one with `load_volume_model`.

    Attributes:
        card: What it is and how it is used.
        session: The ONNX Runtime session.
    """

    card: VolumeCard
    session: Any

    def run(self, patch: FloatArray) -> FloatArray:
        """Run the graph on one patch.

        Args:
            patch: float32, (1, sequences, *card.patch).

        Returns:
            float32, (1, regions, *card.patch): logits.
        """
        return np.asarray(self.session.run([OUTPUT], {INPUT: patch})[0], np.float32)


def load_volume_model(folder: str | Path, *, threads: int = 0) -> VolumeModel:
    """Load a model folder and verify that its graph is the one the card speaks of.

    Args:
        folder: With ``model.onnx`` and a ``card.json`` of the kind ``outline_volume``.
        threads: For one pass of the graph; 0 for as many as there are cores.

    Raises:
        ModelMissingError: The folder or one of its files is absent.
        ModelCorruptError: The graph's hash is not the card's, the card is of another kind, or
            one of them cannot be read.
    """
    place = expand(folder)
    card = read_volume_card(place)
    graph = read_verified(place / GRAPH_FILE, card.sha256, what="a graph")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        found = tuple(session.get_inputs()[0].shape)
    except Exception as error:  # ONNX Runtime raises many types of its own
        raise _wrong_graph(place, str(error)) from error
    if found != (1, len(card.sequences), *card.patch):
        raise _wrong_graph(place, f"an input of {found}")
    return VolumeModel(card, session)


def shared_volume_model(folder: Path) -> VolumeModel:
    """The model in a folder, loaded when it is first asked for and then kept by the process.

    One thread runs a pass: a head is a second's work, and several may be at work.

    Raises:
        ModelMissingError, ModelCorruptError: As `load_volume_model`.
    """
    with _LOADING:
        return _load_once(folder)


@cache
def _load_once(folder: Path) -> VolumeModel:
    return load_volume_model(folder, threads=1)


def _wrong_graph(folder: Path, found: str) -> ModelCorruptError:
    return ModelCorruptError(
        expected="an ONNX graph with one patch of the card's size in and its regions out",
        found=found,
        remedy="Export the model again.",
        source=str(folder / GRAPH_FILE),
    )
