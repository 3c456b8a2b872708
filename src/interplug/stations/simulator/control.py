"""Directing a crowd from another process: a JSON object a line, one line of answer each, over a local socket or standard input.

`{"do": "plug_in", "station": "SIM00001", "evse": 1}` is answered `{"ok": true}`, with what was asked for besides, or with
`{"ok": false, "error": …}`. An `id` of the question stands in its answer. What may be done stands in `DOINGS`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from .cars import Car
from .crowd import Crowd
from .physics import Vehicle
from .transaction import Token

LONGEST = 100_000


class Question(msgspec.Struct, forbid_unknown_fields=True):
    do: str
    station: str = ""
    evse: int | None = None
    connector: int = 1
    card: str = ""
    type: str = "ISO14443"
    """Of the card."""
    code: str = "InternalError"
    vendor_code: str = ""
    text: str = ""
    battery: float | None = None
    """Watt-hours; none: some car comes."""
    soc: float = 0.2
    watts: float | None = None
    """None: no limit any more."""
    id: Any = None


Answer = dict[str, Any]
Doing = Callable[[Crowd, Question], Awaitable[Answer]]


async def _plug_in(crowd: Crowd, asked: Question) -> Answer:
    car = None if asked.battery is None else Car(Vehicle(asked.battery), asked.soc)
    return {"plugged_in": crowd.plug_in(asked.station, asked.evse or 1, connector=asked.connector, car=car)}


async def _tap(crowd: Crowd, asked: Question) -> Answer:
    return {"accepted": await crowd.tap(asked.station, Token(asked.card, asked.type), asked.evse)}


async def _unplug(crowd: Crowd, asked: Question) -> Answer:
    crowd.unplug(asked.station, asked.evse or 1)
    return {}


async def _leave(crowd: Crowd, asked: Question) -> Answer:
    crowd.leave(asked.station, asked.evse or 1)
    return {}


async def _fault(crowd: Crowd, asked: Question) -> Answer:
    crowd.fault(asked.station, asked.code, asked.evse or 0, vendor_code=asked.vendor_code, text=asked.text)
    return {}


async def _clear(crowd: Crowd, asked: Question) -> Answer:
    crowd.clear(asked.station, asked.evse or 0)
    return {}


async def _allow(crowd: Crowd, asked: Question) -> Answer:
    crowd.allow(asked.station, asked.watts)
    return {}


async def _offline(crowd: Crowd, asked: Question) -> Answer:
    await crowd.offline(asked.station)
    return {}


async def _online(crowd: Crowd, asked: Question) -> Answer:
    crowd.online(asked.station)
    return {}


async def _state(crowd: Crowd, asked: Question) -> Answer:
    return crowd.state(asked.station)


async def _figures(crowd: Crowd, asked: Question) -> Answer:
    return dict(crowd.figures())


DOINGS: dict[str, Doing] = {
    "plug_in": _plug_in,
    "tap": _tap,
    "unplug": _unplug,
    "leave": _leave,
    "fault": _fault,
    "clear": _clear,
    "allow": _allow,
    "offline": _offline,
    "online": _online,
    "state": _state,
    "figures": _figures,
}


async def answer(crowd: Crowd, line: bytes) -> bytes:
    """To one question; a bad one is told so and harms nothing."""
    asked = Question("")
    try:
        asked = msgspec.json.decode(line, type=Question)
        if asked.do not in DOINGS:
            raise LookupError(f"nothing is called {asked.do}; there are {', '.join(DOINGS)}")
        told: Answer = {"ok": True, **await DOINGS[asked.do](crowd, asked)}
    except (LookupError, msgspec.DecodeError) as error:
        told = {"ok": False, "error": str(error)}
    return msgspec.json.encode(told | ({"id": asked.id} if asked.id is not None else {})) + b"\n"


async def serve(crowd: Crowd, reader: asyncio.StreamReader, write: Callable[[bytes], None]) -> None:
    """Until there are no questions any more. One that waits for its answer keeps no other waiting."""
    async with asyncio.TaskGroup() as group:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                write(b'{"ok":false,"error":"a question is one line of at most 100000 bytes"}\n')
                return
            if not line:
                return
            group.create_task(_one(crowd, line, write))


async def _one(crowd: Crowd, line: bytes, write: Callable[[bytes], None]) -> None:
    write(await answer(crowd, line))


async def listen(crowd: Crowd, path: Path) -> None:
    """A local socket, for its owner alone; until it is cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await serve(crowd, reader, writer.write)
            await writer.drain()
        writer.close()

    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(connected, path, limit=LONGEST)
    finally:
        os.umask(mask)
    try:
        await server.serve_forever()
    finally:
        os.unlink(path)
