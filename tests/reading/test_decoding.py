"""Decoding in several threads: none waits for another, and the warnings are as they were."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from tumorlens.errors import ScanCorruptError
from tumorlens.reading.decoding import decoding


def test_one_that_decodes_long_keeps_nobody_waiting() -> None:
    has_begun, is_answered = threading.Event(), threading.Event()

    def decode_long() -> bool:
        with decoding("large picture", source="a"):
            has_begun.set()
            return is_answered.wait(10)

    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(decode_long)
        assert has_begun.wait(10)
        with decoding("small picture", source="b"):
            is_answered.set()
        assert long.result()


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_warnings_are_silent_until_the_last_has_ended(first_ends_first: bool) -> None:
    before = list(warnings.filters)
    first, second = decoding("a", source=""), decoding("b", source="")
    first.__enter__()
    second.__enter__()
    one, other = (first, second) if first_ends_first else (second, first)
    one.__exit__(None, None, None)
    warnings.warn("an odd tag", stacklevel=1)
    other.__exit__(None, None, None)
    assert list(warnings.filters) == before
    with pytest.raises(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


def test_failures_end_the_silence_too() -> None:
    before = list(warnings.filters)

    def fail() -> None:
        with decoding("picture", source=""):
            warnings.warn("an odd tag", stacklevel=1)
            raise ValueError

    with ThreadPoolExecutor(8) as pool:
        failures = [pool.submit(fail).exception() for _ in range(200)]
    assert {type(failure) for failure in failures} == {ScanCorruptError}
    assert list(warnings.filters) == before
