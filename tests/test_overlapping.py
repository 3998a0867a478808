import threading
from collections.abc import Iterator

import pytest

from tumorlens.overlapping import cores, overlapped


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("alone", [lambda _: False, lambda _: True, lambda item: item % 3 == 0])
def test_results_are_those_of_map_in_order(workers: int, alone: object) -> None:
    got = overlapped(lambda n: n * n, range(20), workers=workers, alone=alone)  # type: ignore[arg-type]
    assert list(got) == [n * n for n in range(20)]


def test_tasks_run_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=10)
    assert list(overlapped(lambda n: meeting.wait() >= 0, range(4), workers=2)) == [True] * 4


def test_no_more_is_taken_than_can_be_worked_on() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = overlapped(lambda n: n, items(), workers=2)
    assert next(results) == 0
    assert len(taken) == 3
    results.close()  # type: ignore[attr-defined]
    assert len(taken) == 3


def test_large_items_run_in_the_callers_thread_with_nothing_waiting() -> None:
    where: dict[int, str] = {}
    running: set[int] = set()
    seen_beside: list[set[int]] = []

    def task(number: int) -> int:
        where[number] = threading.current_thread().name
        running.add(number)
        if number == 5:
            seen_beside.append(running - {5})
        running.discard(number)
        return number

    assert list(overlapped(task, range(9), workers=3, alone=lambda n: n == 5)) == list(range(9))
    assert where[5] == threading.current_thread().name
    assert where[0] != where[5]
    assert seen_beside == [set()]


def test_an_error_comes_where_its_result_would() -> None:
    results = overlapped(lambda n: 1 // (2 - n), range(5), workers=2)
    assert next(results) == 0
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_there_is_a_core() -> None:
    assert cores() >= 1
