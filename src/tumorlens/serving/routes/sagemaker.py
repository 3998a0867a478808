"""Amazon SageMaker: ``/ping``, ``/invocations`` and what batch transform asks for.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from tumorlens.reporting.formats import TextWriter
from tumorlens.serving.access import Served, check_key
from tumorlens.serving.contract import failures, json_body, merged, one_file
from tumorlens.serving.opening import Upload
from tumorlens.serving.payloads import decode_scans, parse_lines, receive_json
from tumorlens.serving.records import to_json, to_records
from tumorlens.serving.routes.health import ready
from tumorlens.serving.schemas import Answer, Base64Scan, Health, Instances, Predictions
from tumorlens.serving.service import Service
from tumorlens.serving.settings import MEBIBYTE
from tumorlens.serving.uploads import content_type, receive_upload

router = APIRouter(tags=["SageMaker"])

LINES = ("application/jsonlines", "application/jsonl", "application/x-jsonlines")
"""Content types of one JSON object a line, as batch transform splits and joins them."""

_TOGETHER_MB = 100
"""What the requests of a time may hold together, by the rules of batch transform."""

router.add_api_route(
    "/ping",
    ready,
    response_model=Health,
    responses=failures(503),
    operation_id="sagemaker_ping",
    summary="Whether scans can be sent",
)


@router.get(
    "/execution-parameters",
    dependencies=[Depends(check_key)],
    responses=failures(401),
    summary="For batch transform",
)
async def execution_parameters(service: Served) -> dict[str, int | str]:
    """How batch transform should send its files: each in a request of its own."""
    settings = service.settings
    at_a_time = min(settings.workers, settings.max_waiting, _TOGETHER_MB)
    return {
        "MaxConcurrentTransforms": at_a_time,
        "BatchStrategy": "SINGLE_RECORD",
        "MaxPayloadInMB": min(_TOGETHER_MB // at_a_time, settings.max_body_bytes // MEBIBYTE),
    }


@router.post(
    "/invocations",
    response_model=Answer | Predictions,
    responses=failures(),
    openapi_extra=merged(one_file(), json_body(Instances)),
    dependencies=[Depends(check_key)],
    summary="Answer a file, instances or JSON lines",
)
async def invocations(request: Request, service: Served) -> Response:
    """Answer what SageMaker passes on.

    A file as the body (``application/x-image``, ``image/*``, ``application/dicom``, ...) gets its
    answer; ``application/json`` with ``{"instances": [{"b64": ...}]}`` gets ``{"predictions":
    [...]}``; ``application/jsonlines`` with ``{"b64": ...}`` a line gets a line each. With
    ``Accept: text/csv`` or ``application/jsonlines`` the answers come as such.
    """
    kind = content_type(request)
    if kind == "application/json":
        asked = await receive_json(request, service, Instances)
        records = await _answer(service, asked.instances)
        return _as_asked(request, service, records, {"predictions": records})
    if kind in LINES:
        most, data = service.settings.max_files, await request.body()
        scans = await service.work(partial(parse_lines, data, Base64Scan, max_lines=most))
        records = await _answer(service, scans)
        return _as_asked(request, service, records, None)
    answer = await service.answer(await receive_upload(request), to_json)
    return _as_asked(request, service, [answer], answer)


async def _answer(service: Service, scans: Sequence[Base64Scan]) -> list[dict[str, Any]]:
    uploads: list[Upload] = await service.work(
        partial(decode_scans, scans, max_files=service.settings.max_files)
    )
    return await to_records(service, uploads)


def _as_asked(
    request: Request,
    service: Service,
    records: list[dict[str, Any]],
    body: dict[str, Any] | None,
) -> Response:
    """The records in the format of the header Accept; as ``body``, or as lines without one."""
    accept = request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip().lower()
    if accept == "text/csv":
        return Response(_text("csv", service, records), media_type="text/csv")
    if accept in LINES or body is None:
        return Response(_text("jsonl", service, records), media_type=LINES[0])
    return JSONResponse(body)


def _text(name: str, service: Service, records: list[dict[str, Any]]) -> str:
    parts: list[str] = []
    with TextWriter(name, parts.append, classes=service.model.card.classes) as writer:
        for record in records:
            writer.add(record)
    return "".join(parts)
