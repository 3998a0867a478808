"""Our own API: ``/v1/...``."""

import asyncio
import json
import threading
from functools import partial
from itertools import takewhile
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from tumorlens.serving.access import Served
from tumorlens.serving.contract import failures, many_files, one_file
from tumorlens.serving.parameters import check_query
from tumorlens.serving.pictures import draw_explanation, draw_view
from tumorlens.serving.records import to_json, to_records
from tumorlens.serving.report import draw_report
from tumorlens.serving.schemas import Answer, BatchAnswer, ModelCard, View
from tumorlens.serving.service import not_ready
from tumorlens.serving.uploads import receive_upload, receive_uploads

router = APIRouter(prefix="/v1", tags=["tumorlens"], dependencies=[Depends(check_query)])

SliceIndex = Annotated[
    int | None,
    Query(alias="slice", ge=0, le=2**31 - 1, description="Answer this slice of a volume only."),
]
Target = Annotated[
    str | None,
    Query(max_length=100, description="The class to explain; the predicted one if left out."),
]
Drawing = Annotated[
    Literal["overlay", "heatmap", "scan", "figure"], Query(description="What to draw.")
]

_TOLD = "Tumorlens-Answer"
_PICTURE: dict[str, Any] = {
    "content": {"image/png": {}},
    "description": "A PNG file.",
    "headers": {
        _TOLD: {
            "description": "JSON: label, accepted, target, slice.",
            "schema": {"type": "string"},
        }
    },
}


@router.post(
    "/predict",
    response_model=Answer,
    responses=failures(),
    openapi_extra=one_file(),
    summary="Answer one scan",
)
async def predict(request: Request, service: Served, index: SliceIndex = None) -> Response:
    """Tell which tumor a scan shows, if any.

    Takes a picture (JPEG, PNG, TIFF, BMP, WebP), a NIfTI volume, a DICOM file, or a zip of one of
    these or of a DICOM series; its bytes decide what it is.
    """
    upload = await receive_upload(request)
    return JSONResponse(await service.answer(upload, to_json, index=index))


@router.post(
    "/predict/batch",
    response_model=BatchAnswer,
    responses=failures(),
    openapi_extra=many_files(),
    summary="Answer several scans",
)
async def predict_batch(request: Request, service: Served) -> Response:
    """Tell which tumors several scans show; one that is refused does not cost the others."""
    uploads = await receive_uploads(request, max_files=service.settings.max_files)
    records = await to_records(service, uploads)
    return JSONResponse({"answers": records})


@router.post(
    "/explain",
    response_class=Response,
    responses=failures() | {200: _PICTURE},
    openapi_extra=one_file(),
    summary="Draw where the network looked",
)
async def explain(
    request: Request,
    service: Served,
    index: SliceIndex = None,
    target: Target = None,
    view: Drawing = "overlay",
) -> Response:
    """Draw the heatmap of one slice; of a volume the most suspicious one, or the one asked for.

    A scan that is refused is drawn too. The header `Tumorlens-Answer` says so, in JSON: `label` and
    `accepted` as `/v1/predict` has them, the class that is explained as `target`, and the `slice`.
    """
    upload = await receive_upload(request)
    draw = partial(draw_explanation, view=view, target=target)
    picture, told = await service.answer(upload, draw, index=index)
    if index is not None:
        told["slice"] = index
    return Response(picture, headers={_TOLD: json.dumps(told)}, media_type="image/png")


@router.post(
    "/view",
    response_model=View,
    responses=failures(),
    openapi_extra=one_file(),
    summary="Answer one scan with pictures of all its slices",
)
async def view_scan(request: Request, service: Served) -> Response:
    """All that a viewer needs of one scan in one response, so that nothing of it is kept here."""
    upload = await receive_upload(request)
    return Response(await service.answer(upload, draw_view), media_type="application/json")


@router.post(
    "/report",
    response_class=Response,
    responses=failures() | {200: {"content": {"text/html": {}}, "description": "The page."}},
    openapi_extra=many_files(),
    summary="Write the report",
)
async def report(request: Request, service: Served) -> Response:
    """The report of several scans as one HTML page that needs no other file."""
    uploads = await receive_uploads(request, max_files=service.settings.max_files)
    if not service.is_ready:
        raise not_ready()
    gone = threading.Event()
    draw = partial(
        draw_report,
        takewhile(lambda _: not gone.is_set(), uploads),
        model=service.model,
        opened=service.opened,
        metrics=service.metrics,
    )
    try:
        page = await service.work(draw)
    except asyncio.CancelledError:  # the client hung up: the thread ends with the scan it is at
        gone.set()
        raise
    name = {"Content-Disposition": 'attachment; filename="tumorlens-report.html"'}
    return Response(page, headers=name, media_type="text/html")


@router.get("/model", response_model=ModelCard, responses=failures(401), summary="The model's card")
async def model(service: Served) -> Response:
    """What the model is, what it was trained on, how good it is and where it fails."""
    return JSONResponse(service.model.card.to_json())
