"""Small gates, made by hand."""

import numpy as np

from tumorlens.gate import CHECKS, Gate, GateNumbers, picture_figures

FIGURES = picture_figures(np.zeros((1, 8, 8), np.float32), np.ones((1, 1), np.float32)).shape[1]


def made_numbers(channels: int) -> GateNumbers:
    """The distance is that from embeddings which are the same in all channels."""
    return GateNumbers(
        center=np.full(channels, channels**-0.5, np.float32),
        scale=np.ones(channels, np.float32),
        axes=np.eye(1, channels, dtype=np.float32),
        stretch=np.zeros(1, np.float32),
        rest=np.ones(1, np.float32),
        figures_center=np.zeros(FIGURES, np.float32),
        figures_scale=np.ones(FIGURES, np.float32),
        likeness=np.zeros(channels + FIGURES + 2, np.float32),
    )


def gate_that_limits(channels: int, **limits: float) -> Gate:
    """A gate that lets everything through but what misses these limits."""
    return Gate(made_numbers(channels), dict.fromkeys(CHECKS, 1e9) | limits)
