"""What every contender can be asked to do; what it cannot do it leaves as it is here."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Contender:
    """A program that answers scans.

    Attributes:
        side: Of the square picture it takes, in pixels.
    """

    side = 224

    def __init__(self, model: Path) -> None:
        """Load everything; what is slow at the first call is done here once."""

    def network(self, pictures: Any) -> Any:
        """Prepared pictures, float32 (N, 1, side, side), to scores: the network alone."""
        raise NotImplementedError

    def network_heatmap(self, pictures: Any) -> Any:
        """Prepared pictures to scores and the heatmaps of the classes found."""
        raise NotImplementedError

    def answer(self, path: Path) -> dict[str, float]:
        """A file to its classes' probabilities."""
        raise NotImplementedError

    def heatmap(self, path: Path) -> tuple[dict[str, float], Any]:
        """A file to its probabilities and a heatmap, 0..1, on the file's own grid."""
        raise NotImplementedError

    def folder(self, paths: Sequence[Path]) -> int:
        """Files to probabilities and heatmaps as the program does many; returns how many."""
        raise NotImplementedError

    def folder_pictures(self, paths: Sequence[Path], output: Path) -> int:
        """The same, and a picture of scan and heatmap for each file in a folder."""
        raise NotImplementedError

    def volume(self, path: Path) -> int:
        """A NIfTI volume to its slices' probabilities and the heatmaps of three of them."""
        raise NotImplementedError
