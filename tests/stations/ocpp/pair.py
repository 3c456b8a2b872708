"""Two sockets in memory that are each other's end; what is closed raises what a WebSocket raises."""

from __future__ import annotations

import asyncio

from websockets.exceptions import ConnectionClosedOK


class Memory:
    def __init__(self) -> None:
        self.other: Memory = self
        self.closed: tuple[int, str] | None = None
        self._box: asyncio.Queue[str | None] = asyncio.Queue()

    async def recv(self) -> str:
        if self.closed is not None:
            raise ConnectionClosedOK(None, None)
        text = await self._box.get()
        if text is None:
            self.closed = self.closed or self.other.closed or (1000, "")
            raise ConnectionClosedOK(None, None)
        return text

    async def send(self, message: str) -> None:
        if self.closed is not None:
            raise ConnectionClosedOK(None, None)
        self.other._box.put_nowait(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = (code, reason)
        self._box.put_nowait(None)
        self.other._box.put_nowait(None)


def pair() -> tuple[Memory, Memory]:
    one, two = Memory(), Memory()
    one.other, two.other = two, one
    return one, two
