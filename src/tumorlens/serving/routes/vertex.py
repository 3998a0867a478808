"""Vertex AI: the paths of a custom container, named by ``AIP_HEALTH_ROUTE`` and others.

https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
"""

from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from tumorlens.serving.access import Served
from tumorlens.serving.contract import failures, json_body
from tumorlens.serving.payloads import decode_scans, receive_json
from tumorlens.serving.records import to_records
from tumorlens.serving.routes.health import ready
from tumorlens.serving.schemas import Health, Instances, Predictions
from tumorlens.serving.settings import Settings


def routes(settings: Settings) -> tuple[APIRouter, APIRouter]:
    """The routes that Vertex AI asked for, of health and of predictions; none outside of it."""
    health, predictions = APIRouter(tags=["Vertex AI"]), APIRouter(tags=["Vertex AI"])
    if settings.vertex_health_route:
        health.add_api_route(
            settings.vertex_health_route,
            ready,
            response_model=Health,
            responses=failures(503),
            operation_id="vertex_health",
            summary="Whether scans can be sent",
        )
    if settings.vertex_predict_route:
        predictions.add_api_route(
            settings.vertex_predict_route,
            predict_instances,
            methods=["POST"],
            response_model=Predictions,
            responses=failures(),
            openapi_extra=json_body(Instances),
            operation_id="vertex_predict",
            summary="Answer instances",
        )
    return health, predictions


async def predict_instances(request: Request, service: Served) -> Response:
    """Answer ``{"instances": [{"b64": ...}]}`` with ``{"predictions": [...]}``, in order."""
    asked = await receive_json(request, service, Instances)
    uploads = await service.work(
        partial(decode_scans, asked.instances, max_files=service.settings.max_files)
    )
    return JSONResponse({"predictions": await to_records(service, uploads)})
