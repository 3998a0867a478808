"""Train the network over slices; every epoch's answers about validation heads are kept."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Tensor

from tumorlens.errors import DataError
from tumorlens.lab.networks.slice_sequence import SliceSequenceNetwork
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.slice_sequence.heads import LEAST, Head
from tumorlens.lab.slice_sequence.stretches import SPACING_MM, draw_stretch
from tumorlens.scan import FloatArray
from tumorlens.slice_sequence import interleaving, log_odds

_Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SequenceSettings:
    """How the network over slices is trained.

    Attributes:
        epochs: At most.
        patience: Epochs without a better validation loss after which training stops.
        batch: Stretches a step.
        learning_rate: Of AdamW.
        weight_decay: Of AdamW.
        noise: See `draw_stretch`.
        views: Augmented views of each training head beside the slices as they are.
        seed: Of everything drawn.
    """

    epochs: int = 40
    patience: int = 8
    batch: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    noise: float = 1.0
    views: int = 1
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Log-odds of a tumor in validation heads.

    Attributes:
        slices: float64, (slices,): of all heads' slices, one head after another.
        whole: float64, (heads,): of each head.
        free: float64, (heads,): of each head without its tumor slices; NaN where few are left.
    """

    slices: _Values
    whole: _Values
    free: _Values


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The networks' weights and answers after each epoch, untrained first."""

    network: SliceSequenceNetwork
    weights: tuple[dict[str, Tensor], ...]
    answers: tuple[Answers, ...]


def train_sequence(
    training: Sequence[Head],
    validation: Sequence[Head],
    settings: SequenceSettings,
    *,
    progress: Progress = silent,
) -> Trained:
    """Train until the validation loss has not fallen for a while.

    Args:
        training: Heads that the network learns from.
        validation: Other patients' heads.
        settings: How.
        progress: Called with (done, total) epochs.

    Raises:
        DataError: One side has no heads, or training heads have no tumor.
    """
    _check(training, validation)
    torch.manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    network = SliceSequenceNetwork(training[0].embeddings.shape[-1])
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    weights, answers = [_copied(network)], [answer_heads(network, validation)]
    losses = [validation_loss(answers[0], validation).mean()]
    for epoch in range(1, settings.epochs + 1):
        network.train()
        order = random.permutation(len(training))
        for start in range(0, len(order), settings.batch):
            batch = [training[index] for index in order[start : start + settings.batch]]
            _step(network, optimizer, batch, random, settings.noise)
        weights.append(_copied(network))
        answers.append(answer_heads(network, validation))
        losses.append(validation_loss(answers[-1], validation).mean())
        progress(epoch, settings.epochs)
        if epoch - int(np.argmin(losses)) >= settings.patience:
            break
    progress(settings.epochs, settings.epochs)
    return Trained(network, tuple(weights), tuple(answers))


def _check(training: Sequence[Head], validation: Sequence[Head]) -> None:
    if training and validation and any(head.has_tumor.any() for head in training):
        return
    raise DataError(
        expected="whole heads, some with tumor, in both parts of the split",
        found=f"{len(training)} heads for training and {len(validation)} for validation",
        remedy="Give data with sequences of slices (lgg, BraTS), and the split of a run on them.",
    )


def _copied(network: SliceSequenceNetwork) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _step(
    network: SliceSequenceNetwork,
    optimizer: torch.optim.Optimizer,
    heads: Sequence[Head],
    random: np.random.Generator,
    noise: float,
) -> None:
    losses = []
    for head in heads:
        stretch = draw_stretch(head, random, noise=noise)
        # An order from the other end has negative strides, which PyTorch does not take.
        found, whole = network(
            torch.from_numpy(np.ascontiguousarray(stretch.embeddings)),
            torch.from_numpy(stretch.log_odds),
        )
        truth = torch.from_numpy(np.asarray(stretch.has_tumor, np.float32))
        losses.append(
            F.binary_cross_entropy_with_logits(found, truth)
            + F.binary_cross_entropy_with_logits(whole, truth.max()[None])
        )
    optimizer.zero_grad()
    torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()


def answer_heads(network: SliceSequenceNetwork, heads: Sequence[Head]) -> Answers:
    """Judge whole heads as they are, as the runtime does, and each without its tumor slices."""
    network.eval()
    slices, whole, free = [], [], []
    for head in heads:
        odds = log_odds(head.tumor[0])
        found, together = judge_head(network, head.embeddings[0], odds)
        slices.append(found)
        whole.append(together)
        left = ~head.has_tumor
        enough = left.sum() >= LEAST
        free.append(
            judge_head(network, head.embeddings[0][left], odds[left])[1] if enough else np.nan
        )
    return Answers(np.concatenate(slices), np.array(whole), np.array(free))


def judge_head(
    network: SliceSequenceNetwork, embeddings: FloatArray, odds: FloatArray
) -> tuple[_Values, float]:
    """Log-odds of each slice and of the head, in interleaved subsets as in the runtime."""
    step = interleaving(len(odds), None, wanted_mm=SPACING_MM)
    slices, heads = np.zeros(len(odds)), np.zeros(step)
    with torch.inference_mode():
        for start in range(step):
            part = (embeddings[start::step], odds[start::step])
            found, head = network(*(torch.from_numpy(np.ascontiguousarray(one)) for one in part))
            slices[start::step] = found.numpy()
            heads[start] = float(head)
    return slices, float(heads.mean())


def validation_loss(answers: Answers, heads: Sequence[Head]) -> _Values:
    """Cross-entropy of each head: of its slices, its tumor, and its tumor-free part."""
    ends = np.cumsum([len(head.has_tumor) for head in heads])[:-1]
    losses = [
        np.logaddexp(0, np.where(head.has_tumor, -odds, odds)).mean()
        for head, odds in zip(heads, np.split(answers.slices, ends), strict=True)
    ]
    signs = np.array([-1.0 if head.has_tumor.any() else 1.0 for head in heads])
    free = np.nan_to_num(np.logaddexp(0, answers.free))
    together = (np.logaddexp(0, signs * answers.whole) + free) / 2
    return np.asarray(losses, np.float64) + np.asarray(together, np.float64)
