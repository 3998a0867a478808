"""The gate before all requests with a body: how many at a time, how large, how slow."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tumorlens.errors import TumorlensError
from tumorlens.serving.errors import (
    BadRequestError,
    BodyTooLargeError,
    BusyError,
    SlowBodyError,
    body_of,
    headers_of,
    status_of,
)
from tumorlens.serving.metrics import Metrics
from tumorlens.serving.settings import Settings


class Gate:
    """ASGI middleware that bounds what the service holds at a time.

    A request with a body takes one of ``max_waiting`` places, and of ``max_waiting_bytes`` as
    many as its Content-Length says or, without one, as have come. Where there is no room the
    client is sent away with 503; where one body is too large, with 413. Neither is read first.
    What still waits for a client that has hung up is given up; what a thread has begun for it
    ends first, beyond these bounds (at most ``workers`` uploads).
    """

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._waiting = 0
        self._waiting_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or send it away."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        body = _Body(self, receive)
        try:
            self._enter()
        except BusyError as error:
            await self._refuse(error, scope, receive, send)
            return
        try:
            body.declare(_declared(Headers(scope=scope)))
            await self._answer(scope, body, send)
        except (BadRequestError, BodyTooLargeError, BusyError) as error:
            await self._refuse(error, scope, receive, send)
        finally:
            self._leave(body)

    async def _answer(self, scope: Scope, body: "_Body", send: Send) -> None:
        """Let the application answer, as long as somebody waits for it.

        Raises:
            ClientDisconnect: Nobody does any more.
        """
        answering = asyncio.ensure_future(self._app(scope, body.receive, send))
        leaving = asyncio.ensure_future(body.abandoned())
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                answering.cancel()
                await asyncio.wait({answering})
                if answering.cancelled():
                    raise ClientDisconnect
            answering.result()
        finally:
            answering.cancel()
            leaving.cancel()

    def _enter(self) -> None:
        if self._waiting >= self._settings.max_waiting:
            raise busy(f"{self._waiting} requests before this one")
        self._waiting += 1
        self._metrics.waiting.set(self._waiting)

    async def _refuse(
        self, error: TumorlensError, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._metrics.count_refusal(error)
        await _respond(error, scope, receive, send)

    def _leave(self, body: "_Body") -> None:
        self._waiting -= 1
        self._waiting_bytes -= body.reserved
        self._metrics.waiting.set(self._waiting)

    def reserve(self, count: int) -> None:
        """Take room for some bytes more.

        Raises:
            BusyError: There is none.
        """
        if self._waiting_bytes + count > max(
            self._settings.max_waiting_bytes, self._settings.max_body_bytes
        ):
            raise busy("uploads that fill the memory set aside for them")
        self._waiting_bytes += count

    @property
    def settings(self) -> Settings:
        """The limits."""
        return self._settings


class _Body:
    """One request's body, counted while it arrives."""

    def __init__(self, gate: Gate, receive: Receive) -> None:
        self.reserved = 0
        self._gate = gate
        self._receive = receive
        self._seen = 0
        self._whole = asyncio.Event()
        self._deadline: float | None = None

    def declare(self, length: int) -> None:
        """Take room for the bytes that the client announces."""
        self._check(length)
        self._gate.reserve(length)
        self.reserved = length

    async def receive(self) -> Message:
        """The next part of the body, if it is small enough and comes in time."""
        if self._whole.is_set():
            return await self._receive()
        loop = asyncio.get_running_loop()
        if self._deadline is None:
            self._deadline = loop.time() + self._gate.settings.upload_seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise _slow(self._gate.settings.upload_seconds) from None
        if message["type"] == "http.request":
            self._count(len(message.get("body", b"")))
            if not message.get("more_body", False):
                self._whole.set()
        return message

    async def abandoned(self) -> None:
        """Wait until the client hangs up, having sent all of it."""
        await self._whole.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _count(self, more: int) -> None:
        self._seen += more
        self._check(self._seen)
        if (missing := self._seen - self.reserved) > 0:
            self._gate.reserve(missing)
            self.reserved = self._seen

    def _check(self, count: int) -> None:
        most = self._gate.settings.max_body_bytes
        if count > most:
            raise BodyTooLargeError(
                expected=f"a body of at most {most:,} bytes",
                found=f"{count:,} bytes or more",
                remedy="Send fewer or smaller files, or raise TUMORLENS_MAX_BODY_MB.",
            )


def busy(found: str) -> BusyError:
    """The error for a service that has no room."""
    return BusyError(
        expected="a service with room for one more request",
        found=found,
        remedy="Ask again in a few seconds.",
    )


def _declared(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    if text.isascii() and text.isdigit():
        return int(text[:18])
    raise BadRequestError(
        expected="a Content-Length in bytes",
        found="something else",
        remedy="Let the HTTP library set it.",
    )


def _slow(seconds: float) -> SlowBodyError:
    return SlowBodyError(
        expected=f"the whole body within {seconds:g} s",
        found="only a part of it",
        remedy="Send a smaller file or over a faster line, or raise TUMORLENS_UPLOAD_SECONDS.",
    )


async def _respond(error: TumorlensError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without reading the body; the connection is closed, as its rest is not wanted."""
    headers = headers_of(error) | {"Connection": "close"}
    response = JSONResponse(body_of(error, scope["path"]), status_of(error), headers)
    with suppress(OSError):
        await response(scope, receive, send)
