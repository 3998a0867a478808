"""Scan -> Image: the only road to a network, used by the runtime and the lab alike."""

from tumorlens.preparation.head import find_head
from tumorlens.preparation.head_size import (
    impossible_sides,
    impossible_size,
    without_impossible_size,
)
from tumorlens.preparation.image import Box, Image, Placement, Preparation, prepare
from tumorlens.preparation.percentiles import percentile, percentiles, scale_between
from tumorlens.preparation.skull_stripping import (
    LEFT_ON,
    SKULL_STRIPPERS,
    find_brain,
    strip_skull,
    strips_volumes,
)

__all__ = [
    "LEFT_ON",
    "SKULL_STRIPPERS",
    "Box",
    "Image",
    "Placement",
    "Preparation",
    "find_brain",
    "find_head",
    "impossible_sides",
    "impossible_size",
    "percentile",
    "percentiles",
    "prepare",
    "scale_between",
    "strip_skull",
    "strips_volumes",
    "without_impossible_size",
]
