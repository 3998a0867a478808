"""Scores as pictures: confusion matrices, ROC and precision-recall curves, reliability.

Each is drawn into the bytes of a PNG file.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from tumorlens.lab.evaluation.metrics import Scores
from tumorlens.lab.evaluation.reliability import Reliability
from tumorlens.lab.figure import new_figure, plain
from tumorlens.scan import FloatArray

IN_A_ROW = 3
"""Confusion matrices side by side."""

_DOTS_PER_INCH = 120


def draw_confusion(scores: Scores) -> bytes:
    """Draw the confusion matrix: counts, shaded by the part of each true class."""
    figure, (axis,) = new_figure(width=5.5, height=5.0)
    _matrix(axis, scores, f"Accuracy {scores.accuracy:.3f}")
    return _png(figure)


def draw_confusions(scores: Mapping[str, Scores]) -> bytes:
    """Draw one confusion matrix a data set, side by side; at most `IN_A_ROW`."""
    figure, axes = new_figure(columns=IN_A_ROW, width=4.6, height=4.6)
    for axis, (name, one) in zip(axes, scores.items(), strict=False):
        _matrix(axis, one, f"{plain(name)}: {one.accuracy:.3f} of {one.count}")
    for axis in axes[len(scores) :]:
        axis.set_axis_off()
    return _png(figure)


def draw_roc(probabilities: FloatArray, targets: np.ndarray, classes: Sequence[str]) -> bytes:
    """Draw each class's ROC curve against the rest, where both kinds are present."""
    figure, (axis,) = new_figure(width=5.5, height=5.0)
    for number, name in enumerate(classes):
        truth = targets == number
        if truth.any() and not truth.all():
            false, true, _ = roc_curve(truth, probabilities[:, number])
            axis.plot(false, true, label=plain(name))
    axis.plot([0, 1], [0, 1], color="gray", linestyle=":", label="chance")
    _finish(axis, "1 - specificity", "sensitivity", "One class against the rest")
    return _png(figure)


def draw_precision_recall(
    probabilities: FloatArray, targets: np.ndarray, classes: Sequence[str]
) -> bytes:
    """Draw each class's precision against its recall, where both kinds are present."""
    figure, (axis,) = new_figure(width=5.5, height=5.0)
    for number, name in enumerate(classes):
        truth = targets == number
        if truth.any() and not truth.all():
            precision, recall, _ = precision_recall_curve(truth, probabilities[:, number])
            (line,) = axis.plot(recall, precision, label=plain(name))
            axis.axhline(truth.mean(), color=line.get_color(), linestyle=":", alpha=0.6)
    _finish(axis, "recall", "precision", "Precision and recall; dotted: chance")
    axis.set_ylim(0, 1.02)
    return _png(figure)


def draw_reliability(reliability: Reliability) -> bytes:
    """Draw how often answers are right against how sure they are; bars: how many."""
    figure, (axis,) = new_figure(width=5.5, height=5.0)
    filled = [one for one in reliability.bins if one.count]
    total = sum(one.count for one in filled)
    for one in filled:
        middle, width = (one.low + one.high) / 2, one.high - one.low
        axis.bar(middle, one.count / total, width, color="lightgray", zorder=0)
    axis.plot([0, 1], [0, 1], color="gray", linestyle=":", label="as sure as right")
    points = [
        (one.confidence, one.accuracy)
        for one in filled
        if one.confidence is not None and one.accuracy is not None
    ]
    axis.plot(*zip(*points, strict=True), marker="o", label="answers")
    title = f"Expected calibration error {reliability.error:.3f}; bars: part of the answers"
    _finish(axis, "probability of the answer", "part that are right", title)
    return _png(figure)


def _matrix(axis: Axes, scores: Scores, title: str) -> None:
    names = [plain(name) for name in scores.per_class]
    counts = np.array(scores.confusion)
    parts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(parts, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        shade = "white" if parts[row, column] > 0.5 else "black"
        text = f"{count}\n{parts[row, column]:.1%}"
        axis.text(column, row, text, ha="center", va="center", color=shade)
    axis.set_xticks(range(len(names)), names, rotation=20)
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel="answer", ylabel="truth", title=title)


def _finish(axis: Axes, across: str, up: str, title: str) -> None:
    axis.set_xlabel(across)
    axis.set_ylabel(up)
    axis.set_title(title, fontsize=11)
    axis.grid(alpha=0.3)
    if axis.get_legend_handles_labels()[0]:
        axis.legend()


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, dpi=_DOTS_PER_INCH, format="png")
    return buffer.getvalue()
