"""Clients that stand still are cut off; slow ones, and those between two requests, are not."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from tumorlens.serving import connection
from tumorlens.serving.connection import Connection

PATIENCE_S = 0.4
LONG = bytes(2**25)
"""More than the sockets' buffers hold."""


async def _app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    more = scope["path"] not in {"/unread", "/refused"}
    while more:
        more = (await receive()).get("more_body", False)
    body = LONG if scope["path"] == "/long" else b"short"
    length = [(b"content-length", str(len(body)).encode())]
    if scope["path"] == "/refused":
        length.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def patience() -> float:
    """Of the server, in seconds."""
    return PATIENCE_S


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, patience: float) -> Iterator[uvicorn.Server]:
    """A server of little patience."""
    monkeypatch.setattr(connection, "PATIENCE_S", patience)
    config = uvicorn.Config(_app, port=0, http=Connection, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def client(server: uvicorn.Server) -> Iterator[socket.socket]:
    """A connection to it."""
    with socket.create_connection(server.servers[0].sockets[0].getsockname()) as made:
        made.settimeout(20)
        yield made


def _rest(client: socket.socket, *, pause: float = 0.0) -> int:
    """How many bytes come before the end."""
    count = 0
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(2**19):
            count += len(data)
            time.sleep(pause)
    return count


def _is_answered(client: socket.socket) -> bool:
    data = b""
    while not data.endswith(b"short"):
        data += client.recv(1000) or b"nothing, short"
    return data.startswith(b"HTTP/1.1 200")


def test_who_says_nothing_is_cut_off(client: socket.socket) -> None:
    began = time.monotonic()
    assert _rest(client) == 0
    assert time.monotonic() - began < 20 * PATIENCE_S


def test_who_drips_headers_is_cut_off(client: socket.socket) -> None:
    def drip() -> None:
        for line in [b"GET / HTTP/1.1\r\n", *[b"X-Drip: x\r\n"] * 100]:
            client.sendall(line)
            time.sleep(PATIENCE_S / 4)

    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        drip()


def test_who_drips_the_headers_of_a_second_request_is_cut_off(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert _is_answered(client)
    client.sendall(b"GET / HTTP/1.1\r\n")
    assert _rest(client) == 0


def test_who_drips_a_body_after_its_response_is_cut_off(client: socket.socket) -> None:
    client.sendall(b"GET /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    assert _is_answered(client)
    client.sendall(b"x")
    assert _rest(client) == 0


def test_who_sends_all_before_reading_sees_why_it_was_refused(client: socket.socket) -> None:
    """As urllib does; a connection that is closed at once is reset, and the response lost."""
    client.sendall(b"POST /refused HTTP/1.1\r\nHost: x\r\n")
    client.sendall(b"Content-Length: %d\r\n\r\n" % len(LONG))
    for start in range(0, len(LONG), 2**20):
        client.sendall(LONG[start : start + 2**20])
    assert _is_answered(client)
    assert _rest(client) == 0


def test_who_drips_a_body_that_was_refused_is_cut_off(client: socket.socket) -> None:
    client.sendall(b"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    assert _is_answered(client)

    def drip() -> None:
        for _ in range(100):
            client.sendall(b"x")
            time.sleep(PATIENCE_S / 4)

    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        drip()


@pytest.mark.parametrize("closes", [False, True])
def test_who_does_not_take_the_response_is_cut_off(
    server: uvicorn.Server, client: socket.socket, closes: bool
) -> None:
    more = "Connection: close\r\n" if closes else ""
    client.sendall(f"GET /long HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())
    for _ in range(100):
        time.sleep(PATIENCE_S / 2)
        if server.server_state.total_requests and not server.server_state.connections:
            break
    assert _rest(client) < len(LONG)


@pytest.mark.parametrize("patience", [1.5])  # a busy machine may stop the client for a while
def test_who_takes_it_slowly_is_not(client: socket.socket, patience: float) -> None:
    client.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    began = time.monotonic()
    assert _rest(client, pause=patience / 20) > len(LONG)
    assert time.monotonic() - began > 3 * patience


def test_who_pauses_between_two_requests_is_not(client: socket.socket) -> None:
    for _ in range(2):
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _is_answered(client)
        time.sleep(6 * PATIENCE_S)


def test_a_slow_body_is_the_gate_s_business(client: socket.socket) -> None:
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
    for _ in range(8):
        time.sleep(PATIENCE_S)
        client.sendall(b"x")
    assert _is_answered(client)
