"""HTTP connections that end where the client neither sends nor reads.

Uvicorn waits for ever for a request's headers, and for a client to take its response: a few
thousand such clients (slow loris, slow read) would use up every file descriptor and fill the
memory. A body that trickles in before its response is the gate's business
(`tumorlens.serving.gate`); one that nobody reads, as the response is out, is cut off here.

Uvicorn also closes at once where a request was refused before its body had come. The system then
resets the connection, and clients that send first and read later (urllib, most of Java's) never
see the response: 413, or 503 with its Retry-After. RFC 9112, 9.6, wants only the one direction
closed until the client has ended.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE_S = 15.0
"""How often a connection is looked at; one that stood still from one look to the next is cut."""


class Connection(H11Protocol):
    """A connection, looked at every `PATIENCE_S`.

    It is cut at the second look that finds it waiting for the headers of the same request, for
    the rest of its body though the response is out, or with as much of its response unread. One
    between two requests is uvicorn's, which closes it after its keep-alive time.
    """

    _watch: asyncio.TimerHandle | None = None
    _stood: tuple[object, int] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch."""
        lingering = _Lingering(transport, self._is_sent_more)
        super().connection_made(cast(asyncio.Transport, lingering))
        self._look_later()

    def data_received(self, data: bytes) -> None:
        """Read on; what comes after the end is dropped."""
        if not self.transport.is_closing():
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """End to watch."""
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()

    def _look_later(self) -> None:
        self._watch = self.loop.call_later(PATIENCE_S, self._look)

    def _look(self) -> None:
        stands = self._standing()
        if stands is not None and stands == self._stood:
            self.transport.abort()
            return
        self._stood = stands
        self._look_later()

    def _standing(self) -> tuple[object, int] | None:
        """What the client keeps waiting: the last request and the bytes unread; else None."""
        unread = self.transport.get_write_buffer_size()
        is_idle = self.timeout_keep_alive_task is not None
        waits_for_headers = self.conn.their_state is h11.IDLE
        waits = (waits_for_headers or self._sends_to_nobody()) and not is_idle
        return (self.cycle, unread) if unread or waits else None

    def _sends_to_nobody(self) -> bool:
        """Whether the rest of a body is still to come though its response is out."""
        is_answered = self.cycle is not None and self.cycle.response_complete
        return is_answered and self._is_sent_more()

    def _is_sent_more(self) -> bool:
        """Whether the rest of a body is still to come."""
        return self.conn.their_state is h11.SEND_BODY


class _Lingering:
    """A transport whose first `close` says the end but takes what the client still sends."""

    def __init__(self, transport: asyncio.Transport, is_sent_more: Callable[[], bool]) -> None:
        self._transport = transport
        self._is_sent_more = is_sent_more
        self._has_ended = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        if self._has_ended or not self._is_sent_more() or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._has_ended = True
        self._transport.write_eof()
        self._transport.resume_reading()

    def is_closing(self) -> bool:
        return self._has_ended or self._transport.is_closing()
