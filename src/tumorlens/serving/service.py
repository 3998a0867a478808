"""The service: reads, answers and draws, all of it off the event loop."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from tumorlens.model import Model
from tumorlens.prediction import Prediction, VolumePrediction, predict
from tumorlens.scan import Scan, Volume
from tumorlens.serving.batching import Batcher
from tumorlens.serving.errors import BusyError
from tumorlens.serving.metrics import Metrics
from tumorlens.serving.opening import Upload, open_upload, pick_slice
from tumorlens.serving.room import Room
from tumorlens.serving.settings import Settings

T = TypeVar("T")
Finish = Callable[[Scan | Volume, Prediction | VolumePrediction], T]
"""Makes a response of what was read and its answer; runs in a thread."""


@dataclass(frozen=True, slots=True)
class _Finished(Generic[T]):
    """A volume's response."""

    response: T


class Service:
    """One model at work for many requests."""

    def __init__(self, model: Model, settings: Settings, metrics: Metrics) -> None:
        self.model = model
        self.settings = settings
        self.metrics = metrics
        self.is_ready = False
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="tumorlens-worker")
        self._batcher = Batcher(
            model, max_batch=settings.max_batch, on_batch=metrics.batches.observe
        )
        self._room = Room(settings.max_voxels)
        # What is read before others are finished stays in memory, one scan each.
        self._begun = asyncio.Semaphore(max(settings.workers, settings.max_batch))
        metrics.show_model(model.card)

    async def warm_up(self) -> None:
        """Run the graph once, so that the first request is as fast as the others."""
        size = self.model.card.preparation.size
        await self.work(partial(self.model.run, np.zeros((1, 1, size, size), np.float32)))
        self.is_ready = True

    def close(self) -> None:
        """End the threads once their work is done."""
        self.is_ready = False
        self._batcher.close()
        self._pool.shutdown()

    async def work(self, task: Callable[[], T]) -> T:
        """Run something slow in a thread of the service.

        What is given up while it waits for a thread is let go of at once, with the upload in it.
        What a thread has begun ends there, so that at most as many uploads as there are threads
        stay in memory for nobody.
        """
        held = [task]  # a cancelled future stays in the pool's queue until a thread comes to it

        def run() -> T:
            return held.pop()()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, run)
        except asyncio.CancelledError:
            held.clear()
            raise

    async def answer(
        self, upload: Upload | Scan, finish: Finish[T], *, index: int | None = None
    ) -> T:
        """Read an upload, answer it and make a response of it.

        Slices of several requests are answered together. A volume is read, answered and finished
        by one thread without a pause. No more scans are begun than go through the network
        together or than there are threads, and large ones wait for each other (`Room`).

        Args:
            upload: What was sent.
            finish: Makes the response.
            index: Answer this slice of a volume only.

        Raises:
            ScanError: It cannot be read or answered.
            BusyError: The model is not loaded yet.
        """
        if not self.is_ready:
            raise not_ready()
        async with self._begun:
            outcome = await self.work(partial(self._begin, upload, finish, index))
            if isinstance(outcome, _Finished):
                return outcome.response
            answer = await self._batcher.answer(outcome)
            self.metrics.count_answer(answer)
            return await self.work(partial(self._finish, finish, outcome, answer))

    @contextmanager
    def opened(self, upload: Upload | Scan) -> Iterator[Scan | Volume]:
        """Read an upload, in a thread, and hold it as long as there is something to do with it.

        Raises:
            ScanError: It cannot be read.
            BusyError: There is no room to unpack a zip.
        """
        scan = self._read(upload)
        with self._room.held(scan):
            yield scan

    def _read(self, upload: Upload | Scan) -> Scan | Volume:
        if isinstance(upload, Scan):
            return upload
        with self._room.to_read(upload.data):
            return open_upload(upload, limits=self.settings.limits)

    def _begin(
        self, upload: Upload | Scan, finish: Finish[T], index: int | None
    ) -> "Scan | _Finished[T]":
        """A slice that is still to be answered, or a volume's response."""
        scan = self._read(upload)
        if index is not None:
            scan = pick_slice(scan, index)
        if isinstance(scan, Scan):
            return scan
        with self._room.held(scan):
            answer = predict(scan, model=self.model)
            self.metrics.count_answer(answer)
            return _Finished(finish(scan, answer))

    def _finish(self, finish: Finish[T], scan: Scan, answer: Prediction) -> T:
        with self._room.held(scan):
            return finish(scan, answer)


def not_ready() -> BusyError:
    """The error for a model that does not answer yet."""
    return BusyError(
        expected="a service with its model loaded",
        found="one that is still starting",
        remedy="Ask again in a few seconds, when /health/ready says 200.",
    )
