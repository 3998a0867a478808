"""Prediction -> Explanation: where the network looked, on the scan's own grid.

Grad-CAM (R. Selvaraju and others, "Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization", ICCV 2017, arXiv:1610.02391). For a network that ends in global
average pooling and one linear layer its gradients are that layer's weights (section 3.1), so the
heatmap is the weighted sum that came with the answer: no backward pass, all classes at once.
"""

from dataclasses import dataclass

import numpy as np

from tumorlens.errors import ConfigError
from tumorlens.prediction import Prediction
from tumorlens.scan import FloatArray

METHOD = "grad-cam"


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Where the network looked.

    Attributes:
        heatmap: float32, (rows, columns) of the scan, 0..1; 1 where the evidence for the
            target is strongest, 0 where there is none or the network saw nothing.
        target: The class that is explained.
        method: ``grad-cam``.
    """

    heatmap: FloatArray
    target: str
    method: str = METHOD


def explain(prediction: Prediction, *, target: str | None = None) -> Explanation:
    """Draw the heatmap of one class.

    Args:
        prediction: The answer about a slice; of a volume, take
            ``prediction.slice(index)``.
        target: The class to explain; the predicted one where None.

    Raises:
        ConfigError: The model has no such class.
    """
    target = target or prediction.label
    names = list(prediction.probabilities)
    if target not in names:
        raise ConfigError(
            expected=f"one of the classes {', '.join(names)}",
            found=target,
            remedy="Choose one of them.",
            source="target",
        )
    evidence = prediction.evidence
    coarse = grad_cam(evidence.class_maps[names.index(target)])
    return Explanation(np.clip(evidence.placement.to_scan(coarse), 0.0, 1.0), target)


def grad_cam(class_map: FloatArray) -> FloatArray:
    """A class's weighted feature maps to its heatmap: what speaks for it, scaled to 0..1.

    Args:
        class_map: float32, (h, w).

    Returns:
        float32, (h, w): negative evidence cut off, the smallest 0 and the largest 1; all 0
        where nothing speaks for the class.
    """
    positive = np.maximum(class_map, 0)
    positive -= positive.min()
    return np.asarray(positive / max(float(positive.max()), 1e-12), np.float32)
