"""Which pictures may be twins: those that share many look-alike points.

Every point looks for its nearest among the points of all pictures (faiss; an inverted file of
2 sqrt(points) lists, so that the search grows with the power 1.5 of the pictures), once as
it is and once mirrored. Pictures that get several hits of one picture are candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

from tumorlens.lab.audit.appearance import Appearance, mirror, root
from tumorlens.lab.progress import Progress, silent
from tumorlens.scan import FloatArray

MIN_HITS = 6
"""Pictures that share fewer points are no candidates."""

MAX_CANDIDATES = 12
"""So many candidates a picture, those with the most hits."""

LIKE = 0.85
"""Product of two RootSIFT descriptors above which two points are alike."""

_NEAREST = 8  # hits a point
_DIMENSIONS = 64  # of the 128, after a principal component analysis
_LISTS_SEARCHED = 4
_ROUNDS = 10  # of k-means
_FEW = 20_000  # points up to which every one is compared with every other
_TRAINED_ON = 50  # points a list, at least
_BATCH = 1000  # pictures searched at a time


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two pictures that may be twins.

    Attributes:
        first: Index of one picture.
        second: Index of the other, above ``first``.
        mirrored: Whether one of them looks mirrored.
        hits: How many points they share.
    """

    first: int
    second: int
    mirrored: bool
    hits: int


def find_candidates(
    appearances: Sequence[Appearance], *, progress: Progress = silent
) -> list[Candidate]:
    """Pairs of pictures worth a closer look.

    Args:
        appearances: Of all pictures.
        progress: Called with (done, total) as pictures have been searched for.

    Returns:
        Each pair once, in order.
    """
    counts = np.array([len(one.points) for one in appearances], np.int64)
    if counts.sum() == 0:
        return []
    owner = np.repeat(np.arange(len(appearances)), counts)
    index = _Index(appearances)
    best: dict[tuple[int, int], Candidate] = {}
    for start in range(0, len(appearances), _BATCH):
        batch = appearances[start : start + _BATCH]
        asking = np.repeat(np.arange(start, start + len(batch)), counts[start : start + _BATCH])
        raw = np.concatenate([one.descriptors for one in batch])
        found = [
            (*each, mirrored)
            for mirrored in (False, True)
            for each in _hits(index.search(mirror(raw) if mirrored else raw), asking, owner)
        ]
        for one in _most_hit(found):
            known = best.setdefault((one.first, one.second), one)
            if one.hits > known.hits:
                best[one.first, one.second] = one
        progress(min(start + _BATCH, len(appearances)), len(appearances))
    return [best[pair] for pair in sorted(best)]


class _Index:
    """All pictures' points, ready to be searched for near ones."""

    def __init__(self, appearances: Sequence[Appearance]) -> None:
        count = sum(len(one.points) for one in appearances)
        lists = int(2 * count**0.5)
        sample = _sample(appearances, _TRAINED_ON * lists, count)
        self._reduction = faiss.PCAMatrix(128, _DIMENSIONS)
        self._reduction.train(root(sample))
        self._index = _empty_index(lists if count > _FEW else None)
        self._index.train(self._reduced(sample))
        for start in range(0, len(appearances), _BATCH):
            batch = [one.descriptors for one in appearances[start : start + _BATCH]]
            self._index.add(self._reduced(np.concatenate(batch)))

    def search(self, descriptors: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
        """int64, (points, nearest): indices of points like each; -1 where there are fewer."""
        if len(descriptors) == 0:
            return np.full((0, _NEAREST), -1, np.int64)
        likeness, nearest = self._index.search(self._reduced(descriptors), _NEAREST)
        return np.where(likeness > LIKE, nearest, -1)

    def _reduced(self, descriptors: npt.NDArray[np.generic]) -> FloatArray:
        rows = self._reduction.apply(root(np.asarray(descriptors, np.uint8)))
        faiss.normalize_L2(rows)
        return np.asarray(rows, np.float32)


def _empty_index(lists: int | None) -> faiss.Index:
    """Exact for few points; else 8 bits a value, in lists."""
    product = faiss.METRIC_INNER_PRODUCT
    if lists is None:
        return faiss.IndexFlatIP(_DIMENSIONS)
    index = faiss.index_factory(_DIMENSIONS, f"IVF{lists},SQ8", product)
    assert isinstance(index, faiss.IndexIVF)
    index.cp.niter = _ROUNDS
    index.nprobe = _LISTS_SEARCHED
    return index


def _sample(appearances: Sequence[Appearance], wanted: int, count: int) -> npt.NDArray[np.uint8]:
    """About ``wanted`` descriptors, from pictures spread evenly over all."""
    step = max(1, count // wanted)
    return np.concatenate([one.descriptors for one in appearances[::step]])


def _hits(
    nearest: npt.NDArray[np.int64], asking: npt.NDArray[np.int64], owner: npt.NDArray[np.int64]
) -> list[tuple[int, int, int]]:
    """(asking picture, found picture, points): each point counts once for each picture."""
    points, ranks = np.nonzero(nearest >= 0)
    pictures = owner[nearest[points, ranks]]
    total = len(owner) and int(owner[-1]) + 1
    once = np.unique(points * total + pictures)
    pairs, counts = np.unique(asking[once // total] * total + once % total, return_counts=True)
    enough = (counts >= MIN_HITS) & (pairs // total != pairs % total)
    return [
        (int(pair // total), int(pair % total), int(hits))
        for pair, hits in zip(pairs[enough], counts[enough], strict=True)
    ]


def _most_hit(found: list[tuple[int, int, int, bool]]) -> list[Candidate]:
    """Each asking picture's `MAX_CANDIDATES` best."""
    found = sorted(found, key=lambda each: (each[0], -each[2], each[1]))
    kept: list[Candidate] = []
    asking, rank = -1, 0
    for one, other, hits, mirrored in found:
        asking, rank = one, rank + 1 if one == asking else 1
        if rank <= MAX_CANDIDATES:
            kept.append(Candidate(min(one, other), max(one, other), mirrored, hits))
    return kept
