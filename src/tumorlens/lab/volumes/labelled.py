"""One head with its outline, before it is read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tumorlens.volume_outlining.head import Head
from tumorlens.volume_outlining.regions import LabelArray


@dataclass(frozen=True, slots=True)
class LabelledHead:
    """One head with its outline, in whatever form its data set has it.

    Attributes:
        name: Its own, within the data.
        patient: Who it is of; several heads may be of one patient.
        group: The patient's name among those of all data sets, ``DATASET:NAME``, as in the splits
            of pictures.
        folder: Where it lies, for messages.
        sequences: That it has.
        regions: Short names of those that its outline tells apart.
        files: All that it is read from.
        read: Gives the head and its outline: uint8, (slices, rows, columns) on the head's own
            grid, 0, 1, 2 or 4 as in BraTS. Raises DataError where a file cannot be used.
    """

    name: str
    patient: str
    group: str
    folder: Path
    sequences: tuple[str, ...]
    regions: tuple[str, ...]
    files: tuple[Path, ...]
    read: Callable[[], tuple[Head, LabelArray]] = field(repr=False)

    @property
    def dataset(self) -> str:
        """The name of its data set's folder."""
        return self.group.partition(":")[0]
