"""The calls of one socket, for either end: a CSMS towards a station, or a station towards a CSMS.

Three tasks. The *reader* takes frames off the socket and never waits for a call of ours, nor for a handler that could make one; an
answer reaches its call at once. The *worker* answers CALLs one after the other in the order in which they came, for their order carries
meaning; what is `prompt`, and comes when no other waits, the reader answers itself, which saves a change of tasks.
The *caller* has one CALL of ours in flight (OCPP-J 4.1.1 forbids more); the others wait behind it, the more urgent first, each
until its own deadline. A handler that waits for a call to the same station is heard all the same, but holds up the station's
next message: what follows an answer is given to `then`.

What was received before the socket closed is still handled. An end that floods us is read no faster than it is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from websockets.exceptions import ConnectionClosed

from . import schemas
from .dialects import Dialect
from .frames import CALL, NOBODY, Broken, Call, Error, Frame, Payload, Result, Send, parse, spell

log = logging.getLogger(__name__)

URGENT, SOON, ORDINARY, IDLE = range(4)
"""How calls of ours overtake each other while they wait: a stop, an unlocking, a start, the rest."""
BACKLOG = 64
"""CALLs that may wait for their answers before the other end is read no further; OCPP allows it one."""


class Socket(Protocol):
    """What `websockets` offers on either side; a closed one raises ConnectionClosed."""

    async def recv(self) -> str | bytes: ...
    async def send(self, message: str) -> None: ...
    async def close(self, code: int = 1000, reason: str = "") -> None: ...


class Refused(Exception):
    """A call is answered CALLERROR: raised by a handler that refuses, and by `Link.call` where the other end did. Codes are named as
    2.x names them when we refuse, and as they were said when we are refused."""

    def __init__(self, code: str, description: str = "", details: Payload | None = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code, self.description, self.details = code, description, details or {}


class Silent(TimeoutError):
    """No answer came in time. Whether the call was carried out is not known."""


class Gone(ConnectionError):
    """The socket is closed, or was before the answer came."""


class Incoming(NamedTuple):
    """A CALL, or with `answered` False a SEND, of the other end."""

    id: str
    action: str
    payload: Payload
    raw: str
    answered: bool = True
    wrong: str = ""
    """What is wrong with a number that is null in the payload."""


Answering = Callable[[Incoming], Awaitable[Payload]]


def check(dialect: Dialect, incoming: Incoming) -> None:
    """Raises Refused where the action is none of this version, or its payload is not as the schema says."""
    if incoming.action not in schemas.actions(dialect):
        raise Refused("NotImplemented", f"OCPP {dialect.version} has no {incoming.action[:50]}")
    if incoming.wrong:
        raise Refused("PropertyConstraintViolation", incoming.wrong)
    problem = schemas.check_request(dialect, incoming.action, incoming.payload)
    if problem is not None:
        raise Refused(problem.code, problem.description)


@dataclass(slots=True, order=True)
class _Outgoing:
    priority: int
    order: int
    frame: Call = field(compare=False)
    answer: asyncio.Future[Payload] = field(compare=False)


class Link:
    def __init__(
        self,
        socket: Socket,
        dialect: Dialect,
        answering: Answering,
        *,
        name: str = "",
        timeout: float = 30.0,
        watch: Callable[[bool, str], None] | None = None,
        prompt: Callable[[str], Incoming | None] | None = None,
    ) -> None:
        """`timeout` is how long `call` waits where it is not told; `prompt` makes a CALL of a text whose answer waits for nothing but the
        disk, and need not read all of it; `watch` sees each other frame, (came in, text), before anything else."""
        self.dialect = dialect
        self.name = name
        self._socket = socket
        self._answering = answering
        self._timeout = timeout
        self._watch = watch or (lambda incoming, text: None)
        self._prompt = prompt or (lambda text: None)
        self._waiting: asyncio.Queue[Incoming | None] = asyncio.Queue(BACKLOG)
        self._working = False
        self._outgoing: asyncio.PriorityQueue[_Outgoing] = asyncio.PriorityQueue()
        self._in_flight: _Outgoing | None = None
        self._order = itertools.count()
        self._then: list[Coroutine[Any, Any, object]] = []
        self._tasks: set[asyncio.Task[object]] = set()
        self._closed = False

    # --- its life

    async def run(self) -> None:
        """Until the socket closes, and what had come by then is answered for."""
        reader, worker, _ = tasks = [asyncio.create_task(one) for one in (self._read(), self._work(), self._make_calls())]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            self._lose()
            if reader.done() and not worker.done():
                await self._waiting.put(None)
                await asyncio.wait([worker])
        finally:
            self._lose()
            everything = [*tasks, *self._tasks]
            for one in everything:
                one.cancel()
            await asyncio.gather(*everything, return_exceptions=True)
            for work in self._then:
                work.close()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the socket; `run` ends after that."""
        self._lose()
        await self._socket.close(code, reason)

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Something that goes on beside, at the longest as long as the link."""
        if self._closed:
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._ended)

    def then(self, work: Coroutine[Any, Any, object]) -> None:
        """Called by a handler: `work` begins when its answer is out."""
        self._then.append(work)

    def _lose(self) -> None:
        self._closed = True
        waiting = [self._in_flight] if self._in_flight is not None else []
        while not self._outgoing.empty():
            waiting.append(self._outgoing.get_nowait())
        for one in waiting:
            if not one.answer.done():
                one.answer.set_exception(Gone("the connection was closed"))

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, Refused | Silent | Gone):
            log.info("station %s: %s", self.name, error)
        else:
            log.error("station %s: work beside its messages failed", self.name, exc_info=error)

    # --- what the other end says

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                raw = await self._socket.recv()
                text = raw if isinstance(raw, str) else raw.decode(errors="replace")
                await self._take(text)

    async def _take(self, text: str) -> None:
        idle = not self._working and self._waiting.empty()
        if idle and (incoming := self._prompt(text)) is not None:
            await self._reply(incoming)
            return
        self._watch(True, text)
        frame = parse(text, self.dialect)
        match frame:
            case Call():
                await self._waiting.put(Incoming(frame.id, frame.action, frame.payload, text, wrong=frame.wrong))
            case Send():
                await self._waiting.put(Incoming(frame.id, frame.action, frame.payload, text, answered=False))
            case Result():
                self._settle(frame.id, frame.payload)
            case Error(to_result=True):
                log.warning("station %s does not accept our answer %s: %s %s", self.name, frame.id, frame.code, frame.description)
            case Error():
                self._settle(frame.id, Refused(frame.code, frame.description, frame.details))
            case Broken():
                await self._complain(frame)

    def _settle(self, id: str, answer: Payload | Refused) -> None:
        current = self._in_flight
        if current is None or current.frame.id != id or current.answer.done():
            log.info("station %s: an answer to nothing that we wait for: %s", self.name, id)
        elif isinstance(answer, Refused):
            current.answer.set_exception(answer)
        else:
            current.answer.set_result(answer)

    async def _complain(self, broken: Broken) -> None:
        log.info("station %s: %s", self.name, broken.description)
        if broken.kind in (0, CALL):
            await self._write(self._error(broken.id, Refused(broken.code, broken.description)))
        elif broken.id != NOBODY:
            self._settle(broken.id, Refused(broken.code, broken.description))
            if self.dialect.sends:
                await self._write(Error(broken.id, broken.code, broken.description, to_result=True))

    async def _work(self) -> None:
        while (incoming := await self._waiting.get()) is not None:
            self._working = True
            await self._reply(incoming)
            self._working = False

    async def _reply(self, incoming: Incoming) -> None:
        answer = await self._answer(incoming)
        if incoming.answered:
            await self._write(answer)
        works, self._then = self._then, []
        for work in works:
            self.begin(work)

    async def _answer(self, incoming: Incoming) -> Frame:
        try:
            return Result(incoming.id, await self._answering(incoming))
        except Refused as refused:
            return self._error(incoming.id, refused)
        except Exception:
            log.exception("station %s: %s", self.name, incoming.action)
            return self._error(incoming.id, Refused("InternalError", "this message could not be handled"))

    def _error(self, id: str, refused: Refused) -> Error:
        return Error(id, self.dialect.code(refused.code), refused.description, refused.details)

    # --- what we say

    async def call(
        self,
        action: str,
        payload: Payload,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 (a deadline for waiting in the queue, too)
        priority: int = ORDINARY,
        id: str | None = None,
    ) -> Payload:
        """The answer to a CALL of ours. Raises Refused, Silent, Gone. `id` is for a message that was said before and not answered."""
        if self._closed:
            raise Gone("the connection is closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Payload] = loop.create_future()
        frame = Call(id or str(uuid.uuid4()), action, payload)
        self._outgoing.put_nowait(_Outgoing(priority, next(self._order), frame, answer))
        seconds = self._timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            raise Silent(f"no answer to {action} within {seconds:g} seconds") from None

    async def send(self, action: str, payload: Payload) -> None:
        """A SEND, which nobody answers (2.1)."""
        await self._write(Send(str(uuid.uuid4()), action, payload))

    async def _make_calls(self) -> None:
        while True:
            one = await self._outgoing.get()
            if one.answer.done():
                continue
            self._in_flight = one
            try:
                await self._write(one.frame)
                await asyncio.wait([one.answer])
            finally:
                self._in_flight = None

    async def _write(self, frame: Frame) -> None:
        text = spell(frame)
        self._watch(False, text)
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(text)
