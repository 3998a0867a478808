"""Every slice judged with its neighbours, and the whole head in one answer.

A small recurrent network on the embeddings that the classifier's graph returns anyway. It was
trained on slices about `SequenceCard.spacing_mm` apart; finer volumes are judged in interleaved
subsets of about that spacing, so that every slice has its answer.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import onnxruntime

from tumorlens.errors import ModelCorruptError
from tumorlens.scan import FloatArray
from tumorlens.verified_file import read_verified

SEQUENCE_FILE = "sequence.onnx"
INPUTS = ("embeddings", "log_odds")
OUTPUTS = ("slices", "head")

HEAD_MM = 130.0
"""From the first to the last judged slice of a whole head, where the spacing is unknown."""

_CERTAIN = 1e-4  # of a probability from 0 and 1, so that log-odds stay finite


@dataclass(frozen=True, slots=True)
class SequenceCard:
    """What the card says of the network over slices.

    Attributes:
        sha256: Of ``sequence.onnx``, in hexadecimal.
        spacing_mm: About how far apart the slices were that it was trained on, above 0.
        planes: Of these slices; volumes in other planes are judged slice by slice.
        training: Settings, numbers of heads, and the epoch chosen.
        measured: Its figures beside those of the classifier without it.
    """

    sha256: str
    spacing_mm: float
    planes: tuple[str, ...] = ("axial",)
    training: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The fields by name, as they stand in the card."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """From a card's values.

        Raises:
            KeyError, TypeError, ValueError: A field is absent or of the wrong type.
        """
        spacing = float(values["spacing_mm"])
        if not spacing > 0:
            raise ValueError("a sequence's spacing must be above 0")
        return cls(
            str(values["sha256"]),
            spacing,
            tuple(values["planes"]),
            dict(values.get("training", {})),
            dict(values.get("measured", {})),
        )


class SequenceAnswer(NamedTuple):
    """What the network says of a head.

    Attributes:
        slices: float32, (slices,): P(tumor) of each.
        head: P(tumor) of the head.
        step: How many interleaved subsets it was judged in.
    """

    slices: FloatArray
    head: float
    step: int


@dataclass(frozen=True, slots=True, eq=False)
class SliceSequence:
    """A loaded network over slices; make one with `read_sequence`."""

    card: SequenceCard
    session: Any

    def judge(
        self, embeddings: FloatArray, tumor: FloatArray, *, spacing_mm: float | None
    ) -> SequenceAnswer:
        """Judge the slices of one head.

        Args:
            embeddings: float32, (slices, channels), of neighbouring slices in order; at least one.
            tumor: float32, (slices,): the classifier's P(tumor) of each.
            spacing_mm: From slice to slice; None where unknown.
        """
        step = interleaving(len(embeddings), spacing_mm, wanted_mm=self.card.spacing_mm)
        slices = np.zeros(len(embeddings), np.float32)
        heads = np.zeros(step)
        evidence = log_odds(tumor)
        for start in range(step):
            given = (embeddings[start::step], evidence[start::step])
            found, head = self.session.run(OUTPUTS, dict(zip(INPUTS, given, strict=True)))
            slices[start::step] = _probability(found)
            heads[start] = float(head[0])
        return SequenceAnswer(slices, float(_probability(heads.mean())), step)


def interleaving(count: int, spacing_mm: float | None, *, wanted_mm: float) -> int:
    """Into how many subsets slices are dealt so that each has about the wanted spacing.

    Args:
        count: Slices, at least one.
        spacing_mm: From one to the next; where None, they are taken for a whole head
            (`HEAD_MM`).
        wanted_mm: Between two of a subset.

    Returns:
        From 1 to ``count``.
    """
    spacing = spacing_mm or HEAD_MM / count
    return int(np.clip(round(wanted_mm / spacing), 1, count))


def log_odds(tumor: FloatArray) -> FloatArray:
    """Probabilities to the logarithm of their odds, float32, kept finite."""
    inner = np.clip(np.asarray(tumor, np.float64), _CERTAIN, 1 - _CERTAIN)
    return np.asarray(np.log(inner / (1 - inner)), np.float32)


def _probability(odds: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(odds, np.float64)))


def read_sequence(folder: Path, card: SequenceCard) -> SliceSequence:
    """Read and verify a model folder's network over slices.

    Raises:
        ModelMissingError: There is no ``sequence.onnx``.
        ModelCorruptError: Its hash is not the card's, or it is no such network.
    """
    path = folder / SEQUENCE_FILE
    data = read_verified(path, card.sha256, what="a network")
    return SliceSequence(card, _session(data, path))


def _session(data: bytes, path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises many types of its own
        raise _corrupt(path, "an ONNX graph", str(error)) from error
    given = tuple(one.name for one in (*session.get_inputs(), *session.get_outputs()))
    if set(given) != {*INPUTS, *OUTPUTS}:
        wanted = f"a graph with the inputs and outputs {', '.join((*INPUTS, *OUTPUTS))}"
        raise _corrupt(path, wanted, ", ".join(given))
    return session


def _corrupt(path: Path, expected: str, found: str) -> ModelCorruptError:
    return ModelCorruptError(
        expected=expected,
        found=found,
        remedy="The file is damaged or of another model: copy the folder again.",
        source=str(path),
    )
