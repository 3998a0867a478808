"""Made-up slices: a brain in its skull, or without."""

import numpy as np

from tumorlens.scan import FloatArray

BoolArray = np.ndarray


def skull(
    rows: int = 160,
    columns: int = 140,
    *,
    stripped: bool = False,
    fluid: float = 0.15,
    seed: int = 0,
) -> tuple[FloatArray, BoolArray]:
    """A slice, and where its brain is: ventricles, fluid, skull and scalp around it."""
    row, column = np.mgrid[:rows, :columns]
    y, x = (row + 0.5) / rows * 2 - 1.04, (column + 0.5) / columns * 2 - 0.98
    away = np.hypot(y / 0.9, x / 0.85)
    brain = away < 0.78
    noise = np.random.default_rng(seed).normal(0, 0.03, (rows, columns))
    texture = 0.75 + 0.1 * np.sin(11 * x) * np.cos(13 * y)
    signal = np.where(brain, texture, 0)
    signal = np.where(np.hypot(y / 0.2, x / 0.12) < 1, fluid, signal)  # ventricles
    if not stripped:
        signal = np.where((away >= 0.78) & (away < 0.84), fluid, signal)
        signal = np.where((away >= 0.84) & (away < 0.9), 0.05, signal)
        signal = np.where((away >= 0.9) & (away < 1), 1.0, signal)
    return (np.clip(signal + noise, 0, None) * 400).astype(np.float32), brain


def dice(one: BoolArray, other: BoolArray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))
