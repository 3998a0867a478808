"""What the network over slices learns from: random stretches of heads, drawn afresh."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tumorlens.lab.slice_sequence.heads import LEAST, Head
from tumorlens.scan import FloatArray
from tumorlens.slice_sequence import interleaving, log_odds

SPACING_MM = 5.0
"""About how far apart the slices of a stretch are."""


class Stretch(NamedTuple):
    """Neighbouring slices of one head, in order or from the other end.

    Attributes:
        embeddings: float32, (slices, channels).
        log_odds: float32, (slices,): the classifier's of a tumor.
        has_tumor: bool, (slices,).
    """

    embeddings: FloatArray
    log_odds: FloatArray
    has_tumor: npt.NDArray[np.bool_]


def draw_stretch(head: Head, random: np.random.Generator, *, noise: float) -> Stretch:
    """Draw a third each: the head, a part of it, and the head without its tumor.

    The last stands for a healthy patient.

    Args:
        head: With one view or more.
        random: Chooses.
        noise: Standard deviation of what is added to the log-odds, once for all slices and once
            for each: those of training slices are surer than those of other heads.
    """
    view = int(random.integers(len(head.embeddings)))
    count = len(head.has_tumor)
    step = interleaving(count, None, wanted_mm=SPACING_MM)
    chosen = np.arange(int(random.integers(step)), count, step)
    kind = int(random.integers(3))
    if kind == 1 and len(chosen) > LEAST:
        length = int(random.integers(LEAST, len(chosen) + 1))
        start = int(random.integers(len(chosen) - length + 1))
        chosen = chosen[start : start + length]
    elif kind == 2:
        free = chosen[~head.has_tumor[chosen]]
        chosen = free if len(free) >= LEAST else chosen
    if random.random() < 0.5:
        chosen = chosen[::-1]
    odds = log_odds(head.tumor[view][chosen])
    noisy = odds + noise * random.normal(size=1) + noise * random.normal(size=len(odds))
    return Stretch(
        head.embeddings[view][chosen], np.asarray(noisy, np.float32), head.has_tumor[chosen]
    )
