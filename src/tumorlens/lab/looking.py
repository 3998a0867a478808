"""A network's answers about prepared pictures, without augmentation."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Tensor, nn

from tumorlens.lab.datasets import Example
from tumorlens.lab.networks import Outputs
from tumorlens.lab.within_reach import Bytes, to_float
from tumorlens.scan import FloatArray


def predict_logits(
    network: nn.Module, pixels: Bytes, *, batch_size: int = 64, size: int | None = None
) -> FloatArray:
    """Logits of prepared pictures: float32, (pictures, classes).

    Args:
        network: A `Classifier`; left in evaluation mode.
        pixels: uint8, (pictures, size, size).
        batch_size: Pictures at a time.
        size: Side that the pictures are shrunk to; as they are where None.
    """
    return look(network, pixels, batch_size=batch_size, size=size)[0]


def look(
    network: nn.Module, pixels: Bytes, *, batch_size: int = 64, size: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Logits and embeddings, float32, (pictures, classes) and (pictures, channels).

    Args:
        network: A `Classifier`; left in evaluation mode.
        pixels: uint8, (pictures, size, size).
        batch_size: Pictures at a time.
        size: Side that the pictures are shrunk to; as they are where None.
    """
    network.eval()
    device = next(network.parameters()).device
    logits, embeddings = [], []
    with torch.inference_mode():
        for start in range(0, len(pixels), batch_size):
            batch = np.arange(start, min(start + batch_size, len(pixels)))
            inputs = _shrunk(to_float(pixels, batch).to(device), size)
            outputs: Outputs = network(inputs.contiguous(memory_format=torch.channels_last))
            logits.append(outputs.logits.float())
            embeddings.append(outputs.embedding.float())
    return _joined(logits), _joined(embeddings)


def validation_figures(
    scores: Tensor, examples: Sequence[Example], targets: Tensor
) -> dict[str, float]:
    """The validation figures of an `EpochRecord`.

    Args:
        scores: float32, (pictures, classes): the network's logits.
        examples: One for each picture.
        targets: int64, (pictures,), class numbers.
    """
    losses = nn.functional.cross_entropy(scores, targets, reduction="none").numpy()
    right = (scores.argmax(1) == targets).numpy()
    strata = np.array([f"{example.dataset}/{example.label}" for example in examples])
    labels = np.array([example.label for example in examples])
    return {
        "validation_loss": float(
            np.mean([losses[strata == s].mean() for s in sorted(set(strata))])
        ),
        "validation_accuracy": float(right.mean()),
        "validation_macro_recall": float(
            np.mean([right[labels == label].mean() for label in sorted(set(labels))])
        ),
    }


def _shrunk(pictures: Tensor, size: int | None) -> Tensor:
    """Pictures of that side, which is no larger than theirs."""
    if size is None or size >= pictures.shape[-1]:
        return pictures
    return F.interpolate(
        pictures, (size, size), mode="bilinear", antialias=True, align_corners=False
    )


def _joined(parts: Sequence[Tensor]) -> FloatArray:
    return np.asarray(torch.cat(list(parts)).cpu().numpy(), np.float32)
