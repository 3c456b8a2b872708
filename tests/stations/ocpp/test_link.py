"""The calls of one socket: order, one in flight, deadlines, what overtakes what, and an end that misbehaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from interplug.stations.ocpp.dialects import V16, V21, V201, Dialect
from interplug.stations.ocpp.link import IDLE, URGENT, Gone, Incoming, Link, Refused, Silent, check
from tests.stations.ocpp.pair import Memory, pair

Payload = dict[str, Any]
NOW = {"currentTime": "2026-01-01T00:00:00Z"}


async def echo(incoming: Incoming) -> Payload:
    return {"action": incoming.action, **incoming.payload}


class Raw:
    """The other end by hand."""

    def __init__(self, socket: Memory) -> None:
        self.socket = socket

    async def say(self, *parts: object) -> None:
        await self.socket.send(json.dumps(parts))

    async def hear(self) -> list[Any]:
        heard: list[Any] = json.loads(await self.socket.recv())
        return heard


@asynccontextmanager
async def linked(dialect: Dialect, answering: Callable[[Incoming], Any], **more: Any) -> AsyncIterator[tuple[Link, Raw]]:
    ours, theirs = pair()
    link = Link(ours, dialect, answering, **more)
    running = asyncio.create_task(link.run())
    try:
        yield link, Raw(theirs)
    finally:
        await theirs.close()
        async with asyncio.timeout(5):
            await running


async def test_two_links_call_each_other() -> None:
    ours, theirs = pair()
    ends = [Link(ours, V201, echo), Link(theirs, V201, echo)]
    running = [asyncio.create_task(end.run()) for end in ends]
    answers = await asyncio.gather(*(end.call("Heartbeat", {"n": n}) for n in range(20) for end in ends))
    assert [answer["n"] for answer in answers] == [n for n in range(20) for _ in ends]
    await ends[0].close()
    await asyncio.gather(*running)


async def test_calls_are_answered_in_their_order_however_long_each_takes() -> None:
    first = asyncio.Event()

    async def answering(incoming: Incoming) -> Payload:
        if incoming.id == "1":
            await first.wait()
        return {"id": incoming.id}

    async with linked(V16, answering) as (_, raw):
        for number in "123":
            await raw.say(2, number, "Heartbeat", {})
        first.set()
        assert [(await raw.hear())[1] for _ in "123"] == ["1", "2", "3"]


async def test_one_call_of_ours_is_in_flight_and_a_stop_overtakes_what_waits() -> None:
    async with linked(V16, echo) as (link, raw):
        calls = [asyncio.create_task(link.call("A", {}, priority=IDLE))]
        frames = [await raw.hear()]
        calls += [asyncio.create_task(link.call(name, {}, priority=how)) for name, how in (("B", IDLE), ("Stop", URGENT))]
        for _ in calls:
            await raw.say(3, frames[-1][1], {})
            if len(frames) < len(calls):
                frames.append(await raw.hear())
        await asyncio.gather(*calls)
        assert [frame[2] for frame in frames] == ["A", "Stop", "B"]


async def test_an_answer_is_heard_while_a_handler_waits_for_it() -> None:
    async def answering(incoming: Incoming) -> Payload:
        return await link.call("GetLog", {})

    async with linked(V201, answering) as (link, raw):
        await raw.say(2, "1", "BootNotification", {})
        _, called, _, _ = await raw.hear()
        await raw.say(3, called, {"status": "Accepted"})
        assert await raw.hear() == [3, "1", {"status": "Accepted"}]


async def test_what_follows_an_answer_comes_after_it() -> None:
    async def answering(incoming: Incoming) -> Payload:
        link.then(link.call("GetBaseReport", {}))
        await asyncio.sleep(0)
        return NOW

    async with linked(V201, answering) as (link, raw):
        await raw.say(2, "1", "BootNotification", {})
        assert (await raw.hear())[0] == 3
        assert (await raw.hear())[2] == "GetBaseReport"


async def test_silence_ends_a_call_and_the_next_one_goes_out() -> None:
    async with linked(V16, echo, timeout=0.01) as (link, raw):
        with pytest.raises(Silent):
            await link.call("Reset", {"type": "Soft"})
        _, late, _, _ = await raw.hear()
        call = asyncio.create_task(link.call("ClearCache", {}, timeout=5))
        _, called, _, _ = await raw.hear()
        await raw.say(3, late, {"status": "Rejected"})  # an answer that comes too late is nobody's
        await raw.say(3, called, {"status": "Accepted"})
        assert await call == {"status": "Accepted"}


async def test_a_closed_socket_fails_every_call_that_waits() -> None:
    async with linked(V16, echo) as (link, raw):
        calls = [asyncio.create_task(link.call("ClearCache", {})) for _ in range(3)]
        await raw.hear()
        await raw.socket.close()
        assert all(isinstance(one, Gone) for one in await asyncio.gather(*calls, return_exceptions=True))
        with pytest.raises(Gone):
            await link.call("ClearCache", {})


async def test_what_came_before_the_socket_closed_is_handled() -> None:
    handled = []

    async def answering(incoming: Incoming) -> Payload:
        await asyncio.sleep(0)
        handled.append(incoming.id)
        return {}

    async with linked(V16, answering) as (_, raw):
        for number in "123":
            await raw.say(2, number, "StopTransaction", {})
    assert handled == ["1", "2", "3"]


REFUSED = [
    (V16, "Heartbeat", {"x": 1}, "FormationViolation"),
    (V16, "Authorize", {}, "OccurenceConstraintViolation"),
    (V201, "Authorize", {}, "OccurrenceConstraintViolation"),
    (V16, "TransactionEvent", {}, "NotImplemented"),
]


@pytest.mark.parametrize(("dialect", "action", "payload", "code"), REFUSED, ids=[f"{row[1]}-{row[3]}" for row in REFUSED])
async def test_a_strict_end_refuses_in_the_words_of_the_version(dialect: Dialect, action: str, payload: Payload, code: str) -> None:
    async def answering(incoming: Incoming) -> Payload:
        check(dialect, incoming)
        return NOW

    async with linked(dialect, answering) as (_, raw):
        await raw.say(2, "1", action, payload)
        assert (await raw.hear())[:3] == [4, "1", code]
        await raw.say(2, "2", "Heartbeat", {})
        assert await raw.hear() == [3, "2", NOW]


async def test_a_handler_that_fails_is_an_internal_error_and_the_next_message_is_answered() -> None:
    async def answering(incoming: Incoming) -> Payload:
        return {"x": 1 / int(incoming.id)}

    async with linked(V16, answering) as (_, raw):
        await raw.say(2, "0", "Heartbeat", {})
        await raw.say(2, "1", "Heartbeat", {})
        assert (await raw.hear())[:3] == [4, "0", "InternalError"]
        assert (await raw.hear())[:2] == [3, "1"]


async def test_a_refusal_by_the_other_end_says_why() -> None:
    async with linked(V16, echo) as (link, raw):
        call = asyncio.create_task(link.call("ReserveNow", {}))
        _, called, _, _ = await raw.hear()
        await raw.say(4, called, "NotSupported", "no such thing", {})
        with pytest.raises(Refused) as refused:
            await call
        assert (refused.value.code, refused.value.description) == ("NotSupported", "no such thing")


async def test_what_is_no_message_is_answered_and_the_link_lives() -> None:
    async with linked(V201, echo) as (_, raw):
        await raw.socket.send("no json")
        assert (await raw.hear())[:3] == [4, "-1", "RpcFrameworkError"]
        await raw.say(2, "7", "Heartbeat")
        assert (await raw.hear())[:3] == [4, "7", "FormatViolation"]
        await raw.say(3, "7", "an answer to nothing")
        await raw.say(2, "8", "Heartbeat", {})
        assert (await raw.hear())[:2] == [3, "8"]


async def test_a_send_of_2_1_is_handled_and_not_answered() -> None:
    handled = []

    async def answering(incoming: Incoming) -> Payload:
        handled.append(incoming.action)
        return {}

    async with linked(V21, answering) as (_, raw):
        await raw.say(6, "1", "NotifyPeriodicEventStream", {})
        await raw.say(2, "2", "Heartbeat", {})
        assert (await raw.hear())[:2] == [3, "2"]
    assert handled == ["NotifyPeriodicEventStream", "Heartbeat"]


async def test_a_broken_answer_fails_its_call_and_is_complained_of_in_2_1() -> None:
    async with linked(V21, echo) as (link, raw):
        call = asyncio.create_task(link.call("ClearCache", {}))
        _, called, _, _ = await raw.hear()
        await raw.say(3, called, "Accepted")
        assert (await raw.hear())[:3] == [5, called, "FormatViolation"]
        with pytest.raises(Refused):
            await call


async def test_every_frame_is_seen() -> None:
    seen: list[tuple[bool, str]] = []
    async with linked(V16, echo, watch=lambda incoming, text: seen.append((incoming, text))) as (_, raw):
        await raw.say(2, "1", "Heartbeat", {})
        await raw.hear()
    assert [incoming for incoming, _ in seen] == [True, False]


async def test_a_flood_is_read_no_faster_than_it_is_answered() -> None:
    gate = asyncio.Event()

    async def answering(incoming: Incoming) -> Payload:
        await gate.wait()
        return {}

    read = 0

    def watch(incoming: bool, text: str) -> None:
        nonlocal read
        read += incoming

    async with linked(V16, answering, watch=watch) as (_, raw):
        for number in range(1000):
            await raw.say(2, str(number), "Heartbeat", {})
        for _ in range(2000):
            await asyncio.sleep(0)
        assert read < 100
        gate.set()
        assert [(await raw.hear())[1] for _ in range(1000)] == [str(number) for number in range(1000)]
