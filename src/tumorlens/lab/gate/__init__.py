"""The input gate: fitted on training pictures, its limits set on validation pictures.

What it must refuse is partly made up (`tumorlens.lab.gate.unlike`) and partly given, by kind. How
much it refuses is measured on each given kind by a gate fitted without that kind, and how many
brain scans it loses by limits set without the patient, and on each data set by a gate that was
fitted without the data set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorlens.gate import GateNumbers
from tumorlens.lab.datasets import Example
from tumorlens.lab.gate.description import Described, describe
from tumorlens.lab.gate.fitting import check_values, fit_limits, fit_numbers, fit_space
from tumorlens.lab.gate.material import gather, load_brains, load_others, sample
from tumorlens.lab.gate.measuring import lost_parts, lost_parts_unseen, refused_parts
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
        others: By kind, what must be refused: uint8, (pictures, size, size) each; only made-up
            pictures where None.
        more: By data set, brain scans of further sources that the network never saw, so that
            the gate knows them: uint8, (pictures, size, size) each.
        seed: Of sampling and of what is made up.
        progress: Called with (done, total) while the graph runs.

    Raises:
        DataError: There are too few training pictures.
    """
    random = np.random.default_rng(seed)
    material = gather(
        training,
        pixels,
        others=others or {},
        more=more or {},
        preparation=model.card.preparation,
        random=random,
    )
    brains, other = (_described(model, parts, progress) for parts in material)
    chosen = sample([example.dataset for example in validation], random)
    held = described.part(chosen)
    space = fit_space(brains)
    numbers = fit_numbers(space, brains, other)
    values = check_values(numbers, held)
    measured = {
        "refused": refused_parts(space, brains, other, held, sorted(others or {})),
        "lost": lost_parts(values, held, [validation[index] for index in chosen]),
        "lost_without_the_data_set": lost_parts_unseen(brains, other, held),
        "pictures": {
            "brain": len(brains.kinds),
            "made_up": int(np.isin(other.kinds, list(UNLIKE)).sum()),
            "others": int((~np.isin(other.kinds, list(UNLIKE))).sum()),
            "limits": len(held.kinds),
        },
    }
    return FittedGate(numbers, fit_limits(values), measured)


def _described(model: Model, parts: Mapping[str, ByteArray], progress: Progress) -> Described:
    kinds = [kind for kind, pixels in parts.items() for _ in pixels]
    return describe(model, np.concatenate(list(parts.values())), kinds, progress=progress)
