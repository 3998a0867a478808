"""What a run on volumes measured after each epoch: ``history.csv`` and ``curves.png``."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tumorlens.lab.figure import new_figure, save_figure
from tumorlens.reporting.folder import PartialFile


@dataclass(frozen=True, slots=True)
class VolumeEpoch:
    """One line of the history.

    Attributes:
        epoch: From 1.
        learning_rate: At the epoch's end.
        loss: Mean over the epoch's batches.
        dice: Mean over the validation heads, of each region; None where the epoch was not
            validated.
        seconds: Wall time of the epoch.
    """

    epoch: int
    learning_rate: float
    loss: float
    dice: dict[str, float] | None
    seconds: float

    @property
    def mean_dice(self) -> float:
        """Over the regions; below 0 where the epoch was not validated."""
        return sum(self.dice.values()) / len(self.dice) if self.dice else -1.0


def write_volume_history(
    folder: Path, records: Sequence[VolumeEpoch], regions: Sequence[str]
) -> None:
    """Write ``history.csv`` and ``curves.png`` (loss and Dice against epochs)."""
    with PartialFile(folder / "history.csv") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        dice = [f"dice_{region}" for region in regions]
        writer.writerow(["epoch", "learning_rate", "loss", *dice, "seconds"])
        for one in records:
            found = [f"{one.dice[r]:.4f}" if one.dice else "" for r in regions]
            measured = [f"{one.learning_rate:.3g}", f"{one.loss:.5f}", *found]
            writer.writerow([one.epoch, *measured, f"{one.seconds:.1f}"])
    figure, (left, right) = new_figure(columns=2)
    left.plot([one.epoch for one in records], [one.loss for one in records])
    left.set(xlabel="epoch", ylabel="training loss", title="Loss")
    validated = [one for one in records if one.dice]
    for region in regions:
        values = [one.dice[region] for one in validated if one.dice]
        right.plot([one.epoch for one in validated], values, marker="o", markersize=3, label=region)
    right.set(xlabel="epoch", ylabel="Dice", title="Validation", ylim=(0, 1))
    right.legend()
    for axis in (left, right):
        axis.grid(alpha=0.3)
    save_figure(figure, folder / "curves.png")
