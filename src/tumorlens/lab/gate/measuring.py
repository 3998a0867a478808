"""What a gate refuses and loses, of pictures left out when it was fitted; and its limits.

A scanner that nobody showed to the gate looks stranger to it than those it was fitted on. So the
limits are not set on what it knows: each data set's scans are judged by a gate that was fitted
without the data set, and the limits lose few of these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tumorlens.lab.datasets import Example
from tumorlens.lab.folds import group_folds
from tumorlens.lab.gate.description import Described
from tumorlens.lab.gate.fitting import Checks, fit_checks, fit_limits, is_refused
from tumorlens.lab.gate.space import Placed, Values, fit_space

_Lost = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Every check's values of data sets that the gate was fitted without, by data set.

    Attributes:
        values: By a gate fitted without it: (pictures, checks) each.
        without: By each kind of other pictures that was left out too, the same.
        lost: Which of its pictures are refused by limits that never saw it either; data sets
            of which that can be told.
    """

    values: dict[str, Values] = field(default_factory=dict)
    without: dict[str, dict[str, Values]] = field(default_factory=dict)
    lost: dict[str, _Lost] = field(default_factory=dict)


def judge_unseen(
    brains: Described, other: Described, held: Described, kinds: Sequence[str]
) -> Unseen:
    """Judge each data set by gates fitted without it.

    Its validation scans are judged; all its scans where the network learnt from none.

    Args:
        brains: Brain scans to fit on; kinds are the data sets.
        other: What must be refused, by kind.
        held: Validation scans.
        kinds: Which of the kinds are left out in turn.

    Returns:
        Nothing where there is one data set only.
    """
    found = Unseen()
    names = [str(name) for name in np.unique(brains.kinds)]
    for name in names if len(names) > 1 else []:
        space = fit_space(brains.part(brains.kinds != name))
        known, unlike = space.place(brains), space.place(other)
        judged = {one: space.place(_shown(brains, held, one)) for one in names}
        rest = known.part(known.kinds != name)
        checks = fit_checks(rest, unlike)
        found.values[name] = checks.values(judged[name])
        for kind in kinds:
            fewer = fit_checks(rest, unlike.part(~is_of(unlike.kinds, kind)), near=checks)
            found.without.setdefault(kind, {})[name] = fewer.values(judged[name])
        if len(names) > 2:
            foreign = _judge_others(rest, unlike, judged, name, checks)
            found.lost[name] = is_refused(found.values[name], limits_of(foreign))
    return found


def _judge_others(
    rest: Placed, unlike: Placed, judged: Mapping[str, Placed], name: str, near: Checks
) -> dict[str, Values]:
    """The other data sets, each by checks fitted without it and without ``name``."""
    found = {}
    for one in judged:
        if one != name:
            checks = fit_checks(rest.part(rest.kinds != one), unlike, near=near)
            found[one] = checks.values(judged[one])
    return found


def _shown(brains: Described, held: Described, name: str) -> Described:
    own = held.part(held.kinds == name)
    return own if len(own.kinds) else brains.part(brains.kinds == name)


def limits_of(values: Mapping[str, Values]) -> dict[str, float]:
    """Limits from the values of several data sets, which count alike."""
    kinds = np.repeat(list(values), [len(each) for each in values.values()])
    return fit_limits(np.concatenate(list(values.values())), kinds)


def refused_parts(
    brains: Placed, other: Placed, held: Placed, unseen: Unseen, kinds: Sequence[str]
) -> dict[str, float]:
    """Of each given kind the part refused by a gate and limits fitted without it, and of all.

    Pictures of the same kind from elsewhere (`is_of`) are left out of the fitting too.
    """
    found = {}
    for kind in kinds:
        checks = fit_checks(brains, other.part(~is_of(other.kinds, kind)))
        left_out = unseen.without.get(kind)
        limits = limits_of(left_out) if left_out else fit_limits(checks.values(held), held.kinds)
        found[kind] = is_refused(checks.values(other.part(other.kinds == kind)), limits)
    return parts_of(found)


def is_of(kinds: npt.NDArray[np.str_], kind: str) -> npt.NDArray[np.bool_]:
    """Which are of a kind: ``natural``, or the same from elsewhere, such as ``natural.objects``."""
    return np.asarray((kinds == kind) | np.char.startswith(kinds, f"{kind}."))


def lost_parts(
    values: Values, held: Placed, unseen: Unseen, validation: Sequence[Example]
) -> dict[str, float]:
    """The part of the validation scans lost, by data set, and of all.

    The limits are set without the data set, or without the patient where there is one only.
    """
    if len(unseen.values) > 1:
        return parts_of(
            {
                str(name): is_refused(
                    values[held.kinds == name],
                    limits_of({one: v for one, v in unseen.values.items() if one != name}),
                )
                for name in np.unique(held.kinds)
            }
        )
    names, numbers = np.unique(held.kinds, return_inverse=True)
    lost = np.zeros(len(values), bool)
    done = np.zeros(len(values), bool)
    for rest, fold in group_folds(numbers, [example.group for example in validation]):
        lost[fold] = is_refused(values[fold], fit_limits(values[rest], held.kinds[rest]))
        done[fold] = True
    return parts_of({str(name): lost[done & (held.kinds == name)] for name in names if done.any()})


def parts_of(found: Mapping[str, _Lost]) -> dict[str, float]:
    """The true part of each, and of all together under ``all``; nothing of nothing."""
    filled = {name: row for name, row in found.items() if len(row)}
    if not filled:
        return {}
    whole = np.concatenate(list(filled.values()))
    every = {"all": whole} | filled
    return {name: round(float(row.mean()), 4) for name, row in every.items()}
