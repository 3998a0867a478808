"""The option that chooses which of a model's graphs answers."""

from enum import StrEnum


class Precision(StrEnum):
    """The graph that answers; the names of `tumorlens.model.GRAPHS`."""

    FLOAT32 = "float32"
    INT8 = "int8"
