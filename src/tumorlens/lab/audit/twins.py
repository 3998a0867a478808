"""Pairs of pictures that are the same one: byte by byte, or altered."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tumorlens.lab.audit.alignment import Agreement, align
from tumorlens.lab.audit.appearance import Appearance
from tumorlens.lab.audit.candidates import Candidate, find_candidates
from tumorlens.lab.audit.inspection import Inspected
from tumorlens.lab.progress import Progress, silent

SAME = 0.82
"""Correlation of the details above which two pictures laid on each other are the same one."""

MIN_OVERLAP = 0.5
"""Of the smaller picture that the other must cover."""

MIN_POINTS = 10
"""That must lie where the map from one picture to the other says."""

_IDENTICAL = Agreement(1.0, 1.0, 0, mirrored=False, turned=0)


@dataclass(frozen=True, slots=True)
class Twins:
    """Two pictures that are the same one.

    Attributes:
        first: Index of one picture.
        second: Index of the other, above ``first``.
        identical: Whether the files are the same byte by byte.
        agreement: How the pictures agree.
    """

    first: int
    second: int
    identical: bool
    agreement: Agreement


def find_twins(
    inspected: Sequence[Inspected],
    *,
    on_search: Progress = silent,
    on_compare: Progress = silent,
) -> list[Twins]:
    """All pairs of the same picture, as far as they are found.

    Slices of one known patient are compared byte by byte only: neighbouring ones resemble each
    other, and stand in one group anyway. Of files with the same bytes only the first is
    compared with others.

    Args:
        inspected: The files.
        on_search: Called with (done, total) while candidates are searched for.
        on_compare: Called with (done, total) while candidates are compared.

    Returns:
        Each pair once, in order.
    """
    first_of: dict[str, int] = {}
    twins: list[Twins] = []
    for index, one in enumerate(inspected):
        first = first_of.setdefault(one.sha256 or str(index), index)
        if first != index:
            twins.append(Twins(first, index, True, _IDENTICAL))
    looks: list[Appearance] = []
    numbers: list[int] = []
    for index in first_of.values():
        if (appearance := inspected[index].appearance) is not None:
            looks.append(appearance)
            numbers.append(index)
    patients = [inspected[index].entry.patient for index in numbers]
    candidates = [
        one
        for one in find_candidates(looks, progress=on_search)
        if patients[one.first] is None or patients[one.first] != patients[one.second]
    ]
    twins += [
        Twins(numbers[one.first], numbers[one.second], False, agreement)
        for one, agreement in _compare(looks, candidates, on_compare)
        if agreement is not None and is_same(agreement)
    ]
    return sorted(twins, key=lambda pair: (pair.first, pair.second))


def is_same(agreement: Agreement) -> bool:
    """Whether two pictures that agree so are the same one."""
    return (
        agreement.likeness >= SAME
        and agreement.overlap >= MIN_OVERLAP
        and agreement.points >= MIN_POINTS
    )


def _compare(
    looks: Sequence[Appearance], candidates: Sequence[Candidate], progress: Progress
) -> list[tuple[Candidate, Agreement | None]]:
    compared: list[tuple[Candidate, Agreement | None]] = []

    def compare(one: Candidate) -> Agreement | None:
        return align(looks[one.first], looks[one.second], mirrored=one.mirrored)

    with ThreadPoolExecutor() as threads:
        for candidate, agreement in zip(candidates, threads.map(compare, candidates), strict=True):
            compared.append((candidate, agreement))
            progress(len(compared), len(candidates))
    return compared
