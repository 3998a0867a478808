"""Uploads -> the report's HTML page, made in memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

from tumorlens.errors import ScanError
from tumorlens.model import Model
from tumorlens.prediction import predict
from tumorlens.reporting.overlay import make_overlays
from tumorlens.reporting.page import Picture, Row, make_picture, make_row, render_entry, render_page
from tumorlens.reporting.results import Result
from tumorlens.scan import Scan, Volume
from tumorlens.serving.metrics import Metrics
from tumorlens.serving.opening import Upload

Open = Callable[[Upload], AbstractContextManager[Scan | Volume]]
"""Reads an upload, and holds it for the ``with`` block."""


def draw_report(
    uploads: Iterable[Upload], *, model: Model, opened: Open, metrics: Metrics
) -> bytes:
    """Answer uploads one after another and write the page of `tumorlens.write_report`.

    Args:
        uploads: Each a scan; one that is refused has its reason on the page.
        model: Answers.
        opened: Reads one.
        metrics: Counts what was answered and refused.

    Returns:
        One HTML page that needs no other file.
    """
    rows: list[Row] = []
    entries: list[str] = []
    for number, upload in enumerate(uploads, 1):
        try:
            with opened(upload) as scan:
                answer = predict(scan, model=model)
                row, entry = _drawn((scan, answer), number)
            metrics.count_answer(answer)
        except ScanError as error:
            error.source = upload.name
            metrics.count_refusal(error)
            row, entry = _drawn(error, number)
        rows.append(row)
        entries.append(entry)
    return "".join(render_page(model.card, rows, entries)).encode()


def _drawn(result: Result, number: int) -> tuple[Row, str]:
    entry = render_entry(result, _pictures(result, number), number=number)
    return make_row(result, number=number), entry


def _pictures(result: Result, number: int) -> Iterator[Picture]:
    if not isinstance(result, ScanError):
        for overlay in make_overlays(*result):
            yield make_picture(overlay, "", number=number)
