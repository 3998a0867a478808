"""What to do about rare classes."""

from collections.abc import Sequence

import numpy as np

from tumorlens.scan import FloatArray


def class_weights(
    targets: Sequence[int], *, classes: int, draws: np.ndarray | None = None
) -> FloatArray:
    """Weights by the inverse of each class's frequency, 1 on average over the examples.

    Args:
        targets: Class numbers of the training examples.
        classes: How many classes there are.
        draws: float, (examples,): how often each is drawn in an epoch, on average; once each
            where None.

    Returns:
        float32, (classes,); 0 for a class without examples.
    """
    counts = np.bincount(targets, weights=draws, minlength=classes)
    present = np.maximum(counts, 1e-9)
    weights = counts.sum() / (present * max(1, int((counts > 0).sum())))
    return np.asarray(np.where(counts > 0, weights, 0.0), np.float32)
