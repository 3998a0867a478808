"""Prepared pictures -> what the input gate sees of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.gate import picture_figures
from tumorlens.lab.pictures import ByteArray
from tumorlens.lab.progress import Progress, silent
from tumorlens.model import Model
from tumorlens.scan import FloatArray

_BATCH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """What the gate sees of some pictures.

    Attributes:
        logits: float32, (pictures, classes).
        embedding: float32, (pictures, channels).
        figures: float32, (pictures, figures).
        kinds: (pictures,): the data set, or the kind of what is no brain MRI.
    """

    logits: FloatArray
    embedding: FloatArray
    figures: FloatArray
    kinds: npt.NDArray[np.str_]

    def part(self, chosen: npt.NDArray[Any]) -> "Described":
        """The pictures chosen, by number or by truth."""
        return Described(
            self.logits[chosen], self.embedding[chosen], self.figures[chosen], self.kinds[chosen]
        )


def describe(
    model: Model, pixels: ByteArray, kinds: Sequence[str], *, progress: Progress = silent
) -> Described:
    """Run the graph over prepared pictures.

    Args:
        model: As loaded by the runtime.
        pixels: uint8, (pictures, size, size), at least one.
        kinds: One a picture.
        progress: Called with (done, total).
    """
    rows: list[tuple[FloatArray, FloatArray, FloatArray]] = []
    for start in range(0, len(pixels), _BATCH):
        batch = np.asarray(pixels[start : start + _BATCH], np.float32) / np.float32(255)
        outputs = model.run(batch[:, np.newaxis])
        rows.append(
            (outputs.logits, outputs.embedding, picture_figures(batch, outputs.embedding)),
        )
        progress(min(start + _BATCH, len(pixels)), len(pixels))
    logits, embedding, figures = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Described(logits, embedding, figures, np.asarray(kinds, np.str_))
