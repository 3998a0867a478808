"""The standing checks: does the model see the tumor, or the scanner?

`CHECKS` names them. Each gives its part of ``evaluation.json``, or None where the data do not
hold what it needs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation import healthy, painting, surroundings
from tumorlens.lab.evaluation.heads import score_heads
from tumorlens.lab.evaluation.localisation import measure_localisation
from tumorlens.lab.evaluation.material import Material, outlined_pictures
from tumorlens.lab.evaluation.metrics import rounded
from tumorlens.lab.evaluation.outlines import (
    draw_outlines,
    score_false_outlines,
    score_outlines,
)
from tumorlens.lab.evaluation.sampling import sample_each
from tumorlens.lab.pictures import ByteArray, load_pictures
from tumorlens.labels import NO_TUMOR
from tumorlens.scan import FloatArray

PAINTED_EACH, ALARMED_EACH, SHOWN_EACH, LOCALISED_EACH, REGRESSED_EACH = 100, 60, 250, 400, 300
OUTLINED_EACH = 600
"""Pictures of each data set that a check looks at, at most."""


def run_checks(material: Material) -> dict[str, Any]:
    """All standing checks as JSON values, by name."""
    found: dict[str, Any] = {}
    for name, check in CHECKS.items():
        material.follow(name.replace("_", " "), 0, 1)
        found[name] = rounded(check(material))
        material.follow(name.replace("_", " "), 1, 1)
    return found


def _same_heads(material: Material) -> Any:
    """Slices with and without tumor from the same heads."""
    if not len(material.heads.pixels):
        return None
    seen = material.model.card.learnt_from
    rows = score_heads(material.heads, material.head_tumor, seen=seen)
    return [asdict(row) for row in rows]


def _painted_over(material: Material) -> Any:
    """The tumor painted over, as much elsewhere, and slices without tumor painted upon."""
    found = outlined_pictures(material, most=PAINTED_EACH)
    if found is None:
        return None
    painted = painting.paint_pictures(
        found.pixels,
        found.masks,
        material.model.card.preparation,
        progress=partial(material.follow, "painting over"),
    )
    if not painted.kept:
        return None
    kept = found[np.array(painted.kept)]
    three = [
        material.tumor(one, f"answering {name}")
        for name, one in (
            ("as it was", painted.before),
            ("painted over", painted.over),
            ("painted elsewhere", painted.elsewhere),
        )
    ]
    rows = painting.score_painting(kept.datasets.tolist(), kept.groups.tolist(), *three)
    return {
        "rows": [asdict(row) for row in rows],
        "without_tumor": _false_alarms(material, found.masks),
    }


def _false_alarms(material: Material, masks: ByteArray) -> Any:
    """Tumors' shapes painted upon slices without tumor."""
    labels = np.array([example.label for example in material.pictures.examples])
    free = np.flatnonzero(labels == NO_TUMOR)
    chosen = free[sample_each(material.datasets[free].tolist(), most=ALARMED_EACH)]
    random = np.random.default_rng(0)
    shapes = random.integers(len(masks), size=len(chosen))
    painted = painting.paint_upon(
        material.pictures.pixels[chosen], masks[shapes], material.model.card.preparation
    )
    if not painted.kept:
        return None
    groups = material.groups[chosen][list(painted.kept)].tolist()
    before, after = (
        material.tumor(one, "answering painted slices") for one in (painted.before, painted.over)
    )
    found = painting.score_false_alarms(groups, before, after)
    return asdict(found) if found else None


def _surroundings(material: Material) -> Any:
    """What lies outside the head, the head's outline, and a regression on outlines."""
    chosen = sample_each(material.datasets.tolist(), most=SHOWN_EACH)
    pixels = material.pictures.pixels[chosen]
    classes = material.model.card.classes
    score = partial(
        surroundings.score_surroundings,
        targets=material.evaluation.targets[chosen],
        classes=classes,
        datasets=material.datasets[chosen].tolist(),
        groups=material.groups[chosen].tolist(),
    )
    rows = []
    for name, shown in surroundings.SHOWN.items():
        changed = np.stack([shown(picture) for picture in pixels])
        answers = material.answers(changed, f"answering {name}")
        rows += score(name, answers)
    training = [example for example in material.training if example.label in classes]
    if len({example.label for example in training}) > 1:
        answers = _regressed(material, training, pixels)
        rows += score(surroundings.REGRESSION, answers)
    return [asdict(row) for row in rows]


def _regressed(material: Material, examples: Sequence[Example], pixels: ByteArray) -> FloatArray:
    datasets = [example.dataset for example in examples]
    training = load_pictures(
        [examples[index] for index in sample_each(datasets, most=REGRESSED_EACH)],
        material.model.card.preparation,
        progress=partial(material.follow, "reading outlines"),
    )
    labels = [example.label for example in training.examples]
    classes = material.model.card.classes
    return surroundings.regress_silhouettes(training.pixels, labels, pixels, classes)


def _healthy(material: Material) -> Any:
    """Healthy volumes, as a user would have them answered."""
    rows = healthy.score_healthy(material.model, material.data)
    if not rows:
        return None
    slices = sum(row.slices for row in rows)
    right = sum(row.right * row.slices for row in rows) / slices
    return {"slices": slices, "right": right, "volumes": [asdict(row) for row in rows]}


def _localisation(material: Material) -> Any:
    """Heatmaps against outlines."""
    found = outlined_pictures(material, most=LOCALISED_EACH)
    classes = material.model.card.classes
    if found is None or not set(found.labels) & set(classes):
        return None
    known = found[np.flatnonzero(np.isin(found.labels, classes))]
    rows = measure_localisation(
        material.model,
        known.pixels,
        known.masks,
        np.array([classes.index(label) for label in known.labels]),
        datasets=known.datasets.tolist(),
        groups=known.groups.tolist(),
        progress=partial(material.follow, "localisation"),
    )
    return [asdict(row) for row in rows]


def _outlines(material: Material) -> Any:
    """Outlines against drawn ones, and in pictures without tumor."""
    labels = np.array([example.label for example in material.pictures.examples])
    free = np.flatnonzero(labels == NO_TUMOR)
    drawn = outlined_pictures(material, most=OUTLINED_EACH)
    if not material.model.outlines or drawn is None or not len(free):
        return None
    chosen = free[sample_each(material.datasets[free].tolist(), most=OUTLINED_EACH)]
    pixels = np.concatenate([drawn.pixels, material.pictures.pixels[chosen]])
    tumor = material.tumor(pixels, "answering for outlines")
    follow = partial(material.follow, "outlines")
    found = draw_outlines(material.model, pixels, tumor, progress=follow)
    with_tumor, without = found[: len(drawn.pixels)], found[len(drawn.pixels) :]
    dice = score_outlines(
        with_tumor,
        drawn.masks,
        labels=drawn.labels.tolist(),
        datasets=drawn.datasets.tolist(),
        groups=drawn.groups.tolist(),
    )
    false = score_false_outlines(
        without,
        datasets=material.datasets[chosen].tolist(),
        groups=material.groups[chosen].tolist(),
    )
    return {"dice": [asdict(row) for row in dice], "false": [asdict(row) for row in false]}


CHECKS: Mapping[str, Callable[[Material], Any]] = {
    "same_heads": _same_heads,
    "painted_over": _painted_over,
    "surroundings": _surroundings,
    "healthy": _healthy,
    "localisation": _localisation,
    "outlines": _outlines,
}
"""By the name under which each stands in ``evaluation.json``."""
