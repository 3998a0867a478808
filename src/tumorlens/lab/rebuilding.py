"""The network of a model folder in PyTorch again, to go on learning from there.

A model folder holds an ONNX graph, in which the exporter has folded each batch norm into the
convolution before it. Here the convolution gets the product, and its batch norm only adds the
bias: the answers are the same. To learn, a batch norm needs to know what goes through it; that is
measured on pictures, and its scale and shift are set so that the answers still stay the same.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from tumorlens.card import CARD_FILE, Card, read_card
from tumorlens.errors import ConfigError
from tumorlens.lab.networks import NETWORKS, Classifier, build_network
from tumorlens.model import DEFAULT_FOLDER, GRAPH_FILE, load_model

BUNDLED = "bundled"
"""The name of the bundled model among first weights."""

TOLERANCE = 2e-3
"""Largest difference of logits between the graph and the network made of it."""

AVERAGE_OF = "average of "
"""Before the network's name, in the card of a model that is the mean of several."""

_BATCH = 32


def model_folder(weights: str) -> Path | None:
    """The model folder that first weights name; None where they name something else."""
    if weights == BUNDLED:
        return DEFAULT_FOLDER
    folder = Path(weights)
    return folder if (folder / CARD_FILE).is_file() else None


def rebuild(folder: Path) -> Classifier:
    """The network of a model folder, in evaluation mode.

    Raises:
        ModelError: The folder is no model that can be used.
        ConfigError: The graph is not that of one network of `NETWORKS`.
    """
    model = load_model(folder, threads=1)
    card = model.card
    network = build_network(_kind(card, folder), classes=len(card.classes), outlines=model.outlines)
    network.eval()
    _fill(network, onnx.load(folder / GRAPH_FILE).graph, folder, size=card.preparation.size)
    pictures = np.random.default_rng(0).random((2, 1, *[card.preparation.size] * 2), np.float32)
    with torch.inference_mode():
        ours = network(torch.from_numpy(pictures)).logits.numpy()
    difference = float(np.abs(ours - model.run(pictures).logits).max())
    if not difference <= TOLERANCE:
        raise _unfit(folder, f"a graph whose scores differ by {difference:.2g} from its network's")
    return network


def begin_from(network: Classifier, folder: Path, *, name: str, classes: Sequence[str]) -> None:
    """Give a network the weights of a model folder's, in place.

    Of the linear layer come along the rows of those classes that both name; the others stay new,
    as does what only one of them has (the decoder, where only one outlines).

    Args:
        network: As it was built, of the same kind as the model's.
        folder: The model folder.
        name: What kind the network is of, in `NETWORKS`.
        classes: The network's, in order.

    Raises:
        ModelError: The folder is no model that can be used.
        ConfigError: It is of another network.
    """
    card = read_card(folder)
    kind = _kind(card, folder)
    if kind != name:
        raise ConfigError(
            expected=f"weights of a {name}, as network.name says",
            found=f"a model of {kind}",
            remedy=f'Set network.name = "{kind}", or begin from other weights.',
            source=str(folder),
        )
    theirs, own = rebuild(folder), network.state_dict()
    kept = theirs.state_dict().items()
    network.load_state_dict({k: v for k, v in kept if _fits(v, own.get(k))}, strict=False)
    _take_rows(network.linear, theirs.linear, [_place(one, card.classes) for one in classes])


def settle_norms(network: nn.Module, pictures: Tensor) -> None:
    """Measure what goes through each batch norm, and keep what comes out of it as it is.

    Args:
        network: In any mode; left in it.
        pictures: float32 (N, 1, size, size) in 0..1, such as it will learn from.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: _Sums(norm.num_features) for norm in norms}
    hooks = [
        norm.register_forward_pre_hook(lambda module, given: sums[module].add(given[0]))
        for norm in norms
    ]
    training = network.training
    network.eval()
    with torch.no_grad():
        for batch in torch.split(pictures, _BATCH):
            network(batch)
    network.train(training)
    for hook in hooks:
        hook.remove()
    for norm, found in sums.items():
        if found.count:
            _restate(norm, *found.mean_and_variance())


class _Sums:
    """Of the values of each channel, and of their squares."""

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.plain = torch.zeros(channels, dtype=torch.float64)
        self.squared = torch.zeros(channels, dtype=torch.float64)

    def add(self, maps: Tensor) -> None:
        values = maps.detach().double()
        self.count += values.numel() // values.shape[1]
        self.plain += values.sum(dim=(0, 2, 3)).cpu()
        self.squared += values.square().sum(dim=(0, 2, 3)).cpu()

    def mean_and_variance(self) -> tuple[Tensor, Tensor]:
        mean = self.plain / self.count
        return mean, (self.squared / self.count - mean.square()).clamp(min=0)


def _restate(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Other statistics, and a scale and shift by which the outcome is what it was."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        shift = norm.bias.double() - norm.running_mean.double() * scale
        norm.weight.copy_(scale * (variance + norm.eps).sqrt())
        norm.bias.copy_(shift + mean * scale)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)


def _kind(card: Card, folder: Path) -> str:
    """Which of `NETWORKS` a model is; the average of several of one kind is one more of it."""
    kind = card.network.removeprefix(AVERAGE_OF)
    if kind not in NETWORKS:
        raise _unfit(folder, f"{card.network or 'a network without name'}, which is none of them")
    return kind


def _take_rows(linear: nn.Linear, theirs: nn.Linear, places: Sequence[int | None]) -> None:
    """Each class's row from its place in another layer; a new one where it has none there."""
    linear.reset_parameters()
    if linear.in_features != theirs.in_features:
        return
    with torch.no_grad():
        for row, place in enumerate(places):
            if place is not None:
                linear.weight[row] = theirs.weight[place]
                linear.bias[row] = theirs.bias[place]


def _place(name: str, classes: Sequence[str]) -> int | None:
    return classes.index(name) if name in classes else None


def _fits(value: Tensor, own: Tensor | None) -> bool:
    return own is not None and own.shape == value.shape


def _fill(network: Classifier, graph: onnx.GraphProto, folder: Path, *, size: int) -> None:
    weights = {
        one.name: torch.from_numpy(onnx.numpy_helper.to_array(one).copy())
        for one in graph.initializer
    }
    state = network.state_dict()
    needed = [name for name in state if name.endswith("weight") and state[name].dim() > 1]
    if missing := [name for name in needed if name not in weights]:
        raise _unfit(folder, f"a graph without {', '.join(missing[:3])}")
    network.load_state_dict({n: weights[n] for n in state if n in weights}, strict=False)
    # A convolution's inputs: maps, weight, and a bias unless all of it is 0.
    folded = {node.input[1]: node.input[2] for node in graph.node if len(node.input) == 3}
    for convolution, norm in _pairs(network, size).items():
        bias = weights.get(folded.get(f"{convolution}.weight", ""))
        assert norm.running_mean is not None
        assert norm.running_var is not None
        with torch.no_grad():
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
            norm.weight.fill_(1)
            norm.bias.copy_(torch.zeros_like(norm.bias) if bias is None else bias)


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


def _unfit(folder: Path, found: str) -> ConfigError:
    return ConfigError(
        expected=f"a model of one network ({', '.join(NETWORKS)}), as tumorlens train exports it",
        found=found,
        remedy="Begin from the checkpoint of its run, or from other weights.",
        source=str(folder),
    )
