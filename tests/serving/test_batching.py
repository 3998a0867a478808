import asyncio
import gc
import threading
import weakref

import numpy as np
import pytest

from tests.conftest import head
from tumorlens.errors import ScanContentError
from tumorlens.model import Model
from tumorlens.prediction import Prediction, predict_slices
from tumorlens.scan import Scan
from tumorlens.serving import batching
from tumorlens.serving.batching import Batcher


def _scans(count: int) -> list[Scan]:
    return [Scan(head(blob=15.0 * n), str(n)) for n in range(count)]


def _answer_together(
    scans: list[Scan], model: Model, sizes: list[int], **options: int
) -> list[Prediction | BaseException]:
    async def ask() -> list[Prediction | BaseException]:
        batcher = Batcher(model, max_batch=options.get("max_batch", 4), on_batch=sizes.append)
        try:
            waiting = (batcher.answer(one) for one in scans)
            return list(await asyncio.gather(*waiting, return_exceptions=True))
        finally:
            batcher.close()

    return asyncio.run(ask())


def test_answers_are_those_of_one_by_one_and_in_order(model: Model) -> None:
    scans, sizes = _scans(11), list[int]()
    answers = _answer_together(scans, model, sizes)
    for scan, answer in zip(scans, answers, strict=True):
        alone = predict_slices([scan], model=model)[0]
        assert isinstance(answer, Prediction)
        assert answer.source == scan.source
        assert answer.probabilities == pytest.approx(alone.probabilities, abs=1e-6)
    assert sum(sizes) == 11
    assert max(sizes) <= 4


def test_those_that_come_while_a_batch_runs_go_together(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(scans: list[Scan], *, model: Model) -> list[Prediction]:
        begun.set()
        assert go.wait(10)
        return predict_slices(scans, model=model)

    monkeypatch.setattr(batching, "predict_slices", slow)

    async def ask(sizes: list[int]) -> None:
        batcher = Batcher(model, max_batch=4, on_batch=sizes.append)
        first = asyncio.create_task(batcher.answer(_scans(1)[0]))
        await asyncio.to_thread(begun.wait, 10)
        rest = [asyncio.create_task(batcher.answer(one)) for one in _scans(6)]
        await asyncio.sleep(0.05)
        go.set()
        await asyncio.gather(first, *rest)
        batcher.close()

    sizes: list[int] = []
    asyncio.run(ask(sizes))
    assert sizes == [1, 4, 2]


def test_one_that_is_refused_does_not_cost_the_others(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(scans: list[Scan], *, model: Model) -> list[Prediction]:
        if any(scan.source == "2" for scan in scans):
            raise ScanContentError(expected="a", found="b", remedy="c")
        return predict_slices(scans, model=model)

    monkeypatch.setattr(batching, "predict_slices", picky)
    answers = _answer_together(_scans(5), model, [])
    assert [isinstance(one, ScanContentError) for one in answers] == [
        False, False, True, False, False,
    ]  # fmt: skip


def test_a_bug_reaches_those_that_wait_and_the_thread_lives_on(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(scans: list[Scan], *, model: Model) -> list[Prediction]:
        if np.isnan(scans[0].pixels).any():
            raise ZeroDivisionError
        return predict_slices(scans, model=model)

    monkeypatch.setattr(batching, "predict_slices", broken)
    bad = Scan(np.full((8, 8), np.nan, np.float32), "bad")
    answers = _answer_together([bad, *_scans(1)], model, [], max_batch=1)
    assert isinstance(answers[0], ZeroDivisionError)
    assert isinstance(answers[1], Prediction)


def test_the_end_answers_what_waits(model: Model) -> None:
    async def ask() -> list[Prediction]:
        batcher = Batcher(model, max_batch=2, on_batch=lambda _: None)
        waiting = [asyncio.create_task(batcher.answer(one)) for one in _scans(5)]
        await asyncio.sleep(0)
        await asyncio.to_thread(batcher.close)
        return list(await asyncio.gather(*waiting))

    assert len(asyncio.run(ask())) == 5


def test_a_scan_is_forgotten_with_its_answer(model: Model) -> None:
    """The thread that waits for the next one held the last batch, until there was one."""

    async def ask() -> bool:
        batcher = Batcher(model, max_batch=4, on_batch=lambda _: None)
        try:
            scans = _scans(3)
            pixels = [weakref.ref(one.pixels) for one in scans]
            waiting = [asyncio.ensure_future(batcher.answer(one)) for one in scans]
            del scans
            await asyncio.wait(waiting)
            waiting.clear()
            for _ in range(100):
                gc.collect()
                if not any(one() is not None for one in pixels):
                    return True
                await asyncio.sleep(0.02)
            return False
        finally:
            batcher.close()

    assert asyncio.run(ask())
