"""Uploads -> the report's HTML page, made in memory."""

from collections.abc import Iterator, Sequence

from tumorlens.errors import ScanError
from tumorlens.model import Model
from tumorlens.prediction import predict
from tumorlens.reading import Limits
from tumorlens.reporting.overlay import make_overlays
from tumorlens.reporting.page import Picture, Row, make_picture, make_row, render_entry, render_page
from tumorlens.reporting.results import Result
from tumorlens.serving.metrics import Metrics
from tumorlens.serving.opening import Upload, open_upload


def draw_report(
    uploads: Sequence[Upload], *, model: Model, limits: Limits, metrics: Metrics
) -> bytes:
    """Answer uploads one after another and write the page of `tumorlens.write_report`.

    Args:
        uploads: Each a scan; one that is refused has its reason on the page.
        model: Answers.
        limits: How large each may be.
        metrics: Counts what was answered and refused.

    Returns:
        One HTML page that needs no other file.
    """
    rows: list[Row] = []
    entries: list[str] = []
    for number, upload in enumerate(uploads, 1):
        result = _answer(upload, model, limits)
        if isinstance(result, ScanError):
            metrics.count_refusal(result)
        else:
            metrics.count_answer(result[1])
        rows.append(make_row(result, number=number))
        entries.append(render_entry(result, _pictures(result, number), number=number))
    return "".join(render_page(model.card, rows, entries)).encode()


def _answer(upload: Upload, model: Model, limits: Limits) -> Result:
    try:
        scan = open_upload(upload, limits=limits)
        return scan, predict(scan, model=model)
    except ScanError as error:
        error.source = upload.name
        return error


def _pictures(result: Result, number: int) -> Iterator[Picture]:
    if not isinstance(result, ScanError):
        for overlay in make_overlays(*result):
            yield make_picture(overlay, "", number=number)
