"""Load and verify a model folder, and run its graph with ONNX Runtime on NumPy arrays."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

from tumorlens.card import CARD_FILE, Card, read_card
from tumorlens.errors import ModelCorruptError, ModelMissingError
from tumorlens.gate import Gate, read_gate
from tumorlens.scan import FloatArray
from tumorlens.slice_sequence import SliceSequence, read_sequence

GRAPH_FILE = "model.onnx"
OUTPUTS = ("logits", "embedding", "features")
OUTLINE = "outline"
"""A fourth output, of graphs that outline the tumor too."""

WEIGHT_KEY = "class_weights"
"""Key of the linear layer's weights in the graph's metadata: float32, base64."""

DEFAULT_FOLDER = Path(__file__).parent / "models" / "default"


class GraphOutputs(NamedTuple):
    """What the graph returns for N pictures, all float32.

    Attributes:
        logits: (N, classes), before temperature and softmax.
        embedding: (N, channels), the pooled features.
        features: (N, channels, h, w), the last feature maps.
        outline: (N, 1, h', w'), logits of the tumor's outline on the picture; None where the
            graph draws none.
    """

    logits: FloatArray
    embedding: FloatArray
    features: FloatArray
    outline: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A loaded model; make one with `load_model`.

    Attributes:
        card: What the model is and how it is used.
        class_weights: float32, (classes, channels): the linear layer, which turns the last
            feature maps into the classes' heatmaps.
        session: The ONNX Runtime session.
        gate: What refuses pictures that are no brain MRI; None where the card has none.
        sequence: What judges the slices of a volume together; None where the card has none.
    """

    card: Card
    class_weights: FloatArray
    session: Any
    gate: Gate | None = None
    sequence: SliceSequence | None = None

    @property
    def outlines(self) -> bool:
        """Whether the graph outlines the tumor too."""
        return any(one.name == OUTLINE for one in self.session.get_outputs())

    def run(self, pictures: FloatArray) -> GraphOutputs:
        """Run the graph.

        Args:
            pictures: float32, (N, 1, size, size), 0..1, as `prepare` makes them.
        """
        name = self.session.get_inputs()[0].name
        given = {one.name for one in self.session.get_outputs()}
        wanted = [one for one in (*OUTPUTS, OUTLINE) if one in given]
        return GraphOutputs(*self.session.run(wanted, {name: pictures}))


def load_model(folder: str | Path | None = None, *, threads: int = 0) -> Model:
    """Load a model folder and verify that its graph is the one the card speaks of.

    Args:
        folder: With ``model.onnx`` and ``card.json``; the bundled model where None.
        threads: For one pass of the graph; 0 for as many as there are cores.

    Raises:
        ModelMissingError: The folder or one of its files is absent.
        ModelCorruptError: A file's hash is not the card's, or the card or a file that it speaks
            of cannot be read.
    """
    place = Path(folder).expanduser() if folder is not None else DEFAULT_FOLDER
    card = read_card(place)
    graph = _verified_graph(place, card)
    gate = read_gate(place, card.gate) if card.gate else None
    sequence = read_sequence(place, card.sequence) if card.sequence else None
    try:
        session = onnxruntime.InferenceSession(
            graph, _session_options(threads), providers=["CPUExecutionProvider"]
        )
        weights = _class_weights(session, card)
    except Exception as error:  # ONNX Runtime raises many types of its own
        raise _broken_graph(place, str(error)) from error
    return Model(card, weights, session, gate, sequence)


def _verified_graph(folder: Path, card: Card) -> bytes:
    path = folder / GRAPH_FILE
    try:
        graph = path.read_bytes()
    except OSError as error:
        raise ModelMissingError(
            expected=f"a model folder with {GRAPH_FILE} and {CARD_FILE}",
            found=f"no readable {GRAPH_FILE}",
            remedy="Copy the whole folder, or export the model again.",
            source=str(folder),
        ) from error
    if (found := hashlib.sha256(graph).hexdigest()) != card.sha256:
        raise ModelCorruptError(
            expected=f"a graph with SHA-256 {card.sha256}",
            found=found,
            remedy="The file is damaged or of another model: copy or export the folder again.",
            source=str(path),
        )
    return graph


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return options


def _class_weights(session: Any, card: Card) -> FloatArray:
    packed = session.get_modelmeta().custom_metadata_map[WEIGHT_KEY]
    weights = np.frombuffer(base64.b64decode(packed), np.float32)
    return weights.reshape(len(card.classes), -1)


def _broken_graph(folder: Path, found: str) -> ModelCorruptError:
    return ModelCorruptError(
        expected=f"an ONNX graph exported by tumorlens, with the outputs {', '.join(OUTPUTS)}",
        found=found,
        remedy="Export the model again.",
        source=str(folder / GRAPH_FILE),
    )
