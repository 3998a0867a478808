"""The FastAPI application of one model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tumorlens.errors import TumorlensError
from tumorlens.model import Model
from tumorlens.notice import NOTICE
from tumorlens.serving.access import check_key
from tumorlens.serving.errors import (
    BadRequestError,
    MethodError,
    NotFoundError,
    RequestError,
    WrongParameterError,
    body_of,
    headers_of,
    status_of,
)
from tumorlens.serving.gate import Gate
from tumorlens.serving.guard import Guard
from tumorlens.serving.metrics import Metrics
from tumorlens.serving.routes import health, open_inference, page, sagemaker, v1, vertex
from tumorlens.serving.service import Service
from tumorlens.serving.settings import Settings

_DESCRIPTION = f"""Brain MRI in, tumor class, probability and heatmap out.

**{NOTICE}**

Nothing that is sent is kept or logged. Errors are `{{"error": {{code, expected, found, remedy}}}}`.
"""


def create_app(model: Model, settings: Settings | None = None) -> FastAPI:
    """Make the application that serves one model.

    >>> app = create_app(tumorlens.load_model())  # doctest: +SKIP

    Args:
        model: Loaded and verified, from `tumorlens.load_model`.
        settings: What it takes on at most; the defaults where None.

    Returns:
        An ASGI application; its lifespan starts and ends the threads.
    """
    settings = settings or Settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = Service(model, settings, metrics)
        app.state.service = service
        await service.warm_up()
        yield
        service.close()

    app = FastAPI(
        title="tumorlens",
        version=version("tumorlens"),
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,  # both load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # behind TLS it would send the scan again, to http://
        # FastAPI's own would send queries and exceptions' messages to where OpenTelemetry points.
        telemetry={"tracing": False, "logs": False},
        lifespan=lifespan,
    )
    _add_routes(app, settings)
    _add_error_handlers(app, metrics)
    app.add_middleware(Gate, settings=settings, metrics=metrics)
    app.add_middleware(Guard, metrics=metrics, paths=frozenset(app.openapi()["paths"]))
    return app


def _add_routes(app: FastAPI, settings: Settings) -> None:
    keyed = [Depends(check_key)]
    # First, since Vertex AI may name any path, such as / or one of ours.
    vertex_health, vertex_predictions = vertex.routes(settings)
    app.include_router(vertex_health)
    app.include_router(vertex_predictions, dependencies=keyed)
    app.include_router(health.router)
    app.include_router(v1.router, dependencies=keyed)
    app.include_router(sagemaker.router)
    app.include_router(open_inference.router)
    app.include_router(page.router)


def _add_error_handlers(app: FastAPI, metrics: Metrics) -> None:
    def respond(request: Request, error: TumorlensError) -> Response:
        metrics.count_refusal(error)
        return _response(request, error)

    @app.exception_handler(TumorlensError)
    async def _known(request: Request, error: TumorlensError) -> Response:
        return respond(request, error)

    @app.exception_handler(RequestValidationError)
    async def _parameter(request: Request, error: RequestValidationError) -> Response:
        return respond(request, _wrong_parameter(error))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        response = respond(request, _of_status(error.status_code))
        response.headers.update(error.headers or {})
        return response


def _response(request: Request, error: TumorlensError) -> Response:
    body = body_of(error, request.url.path)
    return JSONResponse(body, status_of(error), headers_of(error))


def _wrong_parameter(error: RequestValidationError) -> WrongParameterError:
    first = error.errors()[0]
    name = str(first["loc"][-1])
    return WrongParameterError(
        expected=f"a right value of {name}",
        found=str(first["msg"]),
        remedy="See /openapi.json for what the path takes.",
    )


def _of_status(status: int) -> RequestError:
    """The error for what the web framework itself refused."""
    if status == 404:
        return NotFoundError(
            expected="one of the paths in /openapi.json",
            found="another path",
            remedy="Check the address.",
        )
    if status == 405:
        return MethodError(
            expected="a method that this path takes",
            found="another one",
            remedy="See the header Allow, or /openapi.json.",
        )
    return BadRequestError(
        expected="a well-formed request", found="another one", remedy="See /openapi.json."
    )
