"""The regions of BraTS, which lie within one another, and the label map that holds all of them.

B. H. Menze and others, "The Multimodal Brain Tumor Image Segmentation Benchmark (BRATS)", IEEE
TMI 34(10), 2015, doi:10.1109/TMI.2014.2377694.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

WHOLE, CORE, ENHANCING = "WT", "TC", "ET"

REGIONS = {WHOLE: "whole tumor", CORE: "tumor core", ENHANCING: "enhancing tumor"}
"""Short name -> name, from the outermost inwards."""

LABELS = {WHOLE: 2, CORE: 1, ENHANCING: 4}
"""What a voxel is called in a label map whose innermost region this is: edema, necrosis and
non-enhancing tumor, enhancing tumor. Everything else is 0."""

_WITHIN = {WHOLE: (1, 2, 4), CORE: (1, 4), ENHANCING: (4,)}

BoolArray = npt.NDArray[np.bool_]
LabelArray = npt.NDArray[np.uint8]


def tissue_names(order: Sequence[str]) -> dict[int, str]:
    """What each label of `to_labels` is called where regions of these short names are known."""
    inner = {
        WHOLE: "edema" if {CORE, ENHANCING} & set(order) else REGIONS[WHOLE],
        CORE: "necrosis and non-enhancing core" if ENHANCING in order else REGIONS[CORE],
        ENHANCING: REGIONS[ENHANCING],
    }
    return {LABELS[name]: inner[name] for name in REGIONS if name in order}


def to_labels(regions: BoolArray, order: Sequence[str]) -> LabelArray:
    """Regions as one label map; what is core counts as whole tumor too, and so on inwards.

    Args:
        regions: bool, (R, ...).
        order: Their short names, for the first axis.

    Returns:
        uint8, (...): 0, 1, 2 or 4.
    """
    labels = np.zeros(regions.shape[1:], np.uint8)
    for name in REGIONS:
        if name in order:
            labels[regions[list(order).index(name)]] = LABELS[name]
    return labels


def to_regions(labels: npt.NDArray[Any], order: Sequence[str]) -> BoolArray:
    """A label map as regions.

    Args:
        labels: (...), of 0, 1, 2 and 4.
        order: Short names of the regions wanted.

    Returns:
        bool, (R, ...).
    """
    return np.stack([np.isin(labels, _WITHIN[name]) for name in order])
