"""What to do about rare classes: weights, draws, and made-up embeddings."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator

from tumorlens.scan import FloatArray


def class_weights(
    targets: Sequence[int],
    *,
    classes: int,
    draws: np.ndarray | None = None,
    effective_number: float = 1.0,
) -> FloatArray:
    """Weights by the inverse of each class's frequency, 1 on average over the examples.

    Args:
        targets: Class numbers of the training examples.
        classes: How many classes there are.
        draws: float, (examples,): how often each is drawn in an epoch, on average; once each
            where None.
        effective_number: Below 1, the beta of Y. Cui and others, "Class-Balanced Loss Based on
            Effective Number of Samples", CVPR 2019, arXiv:1901.05555: examples of a class
            resemble each other, so that ``n`` of them count as ``(1 - beta^n) / (1 - beta)``.
            At 0 all classes weigh alike.

    Returns:
        float32, (classes,); 0 for a class without examples.
    """
    counts = np.bincount(targets, weights=draws, minlength=classes)
    present = np.maximum(counts, 1e-9)
    if effective_number < 1:
        present = (1 - effective_number**present) / (1 - effective_number)
    weights = counts.sum() / (present * max(1e-9, float((counts / present).sum())))
    return np.asarray(np.where(counts > 0, weights, 0.0), np.float32)


def balanced_draws(draws: np.ndarray, targets: Sequence[int]) -> np.ndarray:
    """How often to draw each example so that each class is drawn alike, as many in all.

    Args:
        draws: float, (examples,): how often each would be drawn in an epoch, on average.
        targets: Their class numbers.
    """
    totals = np.bincount(targets, weights=draws)
    share = draws.sum() / (totals > 0).sum()
    return np.asarray(draws * (share / totals[np.asarray(targets)]))


def draw(indices: np.ndarray, draws: np.ndarray, generator: Generator) -> np.ndarray:
    """One epoch's pictures in random order, each kept with its probability in ``draws``."""
    kept = torch.rand(len(indices), generator=generator).numpy() < draws
    chosen = indices[kept]
    return np.asarray(chosen[torch.randperm(len(chosen), generator=generator).numpy()])


def draw_with_return(indices: np.ndarray, draws: np.ndarray, generator: Generator) -> np.ndarray:
    """One epoch's pictures in random order, each as often as ``draws`` says on average."""
    count = max(1, round(draws.sum()))
    chosen = torch.multinomial(
        torch.from_numpy(draws), count, replacement=True, generator=generator
    )
    return np.asarray(indices[chosen.numpy()])
