"""Twins -> clusters of one picture -> groups that must stay on one side of a split."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tumorlens.lab.audit.entry import Entry
from tumorlens.lab.audit.twins import Twins


@dataclass(frozen=True, slots=True)
class Clusters:
    """Where each picture belongs, in the order of the entries.

    Attributes:
        cluster: The number of its cluster: the same picture, byte by byte or altered.
        group: The name of its group: clusters and patients joined; a patient's where one is
            known, else that of its first picture.
        patients: Its own patient where known, else its twins'; mostly one or none.
    """

    cluster: tuple[int, ...]
    group: tuple[str, ...]
    patients: tuple[tuple[str, ...], ...]


def cluster(entries: Sequence[Entry], twins: Iterable[Twins]) -> Clusters:
    """Join twins into clusters, and clusters and patients into groups."""
    count = len(entries)
    pairs = [(pair.first, pair.second) for pair in twins]
    first_of: dict[str, int] = {}
    kin = [
        (first_of.setdefault(entry.patient, index), index)
        for index, entry in enumerate(entries)
        if entry.patient is not None
    ]
    of_cluster, of_group = _components(count, pairs), _components(count, pairs + kin)
    patients = _patients(entries, of_cluster)
    names: dict[int, str] = {}
    for entry, number in zip(entries, of_group, strict=True):
        names.setdefault(number, entry.path.as_posix())
    named = _patients(entries, of_group)
    names |= {number: found[0] for number, found in named.items()}
    return Clusters(
        tuple(of_cluster),
        tuple(names[number] for number in of_group),
        tuple(
            (entry.patient,) if entry.patient is not None else patients.get(number, ())
            for entry, number in zip(entries, of_cluster, strict=True)
        ),
    )


def _patients(entries: Sequence[Entry], numbers: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The patients known of each cluster or group that has any, by name."""
    found: dict[int, set[str]] = {}
    for entry, number in zip(entries, numbers, strict=True):
        if entry.patient is not None:
            found.setdefault(number, set()).add(entry.patient)
    return {number: tuple(sorted(names)) for number, names in found.items()}


def _components(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return [int(number) for number in connected_components(graph, directed=False)[1]]
