"""Answers of several scans as JSON values: each an answer, or why it was refused."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tumorlens.errors import ScanError
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.reporting.formats import to_record
from tumorlens.scan import Scan, Volume
from tumorlens.serving.opening import Upload
from tumorlens.serving.service import Service


def to_json(scan: Scan | Volume, answer: Prediction | VolumePrediction) -> dict[str, Any]:
    """The answer as the command line prints it."""
    return to_record((scan, answer))


async def to_records(service: Service, uploads: Sequence[Upload]) -> list[dict[str, Any]]:
    """Answer uploads at the same time; as ``tumorlens predict --format json``, in order.

    Raises:
        BusyError: The service has no room or no model yet.
    """
    return list(await asyncio.gather(*(_to_record(service, upload) for upload in uploads)))


async def _to_record(service: Service, upload: Upload) -> dict[str, Any]:
    try:
        return await service.answer(upload, to_json)
    except ScanError as error:
        service.metrics.count_refusal(error)
        return {"source": upload.name, "error": error.to_json()}
