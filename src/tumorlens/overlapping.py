"""Work that overlaps: a few tasks ahead in threads, results in order, memory flat."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def cores() -> int:
    """How many cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def overlapped(
    task: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    workers: int,
    alone: Callable[[_Item], bool] = lambda _: False,
) -> Iterator[_Result]:
    """``map(task, items)``, a few results ahead of whoever takes them.

    Args:
        task: Runs in threads; what it raises is raised where its result would come.
        items: Taken one by one, as results are taken, by the thread that takes them.
        workers: Threads; with 1 everything runs in the caller's thread, nothing ahead.
        alone: Items that are large: they are done in the caller's thread when their turn comes,
            with no result waiting, so that there is one of them in memory at a time.

    Yields:
        Results, in the order of the items.
    """
    if workers < 2:
        yield from map(task, items)
        return
    waiting: deque[Future[_Result]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            if alone(item):
                yield from _drain(waiting)
                yield task(item)
                continue
            waiting.append(pool.submit(task, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        yield from _drain(waiting)
    finally:
        pool.shutdown(cancel_futures=True)


def _drain(waiting: "deque[Future[_Result]]") -> Iterator[_Result]:
    while waiting:
        yield waiting.popleft().result()
