"""SMOTE on embeddings: rare classes are filled up where interpolation makes sense.

N. Chawla and others, "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16, 2002. A
picture between two pictures is no head; a point between two embeddings is a plausible one. The
linear layer is trained once more on the embeddings of the training part, made-up ones included;
nothing of the validation part is looked at.
"""

import numpy as np
import torch
from imblearn.over_sampling import SMOTE
from torch import nn

from tumorlens.scan import FloatArray

_NEIGHBOURS = 5
_STEPS = 100


def fill_up(
    embeddings: FloatArray, targets: np.ndarray, *, seed: int
) -> tuple[FloatArray, np.ndarray]:
    """As many embeddings of every class as the largest has.

    Args:
        embeddings: float32, (examples, channels).
        targets: int, (examples,), class numbers.
        seed: Of the places between neighbours.

    Returns:
        The embeddings, those given first, and their class numbers. A class with one example is
        left as it is: there is nothing between it and itself.
    """
    counts = np.bincount(targets)
    wanted = {int(label): int(counts.max()) for label in np.flatnonzero(counts > 1)}
    if not wanted:
        return embeddings, targets
    neighbours = min(_NEIGHBOURS, min(counts[label] for label in wanted) - 1)
    filler = SMOTE(sampling_strategy=wanted, k_neighbors=neighbours, random_state=seed)
    filled, labels = filler.fit_resample(embeddings, targets)
    return np.asarray(filled, np.float32), np.asarray(labels)


def retrain_linear(
    linear: nn.Linear, embeddings: FloatArray, targets: np.ndarray, *, decay: float = 1e-3
) -> None:
    """Train a linear layer on embeddings, in place, from the weights it has.

    Args:
        linear: On the CPU.
        embeddings: float32, (examples, channels).
        targets: int, (examples,), class numbers.
        decay: Of the squared weights.
    """
    inputs, wanted = torch.from_numpy(embeddings), torch.from_numpy(targets).long()
    weights = list(linear.parameters())
    solver = torch.optim.LBFGS(weights, max_iter=_STEPS, line_search_fn="strong_wolfe")

    def cost() -> torch.Tensor:
        solver.zero_grad()
        loss = nn.functional.cross_entropy(linear(inputs), wanted)
        loss = loss + decay * linear.weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    solver.step(cost)  # type: ignore[no-untyped-call]
