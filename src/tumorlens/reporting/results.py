"""Sources -> results: each input's answer, or the error that says why there is none."""

from collections.abc import Iterable, Iterator

from tumorlens.errors import ScanError
from tumorlens.model import Model
from tumorlens.prediction import Prediction, VolumePrediction, predict, predict_slices
from tumorlens.reading import Source, read_source
from tumorlens.scan import Scan, Volume

Answered = tuple[Scan | Volume, Prediction | VolumePrediction]
"""What was read, and the answer about it."""

Result = Answered | ScanError
"""One input's outcome: what was read with its answer, or why it was refused."""

BATCH = 8
"""Slices that go through the network together at most."""

BATCH_PIXELS = 4 * 2**20
"""Slices are answered as soon as this many of their pixels wait, so that memory stays flat."""


def answer_all(sources: Iterable[Source], *, model: Model) -> Iterator[Result]:
    """Read and answer many inputs, each result as soon as it is known and in order.

    Args:
        sources: From `tumorlens.reading.find_sources`.
        model: Answers; from `tumorlens.load_model`.

    Yields:
        (scan, prediction), or the error of an input that was refused; the others go on.
    """
    waiting: list[Scan] = []
    for source in sources:
        read = _read(source)
        if isinstance(read, Scan):
            waiting.append(read)
            if len(waiting) < BATCH and sum(s.pixels.size for s in waiting) < BATCH_PIXELS:
                continue
        yield from _answer_slices(waiting, model)
        waiting = []
        if not isinstance(read, Scan):
            yield read if isinstance(read, ScanError) else _answer_one(read, model)
    yield from _answer_slices(waiting, model)


def _read(source: Source) -> Scan | Volume | ScanError:
    try:
        return read_source(source)
    except ScanError as error:
        return error


def _answer_slices(scans: list[Scan], model: Model) -> Iterator[Result]:
    try:
        answers = predict_slices(scans, model=model)
    except ScanError:  # one of them; alone, each shows whether it is the one
        yield from (_answer_one(scan, model) for scan in scans)
    else:
        yield from zip(scans, answers, strict=True)


def _answer_one(scan: Scan | Volume, model: Model) -> Result:
    try:
        return scan, predict(scan, model=model)
    except ScanError as error:
        return error
