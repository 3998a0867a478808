"""What lies outside the head, or the head's outline alone, must not give the answer away.

The model is shown pictures in which the head is blackened, and such in which it is one even
gray. Beside it, a logistic regression on small silhouettes, trained on the training part, says
how much the data themselves give away by shape and plane.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tumorlens.errors import DataError
from tumorlens.lab.evaluation.anatomy import head_of
from tumorlens.lab.evaluation.bootstrap import (
    Interval,
    auc_interval,
    ratio_interval,
    resample_groups,
)
from tumorlens.lab.evaluation.metrics import auc
from tumorlens.lab.pictures import ByteArray
from tumorlens.labels import NO_TUMOR
from tumorlens.scan import FloatArray

SIDE = 16
"""Side of the silhouettes that the logistic regression sees."""

_GRAY = 110  # of 255: about the mean of a prepared head
ALL = "all"


@dataclass(frozen=True, slots=True)
class SurroundingScores:
    """Answers about pictures without a brain in them; near chance is good.

    Attributes:
        shown: ``outside``, ``silhouette``, or ``silhouette, logistic regression``.
        dataset: Its name, or ``all``.
        count: Pictures.
        accuracy: Part named rightly.
        chance: What always naming the commonest class would give.
        auc: Tumor against none; 0.5 is chance, None without both kinds.
        intervals: 95 %, by group, of ``accuracy`` and ``auc``; None with few groups.
    """

    shown: str
    dataset: str
    count: int
    accuracy: float
    chance: float
    auc: float | None
    intervals: dict[str, Interval | None]


def outside_only(picture: ByteArray) -> ByteArray:
    """The picture with the head blackened; uint8, (size, size)."""
    return np.where(head_of(picture), 0, picture).astype(np.uint8)


def silhouette(picture: ByteArray) -> ByteArray:
    """The head in one even gray on black; uint8, (size, size)."""
    return np.where(head_of(picture), _GRAY, 0).astype(np.uint8)


SHOWN: Mapping[str, Callable[[ByteArray], ByteArray]] = {
    "outside": outside_only,
    "silhouette": silhouette,
}
"""What the model is shown instead of the picture."""

REGRESSION = "silhouette, logistic regression"


def regress_silhouettes(
    training: ByteArray,
    labels: Sequence[str],
    tested: ByteArray,
    classes: Sequence[str],
) -> FloatArray:
    """Learn the classes from small silhouettes alone, and answer about other pictures.

    Args:
        training: uint8, (pictures, size, size), prepared.
        labels: Their classes.
        tested: uint8, (pictures, size, size), prepared.
        classes: The order of the columns.

    Returns:
        float32, (tested, classes); 0 for classes that were not learnt.

    Raises:
        DataError: There is one class only.
    """
    if len(set(labels)) < 2:
        raise DataError(
            expected="training pictures of two classes at least",
            found=f"only {', '.join(set(labels)) or 'none'}",
            remedy="Give the split.csv of the model's own run.",
        )
    regression = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=500, C=0.1, class_weight="balanced")
    )
    regression.fit(_small(training), list(labels))
    answers = regression.predict_proba(_small(tested))
    rows = np.zeros((len(tested), len(classes)), np.float32)
    for column, name in enumerate(regression.classes_):
        rows[:, list(classes).index(name)] = answers[:, column]
    return rows


def score_surroundings(
    shown: str,
    probabilities: FloatArray,
    targets: npt.NDArray[np.intp],
    classes: Sequence[str],
    *,
    datasets: Sequence[str],
    groups: Sequence[str],
) -> list[SurroundingScores]:
    """One record a data set and one of all.

    Args:
        shown: What was shown.
        probabilities: float32, (pictures, classes).
        targets: int, (pictures,), class numbers.
        classes: The order of the columns.
        datasets: Of each picture.
        groups: Likewise.
    """
    names = np.array(datasets)
    rows = []
    for name in [*np.unique(names), ALL]:
        chosen = (names == name) | (name == ALL)
        right = probabilities[chosen].argmax(axis=1) == targets[chosen]
        resamples = resample_groups(np.array(groups)[chosen].tolist())
        column = list(classes).index(NO_TUMOR) if NO_TUMOR in classes else None
        area, ends = None, None
        if column is not None:
            truth, tumor = targets[chosen] != column, 1 - probabilities[chosen, column]
            area, ends = auc(truth, tumor), auc_interval(resamples, truth, tumor)
        rows.append(
            SurroundingScores(
                shown,
                str(name),
                len(right),
                float(right.mean()),
                float(np.bincount(targets[chosen]).max() / len(right)),
                area,
                {
                    "accuracy": ratio_interval(resamples, right, np.ones(len(right))),
                    "auc": ends,
                },
            )
        )
    return rows


def _small(pictures: ByteArray) -> FloatArray:
    """float32, (pictures, `SIDE` * `SIDE`), 0..1: how much of each square is head."""
    rows = [
        np.asarray(
            Pillow.fromarray(head_of(picture).astype(np.uint8) * 255).resize(
                (SIDE, SIDE), Pillow.Resampling.BOX
            ),
            np.float32,
        ).ravel()
        / 255
        for picture in pictures
    ]
    return np.stack(rows)
