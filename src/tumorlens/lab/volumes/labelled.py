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
        dataset: The name of its data set's folder.
        folder: Where it lies, for messages.
        sequences: That it has.
        files: All that it is read from.
        read: Gives the head and its outline: uint8, (slices, rows, columns) on the head's own
            grid, 0, 1, 2 or 4 as in BraTS. Raises DataError where a file cannot be used.
    """

    name: str
    patient: str
    dataset: str
    folder: Path
    sequences: tuple[str, ...]
    files: tuple[Path, ...]
    read: Callable[[], tuple[Head, LabelArray]] = field(repr=False)

    @property
    def group(self) -> str:
        """The patient's name among those of all data sets, as in the splits of pictures."""
        return f"{self.dataset}:{self.patient}"
