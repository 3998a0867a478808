"""Sources -> results: each input's answer, or the error that says why there is none."""

from collections.abc import Iterable, Iterator
from functools import partial

from tumorlens.errors import ScanError
from tumorlens.model import Model
from tumorlens.overlapping import overlapped
from tumorlens.prediction import Prediction, VolumePrediction, predict, predict_slices
from tumorlens.reading import Source, read_source
from tumorlens.scan import Scan, Volume

Answered = tuple[Scan | Volume, Prediction | VolumePrediction]
"""What was read, and the answer about it."""

Result = Answered | ScanError
"""One input's outcome: what was read with its answer, or why it was refused."""

_Read = Scan | Volume | ScanError

BATCH = 4
"""Slices that go through the network together at most."""

BATCH_PIXELS = 4 * 2**20
"""Slices are answered as soon as this many of their pixels wait, so that memory stays flat."""

SMALL_BYTES = 2**20
"""Files up to this size are read ahead; larger ones, such as volumes, when their turn comes."""


def answer_all(sources: Iterable[Source], *, model: Model) -> Iterator[Result]:
    """Read and answer many inputs, each result as soon as it is known and in order.

    Pictures are read, prepared and answered by threads, some ahead of whoever takes the results,
    so that all cores are busy while results are written; a volume has all cores for itself.

    Args:
        sources: From `tumorlens.reading.find_sources`.
        model: Answers; from `tumorlens.load_model`, for many inputs best with ``threads=1``.

    Yields:
        (scan, prediction), or the error of an input that was refused; the others go on.
    """
    workers = model.passes
    reads = overlapped(_read, sources, workers=workers, alone=_is_large)
    answered = overlapped(
        partial(_answer, model=model), _gathered(reads), workers=workers, alone=_holds_volume
    )
    for results in answered:
        yield from results


def _gathered(reads: Iterable[_Read]) -> Iterator[list[_Read]]:
    """Slices that are answered together; volumes each alone."""
    waiting: list[_Read] = []
    pixels = 0
    for read in reads:
        if isinstance(read, Volume):
            yield waiting
            waiting, pixels = [], 0
            yield [read]
            continue
        waiting.append(read)
        pixels += read.pixels.size if isinstance(read, Scan) else 0
        if len(waiting) >= BATCH or pixels >= BATCH_PIXELS:
            yield waiting
            waiting, pixels = [], 0
    yield waiting


def _is_large(source: Source) -> bool:
    try:
        return len(source.files) != 1 or source.files[0].stat().st_size > SMALL_BYTES
    except (OSError, ValueError):  # reading it says what is wrong
        return False


def _holds_volume(reads: list[_Read]) -> bool:
    return any(isinstance(read, Volume) for read in reads)


def _read(source: Source) -> _Read:
    try:
        return read_source(source)
    except ScanError as error:
        return error


def _answer(reads: list[_Read], model: Model) -> list[Result]:
    """One result for each thing read, in order."""
    scans = [read for read in reads if isinstance(read, Scan)]
    try:
        answers = iter(predict_slices(scans, model=model))
    except ScanError:  # one of them; alone, each shows whether it is the one
        return [_answer_one(read, model) for read in reads]
    return [
        (read, next(answers)) if isinstance(read, Scan) else _answer_one(read, model)
        for read in reads
    ]


def _answer_one(read: _Read, model: Model) -> Result:
    if isinstance(read, ScanError):
        return read
    try:
        return read, predict(read, model=model)
    except ScanError as error:
        return error
