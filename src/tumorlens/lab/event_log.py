"""A run's history as TensorBoard shows it: the same figures as ``history.csv``, epoch by epoch."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lightning_fabric.loggers.tensorboard import TensorBoardLogger

from tumorlens.lab.history import EpochRecord

EVENTS = "tensorboard"
"""Within a run folder."""

_FLUSH_SECONDS = 5


class EventLog:
    """Writes a run's records into ``RUN/tensorboard``, each epoch once.

    Nothing is written before the first record is there. An earlier log of the run is written anew
    then: what a killed run had logged may lack its last epochs.

    Args:
        run: The run folder.
    """

    def __init__(self, run: Path) -> None:
        self._folder = run / EVENTS
        self._logger: TensorBoardLogger | None = None
        self._written = 0

    def write(self, history: Sequence[EpochRecord]) -> None:
        """Log the records that are not logged yet.

        Args:
            history: All records of the run so far.
        """
        if self._logger is None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._logger = TensorBoardLogger(
                self._folder,
                name="",
                version="",
                purge_step=1,  # a TensorBoard that is open forgets the earlier log
                flush_secs=_FLUSH_SECONDS,
            )
        for record in history[self._written :]:
            figures = {k: v for k, v in asdict(record).items() if k not in ("epoch", "device")}
            self._logger.log_metrics(figures, step=record.epoch)
        self._written = len(history)

    def close(self) -> None:
        """Write out what is still in memory."""
        if self._logger is not None:
            self._logger.finalize("success")
