"""Measure the web service under load: requests a second, waiting times, memory.

    python benchmarks/serving_load.py [--requests 10000] [--concurrency 8] [--scan FILE]
        [--batch N] [--write]

Starts `tumorlens serve` on a free port of this machine, sends the same scan over kept-alive
connections, and stops it. The client runs on the same cores as the server, so the figures are what
this machine can do with both. Memory is the server's resident set, children included (decoders in
a process apart); before the first counted request it has answered a few already. With --write the
figures go into docs/serving.md.
"""

import argparse
import asyncio
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from quoting import quote

ROOT = Path(__file__).parents[1]
WARM_UP = 20


@dataclass(frozen=True)
class Load:
    """What was measured; times in seconds, memory in MB."""

    seconds: float
    times: list[float]
    statuses: Counter[int]
    memory: list[tuple[int, float]]


def resident_mb(process: int) -> float:
    """Resident memory of a process and its children."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        found = dict(re.findall(r"^(Pid|PPid|VmRSS):\s+(\d+)", text, re.MULTILINE))
        if process in (int(found["Pid"]), int(found["PPid"])):
            total += int(found.get("VmRSS", 0))
    return total / 1024


def make_request(scan: Path, host: str) -> bytes:
    """One request with a form, as bytes."""
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="scan"\r\n\r\n'
        + scan.read_bytes()
        + b"\r\n--edge--\r\n"
    )
    head = (
        f"POST /v1/predict HTTP/1.1\r\nHost: {host}\r\n"
        "Content-Type: multipart/form-data; boundary=edge\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Send one request over a kept connection and read the whole answer; returns its status."""
    writer.write(request)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    await reader.readexactly(int(length[1]) if length else 0)
    return int(head.split(b" ", 2)[1])


async def load(address: str, scan: Path, process: int, chosen: argparse.Namespace) -> Load:
    """Send all requests over a few connections, each one after another."""
    place = urlsplit(address)
    request = make_request(scan, place.netloc)
    statuses: Counter[int] = Counter()
    times: list[float] = []
    memory: list[tuple[int, float]] = []
    left = iter(range(chosen.requests))
    step = max(1, chosen.requests // 10)

    async def one_client(count: int | None = None) -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        for number in range(count) if count else left:
            began = time.perf_counter()
            status = await ask(reader, writer, request)
            if not count:
                times.append(time.perf_counter() - began)
                statuses[status] += 1
                if number % step == step - 1:
                    memory.append((number + 1, await asyncio.to_thread(resident_mb, process)))
        writer.close()

    await asyncio.gather(*(one_client(WARM_UP) for _ in range(chosen.concurrency)))
    memory.append((0, resident_mb(process)))
    began = time.perf_counter()
    await asyncio.gather(*(one_client() for _ in range(chosen.concurrency)))
    return Load(time.perf_counter() - began, times, statuses, sorted(memory))


def describe(found: Load, chosen: argparse.Namespace) -> str:
    """The figures as Markdown."""
    cuts = statistics.quantiles(found.times, n=100)
    cores = len(os.sched_getaffinity(0))
    refused = {status: n for status, n in found.statuses.items() if status != 200}
    rows = "\n".join(f"| {number:,} | {megabytes:.0f} |" for number, megabytes in found.memory)
    return f"""
`python benchmarks/serving_load.py`: {chosen.requests:,} requests of one scan ({chosen.scan.name}),
{chosen.concurrency} at a time, client and server on the same {cores} cores ({platform.machine()},
Python {platform.python_version()}).

| requests/s | p50 ms | p95 ms | p99 ms | not 200 |
|---|---|---|---|---|
| {len(found.times) / found.seconds:.1f} | {cuts[49] * 1000:.0f} | {cuts[94] * 1000:.0f} | \
{cuts[98] * 1000:.0f} | {refused or 0} |

| after requests | resident MB |
|---|---|
{rows}

Memory after the last request: {found.memory[-1][1] - found.memory[0][1]:+.0f} MB against the start.
"""


def main() -> None:
    """Start, load, measure, stop."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--batch", type=int, default=0, help="largest batch; 0 for the default")
    parser.add_argument("--scan", type=Path, default=ROOT / "examples/simulated_glioma_axial.png")
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    chosen = parser.parse_args()
    line = [sys.executable, "-m", "tumorlens.cli", "serve", "--port", "0"]
    environment = {"TUMORLENS_MAX_BATCH": str(chosen.batch)} if chosen.batch else {}
    # A file, not a pipe: nobody would read the pipe while the load runs.
    log = Path(tempfile.gettempdir(), f"serving_load-{os.getpid()}.log")
    with log.open("w") as file:
        server = subprocess.Popen(line, stderr=file, env=os.environ | environment)
    try:
        address = _address(log, server)
        found = asyncio.run(load(address, chosen.scan, server.pid, chosen))
    finally:
        server.terminate()
        server.wait()
        log.unlink()
    text = describe(found, chosen)
    print(text)
    if chosen.write:
        quote(text, ROOT / "docs" / "serving.md", name="load")


def _address(log: Path, server: "subprocess.Popen[bytes]") -> str:
    while server.poll() is None:
        if found := re.search(r"running on (http://\S+)", log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise SystemExit(log.read_text())


if __name__ == "__main__":
    main()
