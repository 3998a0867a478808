"""How well regions are outlined: Dice and 95 % Hausdorff distance, head by head, with MONAI."""

import csv
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance
from torch import Tensor

from tumorlens.lab.evaluation.bootstrap import Resamples, interval, spread
from tumorlens.reporting.folder import PartialFile
from tumorlens.volume_outlining.regions import LabelArray, to_regions

_DRAWS = 2000  # of the bootstrap
_PERCENTILE = 95


@dataclass(frozen=True, slots=True)
class CaseScore:
    """How well one head's regions were outlined.

    Attributes:
        case: Its name.
        patient: Who it is of.
        dice: Of each region, 0..1; 1 where neither the outline nor the truth has any of it.
        hd95_mm: 95 % Hausdorff distance of each region; 0 where neither has any of it, and the
            head's diagonal where one of them has none, as in the challenge. None where the size
            of the voxels is unknown.
        dataset: The name of its data set's folder.
    """

    case: str
    patient: str
    dice: Mapping[str, float]
    hd95_mm: Mapping[str, float | None]
    dataset: str = ""


def score_case(
    name: str,
    found: LabelArray,
    truth: LabelArray,
    *,
    regions: Sequence[str],
    spacing_mm: Sequence[float] | None,
    patient: str,
    dataset: str = "",
) -> CaseScore:
    """Compare two label maps of one grid.

    Args:
        name: The case's.
        found: uint8, (X, Y, Z): 0, 1, 2 and 4.
        truth: Likewise.
        regions: Short names of those to compare.
        spacing_mm: Of X, Y and Z; None where unknown.
        patient: Who it is of.
        dataset: Of the case.
    """
    ours = torch.from_numpy(to_regions(found, regions))[None]
    theirs = torch.from_numpy(to_regions(truth, regions))[None]
    dice = compute_dice(ours.float(), theirs.float(), ignore_empty=False)[0]
    distances: list[float | None] = []
    for index in range(len(regions)):
        here, there = ours[:, index : index + 1], theirs[:, index : index + 1]
        if spacing_mm is None:
            distances.append(None)
        elif here.any() and there.any():
            distances.append(_distance(here, there, spacing_mm))
        else:
            diagonal = np.linalg.norm(np.multiply(found.shape, spacing_mm))
            distances.append(float(diagonal) if here.any() or there.any() else 0.0)
    return CaseScore(
        name,
        patient,
        dict(zip(regions, map(float, dice), strict=True)),
        dict(zip(regions, distances, strict=True)),
        dataset,
    )


def _distance(here: Tensor, there: Tensor, spacing_mm: Sequence[float]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # MONAI warns of its own internals
        found = compute_hausdorff_distance(
            here,
            there,
            include_background=True,
            percentile=_PERCENTILE,
            spacing=[float(step) for step in spacing_mm],
        )
    return float(found)


def summary(scores: Sequence[CaseScore], *, seed: int = 0) -> dict[str, Any]:
    """Means and medians over heads, with 95 % intervals of the mean, bootstrapped by patient.

    Returns:
        ``cases``, and for each region ``dice`` and ``hd95_mm``: ``mean``, ``median`` and
        ``interval``, [low, high] or None with fewer than `MIN_GROUPS` patients. Distances are of
        the heads whose voxel size is known: all three are None where there are none, and
        ``cases`` beside them says of how many where some are not.
    """
    resamples = _resamples([score.patient for score in scores], seed)
    found: dict[str, Any] = {"cases": len(scores)}
    for region in scores[0].dice:
        for what, ends_of in (("dice", interval), ("hd95_mm", spread)):
            values = np.array([getattr(score, what)[region] for score in scores], np.float64)
            known = np.isfinite(values)
            ends = ends_of(_means(resamples, values, known), len(set(resamples.numbers[known])))
            found.setdefault(region, {})[what] = {
                "mean": round(float(values[known].mean()), 4) if known.any() else None,
                "median": round(float(np.median(values[known])), 4) if known.any() else None,
                "interval": [round(end, 4) for end in ends] if ends else None,
            } | ({} if known.all() else {"cases": int(known.sum())})
    return found


def _means(
    resamples: Resamples, values: npt.NDArray[np.float64], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Of what is known in each resample; NaN where that is nothing."""
    with np.errstate(invalid="ignore"):
        means = resamples.totals(np.where(known, values, 0)) / resamples.totals(known)
    return np.asarray(means, np.float64)


def _resamples(patients: Sequence[str], seed: int) -> Resamples:
    """Draws of patients in the order in which they come: runs keep figures that rest on these."""
    names = list(dict.fromkeys(patients))
    draws = np.random.default_rng(seed).integers(len(names), size=(_DRAWS, len(names)))
    weights = [np.bincount(row, minlength=len(names)) for row in draws]
    numbers = {name: number for number, name in enumerate(names)}
    return Resamples(
        np.array(weights, np.float64), np.array([numbers[patient] for patient in patients])
    )


def per_dataset(scores: Sequence[CaseScore]) -> dict[str, dict[str, Any]]:
    """The `summary` of each data set's heads, by its name."""
    names = sorted({score.dataset for score in scores})
    return {name: summary([one for one in scores if one.dataset == name]) for name in names}


def write_scores(path: Path, scores: Sequence[CaseScore]) -> None:
    """One line a head: Dice and distance of each region, which is empty where unknown."""
    regions = list(scores[0].dice)
    with PartialFile(path) as lines:
        writer = csv.writer(lines, lineterminator="\n")
        names = [f"{what}_{region}" for what in ("dice", "hd95_mm") for region in regions]
        writer.writerow(["case", "patient", "dataset", *names])
        for score in scores:
            figures = [*score.dice.values(), *score.hd95_mm.values()]
            about = (score.case, score.patient, score.dataset)
            writer.writerow([*about, *("" if one is None else f"{one:.4f}" for one in figures)])
