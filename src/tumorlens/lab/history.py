"""What a run measured after each epoch: kept as ``history.csv`` and drawn as ``curves.png``."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tumorlens.lab.figure import new_figure, save_figure, whole_numbers
from tumorlens.reporting.folder import PartialFile

HISTORY_FILE = "history.csv"


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One line of the history.

    Attributes:
        epoch: From 1.
        learning_rate: At the epoch's end.
        training_loss: Mean over the epoch's batches, augmentation and class weights included.
        training_accuracy: On the augmented pictures, in [0, 1].
        validation_loss: Cross-entropy in which each class of each data set counts alike; this and
            what follows on the validation pictures drawn once with the data sets' shares.
        validation_accuracy: In [0, 1].
        validation_macro_recall: Mean of the classes' recalls, in [0, 1].
        seconds: Wall time of the epoch.
        device: That it ran on.
    """

    epoch: int
    learning_rate: float
    training_loss: float
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float
    validation_macro_recall: float
    seconds: float
    device: str = "cpu"


def write_history(folder: Path, records: Sequence[EpochRecord]) -> None:
    """Write ``history.csv`` and ``curves.png`` (loss and accuracy against epochs)."""
    with PartialFile(folder / HISTORY_FILE) as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(EpochRecord)])
        writer.writeheader()
        writer.writerows(asdict(record) for record in records)
    draw_curves(folder / "curves.png", records)


def draw_curves(path: Path, records: Sequence[EpochRecord]) -> None:
    """Draw loss and accuracy against epochs, training and validation, side by side."""
    figure, axes = new_figure(columns=2)
    epochs = [record.epoch for record in records]
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        for part in ("training", "validation"):
            values = [getattr(record, f"{part}_{quantity}") for record in records]
            axis.plot(epochs, values, marker="o", markersize=3, label=part)
        axis.set(xlabel="epoch", ylabel=quantity, title=quantity.capitalize())
        whole_numbers(axis)
        axis.grid(alpha=0.3)
        axis.legend()
    save_figure(figure, path)
