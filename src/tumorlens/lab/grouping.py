"""Groups that must not be split: patients, and clusters of pictures that are nearly the same.

Public sets hold each other's slices re-encoded, resized, cropped and mirrored. Two pictures
whose heads, stretched to one square and freed of brightness, correlate above a threshold are
taken for the same slice; the groups they stand in become one. `SAME_PATIENT` ties pictures to
known patients: slices of different patients resemble each other more than one would think, and
chains of them would tie all patients into one group. What is tied to no patient then joins its
like above `SAME`. Copies that were cropped or drawn upon beyond recognition are missed.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tumorlens.lab.datasets import Example
from tumorlens.lab.pictures import ByteArray
from tumorlens.scan import FloatArray

SAME = 0.82
"""Correlation above which two pictures that no patient is known of count as one slice."""

SAME_PATIENT = 0.90
"""The same for all pictures: no two slices of different patients of `cheng` reach 0.92, and one
pair of 2,485 slices is above 0.90."""

_CHUNK = 1024  # rows of the similarity matrix at a time, so that memory stays flat


def group_near_duplicates(
    examples: Sequence[Example],
    thumbnails: ByteArray,
    *,
    same: float = SAME,
    same_patient: float = SAME_PATIENT,
) -> list[Example]:
    """Join the groups of pictures that are nearly the same.

    Slices of whole heads (`Example.whole_head`) are left as they are: neighbours resemble each
    other, and their groups are right already.

    Args:
        examples: The pictures.
        thumbnails: uint8, (pictures, side, side), in the same order.
        same: Correlation, in (0, 1), above which two pictures that no patient is known of
            count as one slice.
        same_patient: The same for all pictures.

    Returns:
        The examples in the same order; joined groups carry one name, a patient's where one of
        them has one.
    """
    loose = [index for index, example in enumerate(examples) if not example.whole_head]
    if len(loose) < 2:
        return list(examples)
    groups = [examples[index].group for index in loose]
    named = {examples[index].group for index in loose if examples[index].patient is not None}
    pairs = near_duplicates(thumbnails[loose], above=same)
    groups = _joined(groups, [(i, j) for i, j, likeness in pairs if likeness > same_patient])
    unnamed = [group not in named for group in groups]
    names = _joined(groups, [(i, j) for i, j, _ in pairs if unnamed[i] and unnamed[j]])
    grouped = list(examples)
    for index, name in zip(loose, names, strict=True):
        grouped[index] = replace(examples[index], group=name)
    return grouped


def join_groups(examples: Sequence[Example], pairs: Sequence[tuple[int, int]]) -> list[Example]:
    """Join the groups of pictures that are known to belong together.

    Args:
        examples: With the groups that are known of them.
        pairs: Indices of pictures whose groups become one.

    Returns:
        The examples in the same order; joined groups carry one name, a patient's where one of
        them has one.
    """
    names = _joined([example.group for example in examples], pairs)
    return [replace(one, group=name) for one, name in zip(examples, names, strict=True)]


def near_duplicates(thumbnails: ByteArray, *, above: float = SAME) -> list[tuple[int, int, float]]:
    """All pairs of pictures that are nearly the same, mirrored or not.

    Args:
        thumbnails: uint8, (pictures, side, side).
        above: The correlation that a pair must exceed.

    Returns:
        (i, j, correlation) with i < j.
    """
    plain, mirrored = _describe(thumbnails), _describe(thumbnails[:, :, ::-1])
    pairs: list[tuple[int, int, float]] = []
    for start in range(0, len(plain), _CHUNK):
        rows = plain[start : start + _CHUNK]
        alike = np.maximum(rows @ plain.T, rows @ mirrored.T)
        pairs += [
            (start + int(i), int(j), float(alike[i, j]))
            for i, j in zip(*np.nonzero(alike > above), strict=True)
            if start + i < j
        ]
    return pairs


def _describe(thumbnails: ByteArray) -> FloatArray:
    """float32, (pictures, side*side), unit length: local detail with the contrast evened out."""
    pixels = thumbnails.astype(np.float32)
    detail = gaussian_filter(pixels - gaussian_filter(pixels, (0, 4, 4)), (0, 0.7, 0.7))
    detail /= np.sqrt(gaussian_filter(detail**2, (0, 4, 4))) + 4
    rows = detail.reshape(len(detail), -1)
    rows -= rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-6), np.float32)


def _joined(groups: Sequence[str], pairs: Sequence[tuple[int, int]]) -> list[str]:
    """The groups' names after joining; the first in order of name stands for all of them."""
    names = sorted(set(groups))
    number = {name: index for index, name in enumerate(names)}
    ends = np.array([[number[groups[i]], number[groups[j]]] for i, j in pairs]).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(names),) * 2)
    component = connected_components(graph, directed=False)[1]
    first: dict[int, str] = {}
    for name, label in zip(names, component, strict=True):
        kept = first.setdefault(label, name)
        if ":" in name and ":" not in kept:
            first[label] = name
    return [first[component[number[group]]] for group in groups]
