"""Slices of requests that come at the same time go through the network together.

Nobody waits for company: while one batch is answered the next gathers, so that a lone request is
answered at once and a crowd in batches.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from tumorlens.errors import ScanError
from tumorlens.model import Model
from tumorlens.prediction import Prediction, predict_slices
from tumorlens.scan import Scan

_Waiting = tuple[Scan, "Future[Prediction]"]


class Batcher:
    """A thread that answers slices, a few at a time."""

    def __init__(self, model: Model, *, max_batch: int, on_batch: Callable[[int], object]) -> None:
        """Start the thread.

        Args:
            model: Answers.
            max_batch: Slices that go through the network together at most.
            on_batch: Told the size of each batch.
        """
        self._model = model
        self._max_batch = max_batch
        self._on_batch = on_batch
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="tumorlens-batcher", daemon=True)
        self._thread.start()

    async def answer(self, scan: Scan) -> Prediction:
        """Answer one slice, together with others that wait.

        Raises:
            ScanError: This slice cannot be answered; the others are.
        """
        future: Future[Prediction] = Future()
        self._queue.put((scan, future))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while self._answer_next():
            pass

    def _answer_next(self) -> bool:
        """Answer a batch, and hold nothing of it while the next one is awaited.

        Returns:
            Whether there is more to come.
        """
        first = self._queue.get()
        if first is None:
            return False
        batch, is_last = self._gather(first)
        self._answer([one for one in batch if one[1].set_running_or_notify_cancel()])
        return not is_last

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """All that wait now, up to a full batch; and whether the thread shall end after it."""
        batch = [first]
        while len(batch) < self._max_batch:
            try:
                one = self._queue.get_nowait()
            except queue.Empty:
                break
            if one is None:
                return batch, True
            batch.append(one)
        return batch, False

    def _answer(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        self._on_batch(len(batch))
        try:
            answers = predict_slices([scan for scan, _ in batch], model=self._model)
        except ScanError:  # one of them; alone, each shows whether it is the one
            for one in batch:
                self._answer_alone(*one)
        except BaseException as error:
            for _, future in batch:
                future.set_exception(error)
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                future.set_result(answer)

    def _answer_alone(self, scan: Scan, future: "Future[Prediction]") -> None:
        try:
            future.set_result(predict_slices([scan], model=self._model)[0])
        except BaseException as error:
            future.set_exception(error)
