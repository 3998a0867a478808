"""Scores as pictures: confusion matrix and ROC curves."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_curve

from tumorlens.lab.evaluation.metrics import Scores
from tumorlens.lab.figure import new_figure, save_figure
from tumorlens.scan import FloatArray


def draw_confusion(path: Path, scores: Scores) -> None:
    """Draw the confusion matrix: counts, shaded by the part of each true class."""
    names = list(scores.per_class)
    counts = np.array(scores.confusion)
    parts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, (axis,) = new_figure(width=5.5, height=5.0)
    axis.imshow(parts, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        shade = "white" if parts[row, column] > 0.5 else "black"
        text = f"{count}\n{parts[row, column]:.1%}"
        axis.text(column, row, text, ha="center", va="center", color=shade)
    axis.set_xticks(range(len(names)), names, rotation=20)
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel="answer", ylabel="truth", title=f"Accuracy {scores.accuracy:.3f}")
    save_figure(figure, path)


def draw_roc(
    path: Path, probabilities: FloatArray, targets: np.ndarray, classes: Sequence[str]
) -> None:
    """Draw each class's ROC curve against the rest, where both kinds are present."""
    figure, (axis,) = new_figure(width=5.5, height=5.0)
    for number, name in enumerate(classes):
        truth = targets == number
        if truth.any() and not truth.all():
            false, true, _ = roc_curve(truth, probabilities[:, number])
            axis.plot(false, true, label=name)
    axis.plot([0, 1], [0, 1], color="gray", linestyle=":", label="chance")
    axis.set(xlabel="1 - specificity", ylabel="sensitivity", title="One class against the rest")
    axis.grid(alpha=0.3)
    axis.legend()
    save_figure(figure, path)
