"""By what the pictures are told apart in the tables of scores."""

from collections.abc import Callable, Mapping

from tumorlens.lab.datasets import Example

UNKNOWN = "not known"


def dataset_of(example: Example) -> str:
    """The data set's name."""
    return example.dataset


def plane_of(example: Example) -> str:
    """``axial``, ``coronal`` or ``sagittal``, or ``not known``."""
    return example.plane or UNKNOWN


def sequence_of(example: Example) -> str:
    """``t1``, ``t1c``, ``t2`` or ``flair``, or ``not known``."""
    return example.sequence or UNKNOWN


STRATA: Mapping[str, Callable[[Example], str]] = {
    "per_dataset": dataset_of,
    "per_plane": plane_of,
    "per_sequence": sequence_of,
}
"""By the name under which each table stands in ``evaluation.json``."""
