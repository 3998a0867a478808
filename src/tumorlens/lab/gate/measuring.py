"""What a gate refuses and loses, of pictures left out when it was fitted."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tumorlens.lab.datasets import Example
from tumorlens.lab.folds import group_folds
from tumorlens.lab.gate.description import Described
from tumorlens.lab.gate.fitting import (
    Space,
    check_values,
    fit_limits,
    fit_numbers,
    fit_space,
    is_refused,
)


def refused_parts(
    space: Space, brains: Described, other: Described, held: Described, kinds: Sequence[str]
) -> dict[str, float]:
    """Of each given kind the part refused by a gate fitted without it, and of all."""
    found = {}
    for kind in kinds:
        is_it = other.kinds == kind
        numbers = fit_numbers(space, brains, other.part(~is_it))
        limits = fit_limits(check_values(numbers, held))
        found[kind] = is_refused(check_values(numbers, other.part(is_it)), limits)
    return _parts(found)


def lost_parts(
    values: npt.NDArray[np.float64], held: Described, validation: Sequence[Example]
) -> dict[str, float]:
    """The part of the brain scans lost by limits set on other groups: by data set, and all."""
    names, numbers = np.unique(held.kinds, return_inverse=True)
    lost = np.zeros(len(values), bool)
    done = np.zeros(len(values), bool)
    for rest, fold in group_folds(numbers, [example.group for example in validation]):
        lost[fold] = is_refused(values[fold], fit_limits(values[rest]))
        done[fold] = True
    return _parts({str(name): lost[done & (held.kinds == name)] for name in names if done.any()})


def lost_parts_unseen(brains: Described, other: Described, held: Described) -> dict[str, float]:
    """Of each data set the part lost by a gate whose fitting and limits never saw it.

    Counted on its validation scans; on all its scans where the network learnt from none.
    """
    found = {}
    for name in np.unique(brains.kinds):
        rest = brains.part(brains.kinds != name)
        own, foreign = held.part(held.kinds == name), held.part(held.kinds != name)
        if len(rest.kinds) < 2 or not len(foreign.kinds):
            continue
        numbers = fit_numbers(fit_space(rest), rest, other)
        limits = fit_limits(check_values(numbers, foreign))
        shown = own if len(own.kinds) else brains.part(brains.kinds == name)
        found[str(name)] = is_refused(check_values(numbers, shown), limits)
    return _parts(found)


def _parts(found: Mapping[str, npt.NDArray[np.bool_]]) -> dict[str, float]:
    """The true part of each, and of all together under ``all``; nothing of nothing."""
    filled = {name: row for name, row in found.items() if len(row)}
    if not filled:
        return {}
    whole = np.concatenate(list(filled.values()))
    every = {"all": whole} | filled
    return {name: round(float(row.mean()), 4) for name, row in every.items()}
