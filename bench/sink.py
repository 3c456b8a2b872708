"""Partners to push to, as light as Python allows: `python -m bench.sink PORT DEAD SLOW DELAY`.

One process listens at every address of 127.0.0.0/8; the address that was called says which partner it is (`address`). Every request is
answered with success and noted: partner, the last part of its path, the `last_updated` of its body, and when it came. Of the first DEAD
partners a third answer 500, a third take the request and never answer, a third are not there (their port is closed); partner SLOW
answers after DELAY seconds. A line on standard input is answered with what was noted since the last one.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from typing import cast

import uvloop

OK = b'{"status_code":1000,"status_message":"Success","timestamp":"2026-01-01T00:00:00Z"}'
GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(OK), OK)
BAD = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
MOMENT = re.compile(rb'"last_updated":"([^"]+)"')
CLOSED = 1
"""A port at which nobody listens."""

Noted = tuple[int, str, str, float]


def address(partner: int) -> str:
    return f"127.1.{partner // 250}.{partner % 250 + 1}"


def partner_at(host: str) -> int:
    _, _, high, low = host.split(".")
    return int(high) * 250 + int(low) - 1


def url(partner: int, port: int, dead: int) -> str:
    return f"http://{address(partner)}:{CLOSED if partner < dead and partner % 3 == 2 else port}/locations"


class Sink(asyncio.Protocol):
    def __init__(self, dead: int, slow: int, delay: float, noted: list[Noted]) -> None:
        self.dead, self.slow, self.delay, self.noted = dead, slow, delay, noted
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.partner = partner_at(transport.get_extra_info("sockname")[0])

    def data_received(self, data: bytes) -> None:
        self.data += data
        head = self.data.find(b"\r\n\r\n")
        if head < 0:
            return
        length = LENGTH.search(self.data, 0, head)
        if len(self.data) < head + 4 + int(length[1] if length else 0):
            return
        request, self.data = self.data, b""
        if self.partner < self.dead:
            if self.partner % 3 == 0:
                self.transport.write(BAD)
            return
        moment = MOMENT.search(request, head)
        path = request[: request.find(b"\r\n")].split(b" ")[1]
        self.noted.append((self.partner, path.rpartition(b"/")[2].decode(), moment[1].decode() if moment else "", time.time()))
        if self.partner == self.slow:
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, GOOD)
        else:
            self.transport.write(GOOD)


async def serve(port: int, dead: int, slow: int, delay: float) -> None:
    noted: list[Noted] = []
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Sink(dead, slow, delay, noted), "0.0.0.0", port, backlog=4096)
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    while await asked.readline():
        print(json.dumps(noted), flush=True)
        noted.clear()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    port, dead, slow, delay = sys.argv[1:]
    uvloop.run(serve(int(port), int(dead), int(slow), float(delay)))
