"""A walk over a list of paths, each asked for once, over several connections: `python -m bench.walk PORT CONNECTIONS PATHS HEADERS`.

As light as Python allows: answers are read into one buffer and counted by their Content-Length, never looked into.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_BUFFER = memoryview(bytearray(1 << 20))


class Walker(asyncio.BufferedProtocol):
    def __init__(self, requests: list[bytes], ended: asyncio.Future[None], latencies: list[float], errors: list[bytes]) -> None:
        self.requests, self.ended, self.latencies, self.errors = requests, ended, latencies, errors
        self.head = b""
        self.left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.next()

    def next(self) -> None:
        if not self.requests:
            self.transport.close()
            return
        self.began = time.perf_counter()
        self.transport.write(self.requests.pop())

    def get_buffer(self, sizehint: int) -> memoryview:
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        if self.left:
            self.left -= nbytes
        else:
            self.head += bytes(_BUFFER[:nbytes])
            head, blank, rest = self.head.partition(b"\r\n\r\n")
            if not blank:
                return
            if b" 200 " not in head[:20]:
                self.errors.append(head)
            length = _LENGTH.search(head)
            self.left = int(length[1] if length else 0) - len(rest)
            self.head = b""
        if self.left == 0:
            self.latencies.append(time.perf_counter() - self.began)
            self.next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def walk(port: int, connections: int, paths: list[str], headers: dict[str, str]) -> dict[str, float]:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    requests = [f"GET {path} HTTP/1.1\r\nHost: bench\r\n{lines}\r\n".encode() for path in reversed(paths)]
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    errors: list[bytes] = []
    ends = [loop.create_future() for _ in range(connections)]
    began, cpu = time.perf_counter(), time.process_time()
    for end in ends:
        await loop.create_connection(lambda end=end: Walker(requests, end, latencies, errors), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    latencies.sort()
    at = [latencies[int(len(latencies) * part)] * 1e6 for part in (0.5, 0.99)] if latencies else [0.0, 0.0]
    missed = len(errors) + len(paths) - len(latencies)
    return {"requests": len(latencies), "us": took * 1e6, "p50": at[0], "p99": at[1], "errors": missed, "generator": cpu / took}


if __name__ == "__main__":
    port, connections, paths, headers = sys.argv[1:]
    told = uvloop.run(walk(int(port), int(connections), Path(paths).read_text().splitlines(), json.loads(headers)))
    print("RESULT", json.dumps(told))
