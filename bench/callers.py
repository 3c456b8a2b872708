"""Stations that cost little: thousands of sockets in one process, each with one call in flight, as OCPP wants it.

They know no more of WebSocket than they need (their mask is zero, so a frame is its text) and no more of OCPP than their two messages,
for whoever makes the load may not be its limit. Orders come as lines of JSON on standard input, each is answered by one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from collections.abc import Iterable
from typing import Any

import uvloop

AT_ONCE = 50
"""Handshakes that are on their way at the same time."""
UPGRADE = (
    "GET /{id} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ocpp2.0.1\r\n{more}\r\n"
)
EVENT = (
    '[2,"{n}","TransactionEvent",{{"eventType":"{kind}","timestamp":"{at}","triggerReason":"{why}","seqNo":{n},'
    '"transactionInfo":{{"transactionId":"{id}-{began}","chargingState":"Charging"}},"evse":{{"id":1,"connectorId":1}},'
    '{token}"meterValue":[{{"timestamp":"{at}","sampledValue":[{samples}]}}]}}]'
)
TOKEN = '"idToken":{{"idToken":"{card}","type":"ISO14443"}},'
REGISTER = '{{"measurand":"Energy.Active.Import.Register","value":{wh},"unitOfMeasure":{{"unit":"Wh"}}}}'
OTHERS = ",".join(
    json.dumps({"measurand": measurand, "value": value, "unitOfMeasure": {"unit": unit}} | ({"phase": phase} if phase else {}))
    for measurand, value, unit, phase in (
        ("Power.Active.Import", 11040, "W", ""),
        *(("Current.Import", 16.0 + n / 10, "A", f"L{n + 1}") for n in range(3)),
        *(("Voltage", 229.5 + n, "V", f"L{n + 1}-N") for n in range(3)),
        ("Frequency", 50.01, "Hz", ""),
        ("SoC", 55, "Percent", ""),
    )
)


def framed(text: bytes, opcode: int = 0x81) -> bytes:
    size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return bytes([opcode]) + size + bytes(4) + text


class Caller(asyncio.Protocol):
    def __init__(self, crowd: Crowd, number: int) -> None:
        self.crowd, self.number, self.id = crowd, number, f"CS{number:05d}"
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answered: asyncio.Future[None] | None = None
        self.buffer, self.said, self.sent_at = b"", 0, 0.0
        self.began, self.wh = int(time.time()), 1000 + number
        self.running = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        login = base64.b64encode(f"{self.id}:{self.crowd.password}".encode()).decode()
        more = f"Authorization: Basic {login}\r\n" if self.crowd.password else ""
        self.transport.write(UPGRADE.format(id=self.id, more=more).encode())

    def connection_lost(self, error: Exception | None) -> None:
        self.crowd.lost += 1
        self._settle(OSError("the line was closed"))

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        if not self.opened.done():
            head, end, buffer = buffer.partition(b"\r\n\r\n")
            if not end:
                self.buffer = head
                return
            if b" 101 " not in head[:20]:
                self._settle(OSError(head[:80].decode()))
                return
            self.opened.set_result(None)
        while len(buffer) >= 2:
            size, start = buffer[1] & 0x7F, 2
            if size == 126:
                size, start = int.from_bytes(buffer[2:4], "big"), 4
            if len(buffer) < start + size:
                break
            self._frame(buffer[0], buffer[start : start + size])
            buffer = buffer[start + size :]
        self.buffer = buffer

    def _frame(self, opcode: int, text: bytes) -> None:
        if opcode == 0x89:
            self.transport.write(framed(text, 0x8A))
        elif opcode == 0x81 and text.startswith((b"[3,", b"[2,")):
            if self.crowd.taken is not None:
                self.crowd.taken.append(time.perf_counter() - self.sent_at)
            if self.running:
                self.say(self.running)
            else:
                self._settle(None)
        elif opcode == 0x81:
            self.crowd.errors.append(text[:200].decode())
            self._settle(OSError(text[:200].decode()))

    def _settle(self, error: OSError | None) -> None:
        for waiting in (self.opened, self.answered):
            if waiting is not None and not waiting.done():
                waiting.set_result(None) if error is None else waiting.set_exception(error)

    def say(self, what: str) -> None:
        """A call; who waits for its answer does so with `ask`."""
        self.said += 1
        self.sent_at = time.perf_counter()
        self.transport.write(framed(self._heartbeat() if what == "Heartbeat" else self._event(what)))

    async def ask(self, what: str) -> None:
        self.answered = asyncio.get_running_loop().create_future()
        self.say(what)
        await self.answered

    async def tell(self, text: str) -> None:
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(framed(text.encode()))
        await self.answered

    def _heartbeat(self) -> bytes:
        return b'[2,"%d","Heartbeat",{}]' % self.said

    def _event(self, kind: str) -> bytes:
        self.wh += 1
        began = kind == "Started"
        return EVENT.format(
            n=self.said,
            kind=kind,
            at=now(),
            why="Authorized" if began else "MeterValuePeriodic",
            id=self.id,
            began=self.began,
            token=TOKEN.format(card=f"{self.number:012X}") if began else "",
            samples=f"{REGISTER.format(wh=self.wh)},{OTHERS}",
        ).encode()


_second = (0, "")


def now() -> str:
    global _second
    at = time.time()
    if int(at) != _second[0]:
        _second = int(at), time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return f"{_second[1]}.{int(at % 1 * 1000):03d}Z"


class Crowd:
    def __init__(self) -> None:
        self.callers: list[Caller] = []
        self.password = ""
        self.taken: list[float] | None = None
        self.errors: list[str] = []
        self.lost = 0
        self.pacing: asyncio.Task[None] | None = None

    async def connect(self, port: int, numbers: Iterable[int], password: str = "") -> dict[str, Any]:
        self.password, gate, began = password, asyncio.Semaphore(AT_ONCE), time.perf_counter()

        async def one(number: int) -> Caller:
            async with gate:
                _, caller = await asyncio.get_running_loop().create_connection(lambda: Caller(self, number), "127.0.0.1", port)
                await caller.opened
                return caller

        self.callers = list(await asyncio.gather(*(one(number) for number in numbers)))
        return {"seconds": time.perf_counter() - began}

    async def each(self, what: str) -> dict[str, Any]:
        """Every one of them says it once."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(caller: Caller) -> None:
            async with gate:
                await caller.ask(what)

        await asyncio.gather(*(one(caller) for caller in self.callers))
        return {}

    async def run(self, what: str, seconds: float) -> dict[str, Any]:
        """All of them, as fast as they are answered."""
        self.taken, self.errors, lost = [], [], self.lost
        cpu, began = time.process_time(), time.perf_counter()
        for caller in self.callers:
            caller.answered = asyncio.get_running_loop().create_future()
            caller.running = what
            caller.say(what)
        await asyncio.sleep(seconds)
        for caller in self.callers:
            caller.running = ""
        await asyncio.gather(*(caller.answered for caller in self.callers if caller.answered is not None), return_exceptions=True)
        took, taken = time.perf_counter() - began, sorted(self.taken)
        self.taken = None
        return {
            "requests": len(taken),
            "us": took * 1e6,
            "p50": taken[len(taken) // 2] * 1e6,
            "p99": taken[int(len(taken) * 0.99)] * 1e6,
            "errors": len(self.errors) + self.lost - lost,
            "generator": (time.process_time() - cpu) / took,
            "first": self.errors[:1],
        }

    async def pace(self, every: float) -> dict[str, Any]:
        """From now on each of them says that it charges, so often."""

        async def forever() -> None:
            while True:
                for caller in self.callers:
                    caller.say("Updated")
                    await asyncio.sleep(every / len(self.callers))

        self.pacing = asyncio.create_task(forever())
        return {}

    async def status(self, place: int, status: str) -> dict[str, Any]:
        """One of them says how it is, without waiting for its other call; when that was."""
        caller, at = self.callers[place], time.time()
        said = f'{{"timestamp":"{now()}","connectorStatus":"{status}","evseId":1,"connectorId":1}}'
        await caller.tell(f'[2,"status-{at}","StatusNotification",{said}]')
        return {"at": at}


async def main() -> None:
    crowd, loop = Crowd(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        answer = await getattr(crowd, order.pop("do"))(**order)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
