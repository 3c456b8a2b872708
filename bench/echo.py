"""What to compare a CSMS with: the same websocket library on the same loop, which says each message back."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol


async def echo(connection: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            await connection.send(await connection.recv())


async def main(port: int) -> None:
    subprotocols = [Subprotocol("ocpp2.0.1")]
    async with serve(echo, "127.0.0.1", port, subprotocols=subprotocols, compression=None, ping_interval=30, server_header=None):
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
