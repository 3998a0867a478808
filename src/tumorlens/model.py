"""Load and verify a model folder, and run its graph with ONNX Runtime on NumPy arrays."""

import base64
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

from tumorlens.card import Card, read_card
from tumorlens.errors import ConfigError, ModelCorruptError, ModelMissingError
from tumorlens.gate import Gate, read_gate
from tumorlens.home_folder import expand
from tumorlens.overlapping import cores
from tumorlens.preparation import LEFT_ON
from tumorlens.scan import FloatArray
from tumorlens.slice_sequence import SliceSequence, read_sequence
from tumorlens.verified_file import verify_file

GRAPH_FILE = "model.onnx"
FLOAT32, INT8 = "float32", "int8"
GRAPHS = {FLOAT32: GRAPH_FILE, INT8: "model.int8.onnx"}
"""The graph's file for each precision; only the first is in every model folder."""

OUTPUTS = ("logits", "embedding", "features")
OUTLINE = "outline"
"""A fourth output, of graphs that outline the tumor too."""

WEIGHT_KEY = "class_weights"
"""Key of the linear layer's weights in the graph's metadata: float32, base64."""

_BUNDLED = Path(__file__).parent / "models"
DEFAULT_FOLDER = _BUNDLED / "default"
WHOLE_TUMOR_FOLDER = _BUNDLED / "whole_tumor"
"""The second bundled model, which outlines whole tumors in heads with FLAIR."""


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
        card: What the model is and how it is used; its hash is that of the graph in use.
        class_weights: float32, (classes, channels): the linear layer, which turns the last
            feature maps into the classes' heatmaps.
        session: The ONNX Runtime session.
        gate: What refuses pictures that are no brain MRI; None where the card has none.
        threads: That one pass of the graph uses; 0 for as many as there are cores.
        precision: ``float32`` or ``int8``.
        sequence: What judges the slices of a volume together; None where the card has none.
        tta: Whether each picture is answered with its mirror image (test-time augmentation).
        companion: Folder of the model that outlines heads with FLAIR in this one's stead: of the
            bundled model the other bundled one; None where this one outlines everything itself.
    """

    card: Card
    class_weights: FloatArray
    session: Any
    gate: Gate | None = None
    threads: int = 0
    precision: str = FLOAT32
    sequence: SliceSequence | None = None
    tta: bool = False
    companion: Path | None = None

    @property
    def passes(self) -> int:
        """How many passes side by side keep all cores busy, what is before and after included."""
        here = cores()
        return max(min(2, here), here // self.threads if self.threads else 1)

    @property
    def outlines(self) -> bool:
        """Whether the graph outlines the tumor too."""
        return any(one.name == OUTLINE for one in self.session.get_outputs())

    def with_skull_strip(self, method: str | None) -> "Model":
        """The same model, that takes the skull off first by another method, or leaves it on.

        Args:
            method: A name in `tumorlens.preparation.SKULL_STRIPPERS`; None or ``none`` to leave
                it on.

        Raises:
            ConfigError: There is no such method.
        """
        chosen = None if method == LEFT_ON else method
        preparation = replace(self.card.preparation, skull_strip=chosen)
        return replace(self, card=replace(self.card, preparation=preparation))

    def with_tta(self) -> "Model":
        """The same model, that answers each picture with its mirror image too.

        K. Simonyan and A. Zisserman, arXiv:1409.1556, section 3.2. Twice the time. Temperature,
        conformal thresholds and gate of the card were fitted without; the gate and the network
        over slices still look at the picture itself.
        """
        return replace(self, tta=True)

    def run(self, pictures: FloatArray) -> GraphOutputs:
        """Run the graph.

        With `tta`, logits, features and outline are the means over the picture and its mirror
        image (turned back), so that the linear weights times the features still are the heatmap
        of these logits; the embedding is the picture's own.

        Args:
            pictures: float32, (N, 1, size, size), 0..1, as `prepare` makes them.
        """
        outputs = self._pass(pictures)
        if not self.tta:
            return outputs
        return _mean(outputs, self._pass(np.ascontiguousarray(pictures[..., ::-1])))

    def _pass(self, pictures: FloatArray) -> GraphOutputs:
        name = self.session.get_inputs()[0].name
        given = {one.name for one in self.session.get_outputs()}
        wanted = [one for one in (*OUTPUTS, OUTLINE) if one in given]
        return GraphOutputs(*self.session.run(wanted, {name: pictures}))


def load_model(
    folder: str | Path | None = None,
    *,
    threads: int = 0,
    precision: str = FLOAT32,
    gated: bool = True,
) -> Model:
    """Load a model folder and verify that its graph is the one the card speaks of.

    Args:
        folder: With ``model.onnx`` and ``card.json``; the bundled model where None.
        threads: For one pass of the graph; 0 for as many as there are cores, which answers one
            picture soonest. With 1, many pictures are answered soonest: each core answers its
            own. The answers are the same.
        precision: ``float32``; or ``int8``, quicker and a little less exact, where the card
            says how much (`Card.int8`).
        gated: Whether the model's gate is read; without it every picture is accepted.

    Raises:
        ConfigError: There is no such precision.
        ModelMissingError: The folder or one of its files is absent, or it has no graph of this
            precision.
        ModelCorruptError: A file's hash is not the card's, or the card or a file that it speaks
            of cannot be read.
    """
    place = expand(folder) if folder is not None else DEFAULT_FOLDER
    card = _card_for(place, precision)
    graph = place / GRAPHS[precision]
    verify_file(graph, card.sha256, what="a graph")
    gate = read_gate(place, card.gate) if card.gate and gated else None
    sequence = read_sequence(place, card.sequence) if card.sequence else None
    try:
        # By its path: of bytes, two copies would be in memory at once.
        session = onnxruntime.InferenceSession(
            str(graph), _session_options(threads), providers=["CPUExecutionProvider"]
        )
        weights = _class_weights(session, card)
    except Exception as error:  # ONNX Runtime raises many types of its own
        raise _broken_graph(graph, str(error)) from error
    is_bundled = place.resolve() == DEFAULT_FOLDER.resolve()
    companion = WHOLE_TUMOR_FOLDER if is_bundled else None
    return Model(card, weights, session, gate, threads, precision, sequence, companion=companion)


def _mean(plain: GraphOutputs, mirrored: GraphOutputs) -> GraphOutputs:
    """The mean of the answers about pictures and their mirror images; the maps turned back."""
    outline = None
    if plain.outline is not None and mirrored.outline is not None:
        outline = _halfway(plain.outline, mirrored.outline[..., ::-1])
    return GraphOutputs(
        _halfway(plain.logits, mirrored.logits),
        plain.embedding,
        _halfway(plain.features, mirrored.features[..., ::-1]),
        outline,
    )


def _halfway(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray((one + other) / 2, np.float32)


def _card_for(folder: Path, precision: str) -> Card:
    """The folder's card, with the hash of the graph of this precision."""
    if precision not in GRAPHS:
        raise ConfigError(
            expected=f"one of the precisions {', '.join(GRAPHS)}",
            found=precision,
            remedy="Choose one of them.",
            source="precision",
        )
    card = read_card(folder)
    if precision == FLOAT32:
        return card
    if card.int8 is None:
        raise ModelMissingError(
            expected=f"a model folder with {GRAPHS[INT8]}, named in its card",
            found="a card that names none",
            remedy="Use float32, or make one: tumorlens quantize MODEL --data DATA --split SPLIT.",
            source=str(folder),
        )
    return replace(card, sha256=card.int8.sha256)


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return options


def _class_weights(session: Any, card: Card) -> FloatArray:
    packed = session.get_modelmeta().custom_metadata_map[WEIGHT_KEY]
    weights = np.frombuffer(base64.b64decode(packed), np.float32)
    return weights.reshape(len(card.classes), -1)


def _broken_graph(graph: Path, found: str) -> ModelCorruptError:
    return ModelCorruptError(
        expected=f"an ONNX graph exported by tumorlens, with the outputs {', '.join(OUTPUTS)}",
        found=found,
        remedy="Export the model again.",
        source=str(graph),
    )
