"""Scan -> Image: the only road to a network, used by the runtime and the lab alike."""

from tumorlens.preparation.head import find_head
from tumorlens.preparation.image import Box, Image, Placement, Preparation, prepare
from tumorlens.preparation.percentiles import percentile, percentiles

__all__ = [
    "Box",
    "Image",
    "Placement",
    "Preparation",
    "find_head",
    "percentile",
    "percentiles",
    "prepare",
]
