"""Whether the service is there, and what it counts about itself."""

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tumorlens.serving.access import Served, check_key
from tumorlens.serving.contract import failures
from tumorlens.serving.schemas import Health
from tumorlens.serving.service import not_ready

router = APIRouter(tags=["health"])


@router.get("/health/live", response_model=Health, summary="Whether the process answers")
async def live() -> Response:
    """200 as long as the process answers at all."""
    return JSONResponse({"status": "live"})


@router.get(
    "/health/ready",
    response_model=Health,
    responses=failures(503),
    summary="Whether scans can be sent",
)
async def ready(service: Served) -> Response:
    """200 once the model is loaded, verified and has run; 503 before."""
    if not service.is_ready:
        raise not_ready()
    return JSONResponse({"status": "ready"})


@router.get(
    "/metrics",
    response_class=Response,
    dependencies=[Depends(check_key)],
    responses=failures(401)
    | {200: {"content": {"text/plain": {}}, "description": "Prometheus text."}},
    summary="Counters for Prometheus",
)
async def metrics(service: Served) -> Response:
    """Requests, seconds, classes, refusals, probabilities, gate scores and batches."""
    text = generate_latest(service.metrics.registry)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})
