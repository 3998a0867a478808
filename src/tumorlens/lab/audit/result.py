"""What an audit found, and the same as JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from tumorlens.lab.audit import twins as rule
from tumorlens.lab.audit.clusters import Clusters
from tumorlens.lab.audit.entry import Entry
from tumorlens.lab.audit.inspection import FAULTS, Inspected
from tumorlens.lab.audit.twins import Twins
from tumorlens.lab.datasets.example import TUMOR
from tumorlens.labels import NO_TUMOR

OTHER_LABEL, OTHER_PATIENT = "other label", "other patient"
OTHER_HALF, OTHER_DATASET, WITHIN = "other half", "other data set", "same set"

RELATIONS = {
    OTHER_LABEL: "the twins carry different labels: at least one is wrong",
    OTHER_PATIENT: "the twins are said to be of different patients",
    OTHER_HALF: "one is in training, the other in testing or validation of the same data set",
    OTHER_DATASET: "the data sets hold the same picture",
    WITHIN: "the same picture twice in one set",
}
"""What two twins are to each other, the worst first, and what it means."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Groups that stand in two sets, so that one does not test what the other has taught.

    Attributes:
        first: One set: a data set, or a half of one.
        second: The other.
        groups: How many groups stand in both.
        pictures: How many pictures of ``first`` and of ``second`` are of these groups.
        totals: How many pictures ``first`` and ``second`` have.
    """

    first: str
    second: str
    groups: int
    pictures: tuple[int, int]
    totals: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What was found in the pictures of one or more data sets.

    Attributes:
        files: Every file.
        twins: Pairs of the same picture, as indices into ``files``.
        clusters: Clusters and groups, in the order of ``files``.
        passed_over: Pictures, other scans and tables of labels in the folders that were not
            looked at, because the data sets they lie in do not take them up.
    """

    files: tuple[Inspected, ...]
    twins: tuple[Twins, ...]
    clusters: Clusters
    passed_over: tuple[Path, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every file's place and label, in the order of ``files``."""
        return tuple(one.entry for one in self.files)

    def relation(self, pair: Twins) -> str:
        """What two twins are to each other, the worst that is true of `RELATIONS`."""
        first, second = self.files[pair.first].entry, self.files[pair.second].entry
        if len(self._kinds((pair.first, pair.second))) > 1:
            return OTHER_LABEL
        if first.patient and second.patient and first.patient != second.patient:
            return OTHER_PATIENT if first.dataset == second.dataset else OTHER_DATASET
        if first.dataset != second.dataset:
            return OTHER_DATASET
        return WITHIN if first.half == second.half else OTHER_HALF

    def faulty(self, fault: str) -> list[Inspected]:
        """The files that have a fault of `FAULTS`."""
        return [one for one in self.files if fault in one.faults]

    def clusters_of(self, *, labels: bool) -> list[list[int]]:
        """Clusters of more than one picture, as indices into ``files``.

        Args:
            labels: Only those in which pictures carry different labels.
        """
        members: dict[int, list[int]] = {}
        for index, number in enumerate(self.clusters.cluster):
            members.setdefault(number, []).append(index)
        found = [each for each in members.values() if len(each) > 1]
        return [each for each in found if len(self._kinds(each)) > 1] if labels else found

    def _kinds(self, indices: Sequence[int]) -> set[str]:
        """Their labels; "some tumor" does not contradict a kind of tumor."""
        found = {label for index in indices if (label := self.files[index].entry.label)}
        return found - {TUMOR} if found - {TUMOR, NO_TUMOR} else found

    def carried(self) -> list[Carried]:
        """Every two sets that share a group, those that share most first."""
        groups: dict[str, Counter[str]] = {}
        for entry, group in zip(self.entries, self.clusters.group, strict=True):
            groups.setdefault(entry.set, Counter())[group] += 1
        found = []
        for first, second in combinations(sorted(groups), 2):
            if shared := groups[first].keys() & groups[second].keys():
                ours, theirs = groups[first], groups[second]
                pictures = sum(ours[g] for g in shared), sum(theirs[g] for g in shared)
                totals = ours.total(), theirs.total()
                found.append(Carried(first, second, len(shared), pictures, totals))
        return sorted(found, key=lambda each: -sum(each.pictures))

    def balance(self) -> dict[str, dict[str, int]]:
        """How many pictures of each class each set has; ``unknown`` without a label."""
        counts: dict[str, Counter[str]] = {}
        for entry in self.entries:
            counts.setdefault(entry.set, Counter())[entry.label or "unknown"] += 1
        return {name: dict(sorted(found.items())) for name, found in sorted(counts.items())}

    def to_json(self) -> dict[str, Any]:
        """Everything, with the rule by which pictures count as the same."""
        relations = Counter(map(self.relation, self.twins))
        twins = self.clusters_of(labels=False)
        return {
            "pictures": len(self.files),
            "groups": len(set(self.clusters.group)),
            "passed_over": [path.as_posix() for path in self.passed_over],
            "rule": {
                "likeness": rule.SAME,
                "overlap": rule.MIN_OVERLAP,
                "points": rule.MIN_POINTS,
            },
            "balance": self.balance(),
            "faults": {fault: [_fault_json(one) for one in self.faulty(fault)] for fault in FAULTS},
            "not_compared": [
                one.entry.path.as_posix()
                for one in self.files
                if one.appearance is not None and len(one.appearance.points) < rule.MIN_POINTS
            ],
            "clusters": {
                "count": len(twins),
                "pictures": sum(map(len, twins)),
                "two_labels": [self._members(each) for each in self.clusters_of(labels=True)],
            },
            "relations": {name: relations.get(name, 0) for name in RELATIONS},
            "carried": [_carried_json(one) for one in self.carried()],
            "twins": list(self._twins_json()),
        }

    def _members(self, indices: Sequence[int]) -> list[dict[str, str | None]]:
        return [
            {"path": entry.path.as_posix(), "label": entry.label, "set": entry.set}
            for entry in (self.files[index].entry for index in indices)
        ]

    def _twins_json(self) -> Iterator[dict[str, Any]]:
        for pair in self.twins:
            agreement = pair.agreement
            yield {
                "first": self.files[pair.first].entry.path.as_posix(),
                "second": self.files[pair.second].entry.path.as_posix(),
                "relation": self.relation(pair),
                "identical": pair.identical,
                "likeness": round(agreement.likeness, 4),
                "overlap": round(agreement.overlap, 4),
                "mirrored": agreement.mirrored,
                "turned": agreement.turned,
            }


def _fault_json(one: Inspected) -> dict[str, Any]:
    found: dict[str, Any] = {"path": one.entry.path.as_posix()}
    if one.reason:
        found["reason"] = one.reason
    if one.shape is not None:
        found["shape"] = list(one.shape)
    return found


def _carried_json(one: Carried) -> dict[str, Any]:
    return {
        "first": one.first,
        "second": one.second,
        "groups": one.groups,
        "pictures": list(one.pictures),
        "of": list(one.totals),
    }
