"""The network of a model folder in PyTorch again, with the very weights of its ONNX graph.

The exporter folds each batch norm into the convolution before it, so that the graph holds the
product. Here the convolution gets the product, and its batch norm is set to change nothing but
to add the bias: the sums are the same, and PyTorch does the work it would do in any case.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from tumorlens.lab.networks import Classifier, build_network
from tumorlens.model import GRAPH_FILE, load_model

TOLERANCE = 2e-3
"""Largest difference of logits between the graph and the network made of it."""

_FOLDED = "_bias"  # what the exporter appends to a weight's name for the bias it folded


def rebuild(folder: Path) -> Classifier:
    """The network, in evaluation mode.

    Raises:
        RuntimeError: The graph is none of a network of `tumorlens.lab.networks`, or the answers
            differ.
    """
    model = load_model(folder, threads=1)
    network = build_network(
        model.card.network, classes=len(model.card.classes), outlines=model.outlines
    ).eval()
    weights = {
        one.name: torch.from_numpy(onnx.numpy_helper.to_array(one).copy())
        for one in onnx.load(folder / GRAPH_FILE).graph.initializer
    }
    _fill(network, weights, size=model.card.preparation.size)
    _compare(network, folder)
    return network


class Scores(nn.Module):
    """A classifier that returns its scores alone, as Grad-CAM libraries want it."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 1, size, size) to (N, classes)."""
        scores: Tensor = self.network(pictures).logits
        return scores


def _fill(network: Classifier, weights: dict[str, Tensor], *, size: int) -> None:
    state = network.state_dict()
    missing = [name for name in state if name.endswith("weight") and state[name].dim() > 1]
    missing = [name for name in missing if name not in weights]
    if missing:
        raise RuntimeError(f"the graph has no weights {', '.join(missing[:3])}")
    network.load_state_dict({n: weights[n] for n in state if n in weights}, strict=False)
    for convolution, norm in _pairs(network, size).items():
        bias = weights.get(f"{convolution}.weight{_FOLDED}")
        if bias is None:
            raise RuntimeError(f"the graph has no folded bias for {convolution}")
        with torch.no_grad():
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
            norm.weight.fill_(1)
            norm.bias.copy_(bias)


def _pairs(network: Classifier, size: int) -> dict[str, nn.BatchNorm2d]:
    """Each convolution's name and the batch norm that runs right after it."""
    order: list[tuple[str, nn.Module]] = []
    hooks = [
        module.register_forward_hook(lambda m, _i, _o, name=name: order.append((name, m)))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    with torch.inference_mode():
        network(torch.zeros(1, 1, size, size))
    for hook in hooks:
        hook.remove()
    return {
        name: after
        for (name, module), (_, after) in pairwise(order)
        if isinstance(module, nn.Conv2d) and isinstance(after, nn.BatchNorm2d)
    }


def _compare(network: Classifier, folder: Path) -> None:
    model = load_model(folder, threads=1)
    size = model.card.preparation.size
    pictures = np.random.default_rng(0).random((2, 1, size, size), np.float32)
    with torch.inference_mode():
        ours = network(torch.from_numpy(pictures)).logits.numpy()
    difference = float(np.abs(ours - model.run(pictures).logits).max())
    if not difference <= TOLERANCE:
        raise RuntimeError(f"the rebuilt network's scores differ by {difference:.2g}")
