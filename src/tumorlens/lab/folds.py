"""Folds for figures that must not come from the patients something was fitted on."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

Indices = npt.NDArray[np.intp]

FOLDS = 5


def group_folds(
    targets: npt.NDArray[np.intp], groups: Sequence[str]
) -> Iterator[tuple[Indices, Indices]]:
    """Cut pictures into folds that share no group; nothing where a class has one group only.

    Args:
        targets: int, (pictures,), class numbers; spread evenly as far as the groups allow.
        groups: The group of each picture.

    Yields:
        (rest, fold), indices into the pictures.
    """
    pairs = {(int(target), group) for target, group in zip(targets, groups, strict=True)}
    kinds = [target for target, _ in pairs]
    count = min(FOLDS, *(kinds.count(kind) for kind in set(kinds))) if pairs else 0
    if count >= 2:
        cutter = StratifiedGroupKFold(count, shuffle=True, random_state=0)
        yield from cutter.split(np.zeros(len(targets)), targets, np.asarray(groups))
