"""The input gate: fitted on training pictures, its limits set on sources that it does not know.

What it must refuse is partly made up (`tumorlens.lab.gate.unlike`) and partly given, by kind. How
much it refuses is measured on each given kind by a gate fitted without that kind, and how many
brain scans it loses by limits set without the data set, and once more by a gate that was
fitted without the data set too. Computed tomograms among the scans are what must be refused
(`tumorlens.lab.datasets.tomograms`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.gate import GateNumbers
from tumorlens.lab.datasets import Example
from tumorlens.lab.datasets.tomograms import are_tomograms
from tumorlens.lab.gate.description import Described, describe
from tumorlens.lab.gate.fitting import fit_checks, fit_limits, is_refused, numbers_of
from tumorlens.lab.gate.material import gather, load_brains, load_others, sample
from tumorlens.lab.gate.measuring import (
    judge_unseen,
    limits_of,
    lost_parts,
    parts_of,
    refused_parts,
)
from tumorlens.lab.gate.space import fit_space
from tumorlens.lab.gate.unlike import UNLIKE
from tumorlens.lab.pictures import ByteArray
from tumorlens.lab.progress import Progress, silent
from tumorlens.model import Model

__all__ = [
    "Described",
    "FittedGate",
    "describe",
    "fit_gate",
    "load_brains",
    "load_others",
    "sample",
]


TOMOGRAMS = "brain_ct.among_the_scans"
"""The kind of the computed tomograms that stand in sets of MRI."""

NOTE = (
    "'refused' is of kinds left out of the fitting with all their like, 'lost' by limits set "
    "without the data set. The tomograms' kind is known to the gate. How much gray levels count, "
    "and how many scans of data sets left out the limits may lose, were chosen on these figures of "
    "the bundled model."
)
NO_OTHERS = (
    "No pictures of anything else were given: the gate was fitted on made-up ones and on tomograms "
    "among the scans, and how much it refuses of real ones is not known."
)
"""Stands in the card then."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedGate:
    """A gate, its limits by check, and what was measured."""

    numbers: GateNumbers
    limits: Mapping[str, float]
    measured: Mapping[str, Any]


def fit_gate(
    model: Model,
    training: Sequence[Example],
    pixels: ByteArray,
    validation: Sequence[Example],
    described: Described,
    *,
    tomograms: npt.NDArray[np.bool_],
    others: Mapping[str, ByteArray] | None = None,
    more: Mapping[str, ByteArray] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> FittedGate:
    """Fit the gate, set its limits and measure it.

    Args:
        model: As loaded by the runtime; its own gate is not asked.
        training: Brain scans the network learnt from.
        pixels: uint8, (training, size, size).
        validation: Other patients' brain scans.
        described: What `describe` gave of these; kinds are the data sets.
        tomograms: Which of the validation scans are none, but CT: bool, (validation,).
        others: By kind, what must be refused: uint8, (pictures, size, size) each; only made-up
            pictures where None. A kind with a dot, as ``natural.objects``, is more of the kind
            before it, to fit on only.
        more: By data set, brain scans of further sources that the network never saw, so that
            the gate knows them: uint8, (pictures, size, size) each.
        seed: Of sampling and of what is made up.
        progress: Called with (done, total) while the graph runs.

    Raises:
        DataError: There are too few training pictures.
    """
    random = np.random.default_rng(seed)
    is_ct = are_tomograms(pixels)
    given = dict(others or {}) | ({TOMOGRAMS: pixels[is_ct]} if is_ct.any() else {})
    material = gather(
        training,
        pixels,
        among=np.flatnonzero(~is_ct),
        others=given,
        more=more or {},
        preparation=model.card.preparation,
        random=random,
    )
    brains, other = (_described(model, parts, progress) for parts in material)
    scans = np.flatnonzero(~tomograms)
    chosen = scans[sample([validation[index].dataset for index in scans.tolist()], random)]
    held = described.part(chosen)
    kinds = whole_kinds(others or {})
    space = fit_space(brains)
    known, unlike, shown = (space.place(part) for part in (brains, other, held))
    checks = fit_checks(known, unlike)
    values = checks.values(shown)
    unseen = judge_unseen(brains, other, held, kinds)
    limits = limits_of(unseen.values) if unseen.values else fit_limits(values, shown.kinds)
    shown_ct = checks.values(space.place(described.part(tomograms)))
    measured = {
        "note": NOTE if kinds else NO_OTHERS,
        "refused": refused_parts(known, unlike, shown, unseen, kinds),
        "refused_tomograms_of_validation": parts_of({"all": is_refused(shown_ct, limits)}),
        "lost": lost_parts(values, shown, unseen, [validation[index] for index in chosen.tolist()]),
        "lost_without_the_data_set": parts_of(unseen.lost),
        "pictures": _counts(brains, other) | {"limits": len(held.kinds)},
        "fitted_on": {str(kind): int((other.kinds == kind).sum()) for kind in sorted(given)},
    }
    told = {name: parts for name, parts in measured.items() if parts}
    return FittedGate(numbers_of(space, checks), limits, told)


def whole_kinds(others: Mapping[str, Any]) -> list[str]:
    """The kinds that are measured: not those that are more of another, as ``natural.objects``."""
    return sorted(kind for kind in others if not any(kind.startswith(f"{one}.") for one in others))


def _counts(brains: Described, other: Described) -> dict[str, int]:
    """How many pictures of each sort the gate was fitted on."""
    made_up = int(np.isin(other.kinds, list(UNLIKE)).sum())
    return {"brain": len(brains.kinds), "made_up": made_up, "others": len(other.kinds) - made_up}


def _described(model: Model, parts: Mapping[str, ByteArray], progress: Progress) -> Described:
    kinds = [kind for kind, pixels in parts.items() for _ in pixels]
    return describe(model, np.concatenate(list(parts.values())), kinds, progress=progress)
