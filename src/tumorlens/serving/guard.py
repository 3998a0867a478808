"""The outermost layer: headers that protect, numbers for Prometheus, one log line, no trace."""

import asyncio
import logging
import time
from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tumorlens.serving.errors import BugError, BusyError, RequestError, body_of, headers_of
from tumorlens.serving.gate import busy
from tumorlens.serving.metrics import Metrics

LOGGER = logging.getLogger("tumorlens.serving")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""Sent with every response: nothing from elsewhere is loaded, nothing of an answer is kept."""

CLIENT_GONE = 499
"""Counted, never sent: the client hung up before it was answered. The number is nginx's."""


class Guard:
    """ASGI middleware around everything.

    What is asked with HEAD, as monitors and load balancers do, is answered as GET, without its
    body. The log line holds method, route, status and time, and nothing that the client sent. An
    exception that nobody expected is logged by its type and place only, since its message may
    quote a file, and answered without a word of it.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, paths: Collection[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths  # of requests that are sent away before they find their route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and watch it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0
        is_head = scope["method"] == "HEAD"
        asked = {**scope, "method": "GET"} if is_head else scope

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(asked, receive, watched)
        except ClientDisconnect:
            status = status or CLIENT_GONE
        except asyncio.CancelledError:  # told to stop, and the time for what was accepted is over
            if not status:
                await _respond(_ending(), asked, receive, watched)
        except Exception as error:
            _log_bug(error)
            if not status:
                await _excuse(error, asked, receive, watched)
        finally:
            self._count(scope["method"], asked, status, time.perf_counter() - began)

    def _count(self, method: str, scope: Scope, status: int, seconds: float) -> None:
        known = scope["path"] if scope["path"] in self._paths else "other"
        route = getattr(scope.get("route"), "path", "") or known
        method = method if method in _METHODS else "other"
        self._metrics.requests.labels(route, method, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        LOGGER.info("%s %s %d %.0f ms", method, route, status, seconds * 1000)


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


async def _excuse(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    failure: RequestError
    if isinstance(error, MemoryError):
        failure = busy("one without enough memory for this one")
    else:
        failure = BugError(
            expected="an answer",
            found="a mistake in the service",
            remedy="Report it, with the version of tumorlens and the kind of file.",
        )
    await _respond(failure, scope, receive, send)


async def _respond(failure: RequestError, scope: Scope, receive: Receive, send: Send) -> None:
    body = body_of(failure, scope["path"])
    await JSONResponse(body, failure.status, headers_of(failure))(scope, receive, send)


def _ending() -> BusyError:
    return BusyError(
        expected="an answer before the service stops",
        found="one that takes longer than TUMORLENS_SHUTDOWN_SECONDS",
        remedy="Ask again in a few seconds, when another has taken its place.",
    )


def _log_bug(error: Exception) -> None:
    frame, place = error.__traceback__, "unknown"
    while frame is not None:
        place = f"{frame.tb_frame.f_globals.get('__name__')}:{frame.tb_lineno}"
        frame = frame.tb_next
    LOGGER.error("unexpected %s in %s", type(error).__name__, place)
