"""HTTP connections that end where the client neither sends nor reads.

Uvicorn waits for ever for a request's headers, and for a client to take its response: a few
thousand such clients (slow loris, slow read) would use up every file descriptor and fill the
memory. A body that trickles in before its response is the gate's business
(`tumorlens.serving.gate`); one that nobody reads, as the response is out, is cut off here.
"""

import asyncio

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
        super().connection_made(transport)
        self._look_later()

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
        return is_answered and self.conn.their_state is h11.SEND_BODY
