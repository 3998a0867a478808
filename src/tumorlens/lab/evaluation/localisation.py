"""Whether the heatmap of the class that is there lies on the tumor's outline.

The pointing game: J. Zhang and others, "Top-down Neural Attention by Excitation Backprop",
International Journal of Computer Vision 126, 2018, arXiv:1608.00507, with its tolerance of 15
pixels and without any. Intersection over union: the heatmap, scaled to 0..1, counts as outline
where it is `THRESHOLD` or more. All on the prepared picture's grid, which the head fills.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from scipy import ndimage

from tumorlens.explanation import grad_cam
from tumorlens.lab.evaluation.anatomy import head_of
from tumorlens.lab.evaluation.bootstrap import Interval, ratio_interval, resample_groups
from tumorlens.lab.pictures import ByteArray
from tumorlens.lab.progress import Progress, silent
from tumorlens.model import GraphOutputs, Model
from tumorlens.scan import FloatArray

TOLERANCE = 15
"""Pixels (of a prepared picture of 224) that the heatmap's top may lie beside the outline."""

THRESHOLD = 0.5
ALL = "all"

_BATCH = 32

Method = Callable[[Model, GraphOutputs, npt.NDArray[np.intp]], FloatArray | None]


def _grad_cams(model: Model, outputs: GraphOutputs, targets: npt.NDArray[np.intp]) -> FloatArray:
    maps = np.einsum("nc,nchw->nhw", model.class_weights[targets], outputs.features)
    return np.stack([grad_cam(one) for one in maps])


def _outlines(
    model: Model, outputs: GraphOutputs, targets: npt.NDArray[np.intp]
) -> FloatArray | None:
    del model, targets
    if outputs.outline is None:
        return None
    return np.asarray(1 / (1 + np.exp(-outputs.outline[:, 0])), np.float32)


METHODS: Mapping[str, Method] = {"grad-cam": _grad_cams, "outline": _outlines}
"""Each makes float32 maps (N, h, w), 0..1, of the target classes (N,), from one pass; or None
where the model does not offer it."""


@dataclass(frozen=True, slots=True)
class LocalisationScores:
    """How well one method's heatmaps meet the outlines of one data set; all in [0, 1].

    Attributes:
        method: A name in `METHODS`.
        dataset: Its name, or ``all``.
        count: Pictures with an outline.
        pointing: The part whose brightest pixel lies within the outline.
        pointing_15: The same, or at most `TOLERANCE` pixels beside it.
        iou: Mean intersection over union.
        chance: What pointing at a random pixel of the head would give.
        intervals: 95 %, by group, of ``pointing``, ``pointing_15`` and ``iou``; None with few
            groups.
    """

    method: str
    dataset: str
    count: int
    pointing: float
    pointing_15: float
    iou: float
    chance: float
    intervals: dict[str, Interval | None]


def measure_localisation(
    model: Model,
    pixels: ByteArray,
    masks: ByteArray,
    targets: npt.NDArray[np.intp],
    *,
    datasets: Sequence[str],
    groups: Sequence[str],
    progress: Progress = silent,
) -> list[LocalisationScores]:
    """Draw every method's heatmap of each picture's own class and compare it with the outline.

    Args:
        model: As loaded by the runtime.
        pixels: uint8, (pictures, size, size), prepared, at least one.
        masks: uint8, the same shape, above 127 where the tumor is.
        targets: int, (pictures,), class numbers.
        datasets: Of each picture.
        groups: Likewise.
        progress: Called with (done, total).
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in METHODS}
    for start in range(0, len(pixels), _BATCH):
        batch = slice(start, start + _BATCH)
        pictures = pixels[batch, np.newaxis].astype(np.float32) / np.float32(255)
        outputs = model.run(pictures)
        for name, method in METHODS.items():
            heatmaps = method(model, outputs, targets[batch])
            if heatmaps is None:
                continue
            for heatmap, picture, mask in zip(heatmaps, pixels[batch], masks[batch], strict=True):
                found[name].append(compare(heatmap, mask > 127, head_of(picture)))
        progress(min(start + _BATCH, len(pixels)), len(pixels))
    return [
        _score(name, str(dataset), rows, np.array(datasets), groups)
        for name, rows in found.items()
        if rows
        for dataset in [*np.unique(np.array(datasets)), ALL]
    ]


def compare(
    heatmap: FloatArray, outline: npt.NDArray[np.bool_], head: npt.NDArray[np.bool_]
) -> dict[str, float]:
    """One heatmap against one outline.

    Args:
        heatmap: float32, (h, w), 0..1, any resolution.
        outline: bool, (size, size), True somewhere.
        head: bool, (size, size).

    Returns:
        ``pointing``, ``pointing_15``, ``iou`` and ``chance``, each in [0, 1]. A heatmap that
        is the same everywhere points nowhere.
    """
    size = outline.shape
    coarse = Pillow.fromarray(np.ascontiguousarray(heatmap, np.float32))
    full = np.asarray(coarse.resize((size[1], size[0]), Pillow.Resampling.BILINEAR))
    points = bool(full.max() > full.min())
    beside = ndimage.distance_transform_edt(~outline).flat[int(full.argmax())]
    bright = (full >= THRESHOLD) & points
    union = (bright | outline).sum()
    return {
        "pointing": float(points and beside == 0),
        "pointing_15": float(points and beside <= TOLERANCE * len(outline) / 224),
        "iou": float((bright & outline).sum() / union) if union else 0.0,
        "chance": float((outline & head).sum() / max(1, head.sum())),
    }


def _score(
    method: str,
    dataset: str,
    rows: Sequence[Mapping[str, float]],
    datasets: npt.NDArray[np.str_],
    groups: Sequence[str],
) -> LocalisationScores:
    chosen = np.flatnonzero((datasets == dataset) | (dataset == ALL)).tolist()
    values = {key: np.array([rows[index][key] for index in chosen]) for key in rows[0]}
    resamples = resample_groups([groups[index] for index in chosen])
    means: dict[str, Any] = {key: float(value.mean()) for key, value in values.items()}
    intervals = {
        key: ratio_interval(resamples, value, np.ones(len(value)))
        for key, value in values.items()
        if key != "chance"
    }
    return LocalisationScores(method, dataset, len(chosen), **means, intervals=intervals)
