"""How near the exported graph must come to PyTorch."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from tumorlens.errors import TrainingError
from tumorlens.lab import export


def _compare(largest: float, difference: float, *, output: int = 1) -> None:
    """Outputs of PyTorch up to ``largest``, of which one of the graph's (its embedding) differs."""
    outputs = [torch.full((3, 4), largest) for _ in range(4)]
    graph = [one.numpy().copy() for one in outputs]
    graph[output][0, 0] += difference
    card = SimpleNamespace(preparation=SimpleNamespace(size=8), name="made")
    model = SimpleNamespace(card=card, run=lambda _: graph)
    export._compare(cast(Any, lambda _: outputs), cast(Any, model))


@pytest.mark.parametrize(("largest", "difference"), [(0.5, 9e-5), (1.0, 9e-5), (50.0, 4e-3)])
def test_rounding_is_allowed(largest: float, difference: float) -> None:
    _compare(largest, difference)


@pytest.mark.parametrize(
    ("largest", "difference"),
    [(0.5, 2e-4), (50.0, 6e-3), (1.0, float(np.nan)), (float(np.inf), -1.0)],
)
def test_a_graph_that_computes_something_else_is_refused(largest: float, difference: float) -> None:
    with pytest.raises(TrainingError, match="differs"):
        _compare(largest, difference)


@pytest.mark.parametrize(("largest", "difference"), [(5.0, 9e-5), (1000.0, 9e-3)])
def test_large_logits_are_rounded_too(largest: float, difference: float) -> None:
    _compare(largest, difference, output=0)
    with pytest.raises(TrainingError, match="logits differs"):
        _compare(largest, 1.3 * difference, output=0)
