"""The message log: found again, cut, and never with a token in it."""

import base64
from typing import Any

import pytest

from interplug.store.masking import shown
from interplug.store.messages import AT_ONCE, GROUP, Message
from tests.store.conftest import Desk, Opener

TOKEN = "c2VjcmV0LXRva2Vu"


def message(n: int = 0, **more: Any) -> Message:
    given: dict[str, Any] = {
        "direction": "in",
        "connection": 1,
        "method": "GET",
        "url": f"/ocpi/2.2.1/locations/{n}",
        "http": 200,
        "ocpi": 1000,
        "request_id": f"r{n}",
        "correlation_id": f"c{n % 2}",
        "started_at": n,
        "took_us": 5,
    }
    return Message(**(given | more))


async def logged(desk: Desk, *messages: Message) -> list[Message]:
    for one in messages:
        desk.store.messages.add(one)
    await desk.store.messages.flush()
    return list(await desk.read(lambda tx: tx.messages.search()))


async def test_what_was_said_is_found_by_correlation_connection_and_url(desk: Desk) -> None:
    await logged(desk, *(message(n, connection=n % 3, headers={"x": "y"}, body=b"asked", answer=b"told") for n in range(6)))

    async def found(**by: Any) -> list[str]:
        return [one.request_id for one in await desk.read(lambda tx: tx.messages.search(**by))]

    assert await found() == ["r5", "r4", "r3", "r2", "r1", "r0"]
    assert await found(correlation_id="c1") == ["r5", "r3", "r1"]
    assert await found(connection=2, correlation_id="c1") == ["r5"]
    assert await found(url="locations/3") == ["r3"]
    assert await found(url="_") == await found(url="%") == []
    newest = (await desk.read(lambda tx: tx.messages.search(limit=1)))[0]
    assert (newest.headers, newest.body, newest.answer) == ({"x": "y"}, b"asked", b"told")
    assert await found(before=newest.number, limit=2) == ["r4", "r3"]


async def test_the_log_is_written_apart_from_requests_and_at_the_latest_at_closing(open_store: Opener) -> None:
    store = open_store()
    store.messages.add(message())
    assert await store.read(lambda tx: tx.messages.search()) == []
    await store.close()
    [kept] = await open_store().read(lambda tx: tx.messages.search())
    assert kept.request_id == "r0"


async def test_the_buffer_empties_itself(desk: Desk) -> None:
    desk.store.messages.wait = 0
    desk.store.messages.add(message(0))
    desk.store.messages.add(message(1))
    assert desk.store.messages._flushing is not None
    await desk.store.messages._flushing
    assert len(await desk.read(lambda tx: tx.messages.search())) == 2


@pytest.mark.parametrize(
    "secret",
    [
        message(headers={"Authorization": f"Token {TOKEN}"}),
        message(headers={"authorization": TOKEN, "cookie": f"session={TOKEN}"}),
        message(url="/ocpi/2.2.1/credentials", body=b'{"token":"%b","url":"https://x"}' % TOKEN.encode()),
        message(url="/ocpi/2.2.1/credentials", answer=b'{"data":{"token":"%b"},"status_code":1000}' % TOKEN.encode()),
        message(url="/elsewhere", answer=b'{"data":[{"token" : "%b"}]}' % TOKEN.encode()),
        message(url="/elsewhere", body=b'{"\\u0074oken":"%b"}' % TOKEN.encode()),
        message(url="/elsewhere", body=b'{"token":"%b"' % TOKEN.encode()),
        message(url="/elsewhere", answer=b'{"token":"%b","x":"%b"}' % (TOKEN.encode(), b"x" * 70_000)),
        message(url="/elsewhere", answer=b'{"\\u0074\\u006Fken":"%b","x":"%b"}' % (TOKEN.encode(), b"x" * 70_000)),
        message(url="/ocpi/2.2.1/credentials", body=b"token=%b" % TOKEN.encode()),
    ],
)
async def test_no_token_is_ever_in_it(desk: Desk, secret: Message) -> None:
    await logged(desk, secret)
    rows = await desk.read(lambda tx: tx.db.all("select * from message"))
    assert len(rows) == 1 and TOKEN not in repr(rows)


@pytest.mark.parametrize("written", ["plain", "base64", "cut"])
@pytest.mark.parametrize("sent", ["plain", "base64"])
async def test_the_token_of_a_request_is_not_kept_wherever_it_is_repeated(desk: Desk, written: str, sent: str) -> None:
    spelled = base64.b64encode(TOKEN.encode()).decode()
    said = spelled if written == "base64" else TOKEN
    before = "x" * (desk.store.messages.body_limit - 66) if written == "cut" else ""
    answer = f'{before}{{"status_code": 2001, "status_message": "Unknown token {said} here"}}'
    headers = {"Authorization": f"Token {spelled if sent == 'base64' else TOKEN}", "x-debug": said}
    [kept] = await logged(
        desk, message(url=f"/x?token={said}", headers=headers, body=said.encode(), answer=answer.encode(), correlation_id=said)
    )
    assert said[:9] not in repr(kept) and kept.url == "/x?token=***"


def test_the_token_object_of_ocpi_is_no_secret() -> None:
    body = b'{"token":{"uid":"0123"},"location_id":"L"}'
    assert shown(body, "/ocpi/2.2.1/commands/START_SESSION") == body


async def test_a_token_is_masked_before_the_body_is_cut(desk: Desk) -> None:
    desk.store.messages.body_limit = 20
    [kept] = await logged(
        desk, message(url="/credentials", body=b'{"url":"x","token":"%b"}' % TOKEN.encode(), answer=b'"%b"' % (b"x" * 99))
    )
    assert (kept.body, kept.answer) == (b'{"url":"x","token":"', b'"' + b"x" * 19)


async def test_retention_by_age_and_by_count(desk: Desk) -> None:
    for n in range(10):
        await logged(desk, message(n))
    await desk.write(lambda tx: tx.messages.forget(before=3, most=1000))
    assert len(await desk.read(lambda tx: tx.messages.search())) == 7
    await desk.write(lambda tx: tx.messages.forget(before=0, most=4))
    assert [one.request_id for one in await desk.read(lambda tx: tx.messages.search())] == ["r9", "r8", "r7", "r6", "r5"]


async def test_a_search_goes_through_many_groups_and_numbers_last(desk: Desk) -> None:
    some = 3 * GROUP * AT_ONCE + 5
    await logged(desk, *(message(n) for n in range(some)))
    found = await desk.read(lambda tx: tx.messages.search(limit=some + 1))
    assert [one.request_id for one in found] == [f"r{n}" for n in reversed(range(some))]
    assert [one.number for one in found] == list(range(some, 0, -1))
    [oldest] = await desk.read(lambda tx: tx.messages.search(url="LOCATIONS/0", limit=1))
    assert (await desk.read(lambda tx: tx.messages.search(before=oldest.number + 1, limit=1))) == [oldest]


async def test_a_long_body_is_cut_before_it_waits(desk: Desk) -> None:
    body = b'[{"name":"Caf\\u00e9"},"%b"]' % (b"x" * 100_000)
    one = message(answer=body)
    [kept] = await logged(desk, one)
    assert kept.answer == one.answer == body[:4096]


def test_escapes_that_spell_no_token_are_kept_as_they_are() -> None:
    body = b'{"name": "Caf\\u00e9 \\u0041"}'
    assert shown(body, "/x") == body


@pytest.mark.parametrize(
    ("said", "contact"),
    [
        ([], (0, 0)),
        ([("in", 200, 10), ("in", 404, 20)], (20, 0)),
        ([("out", 200, 10), ("out", 0, 20), ("out", 503, 30)], (10, 20)),
        ([("out", 0, 10), ("out", 401, 20)], (20, 0)),
        ([("out", 0, 10)], (0, 10)),
    ],
)
async def test_the_last_contact_and_the_silence_since(desk: Desk, said: list[tuple[str, int, int]], contact: tuple[int, int]) -> None:
    await logged(desk, *(message(connection=7, direction=way, http=http, started_at=at) for way, http, at in said), message(connection=8))
    assert await desk.read(lambda tx: tx.pulses.contact(7)) == contact


HOUR = 3_600_000_000


async def test_what_was_said_is_found_by_time_status_and_direction(desk: Desk) -> None:
    ends = {0: (200, 1000), 1: (200, 2001), 2: (500, 3000), 3: (0, 0)}
    for n in range(4):
        direction = "out" if n == 3 else "in"
        await logged(desk, message(n, started_at=n * 3 * HOUR, http=ends[n][0], ocpi=ends[n][1], direction=direction))

    async def found(**by: Any) -> list[str]:
        return [one.request_id for one in await desk.read(lambda tx: tx.messages.search(**by))]

    assert await found(since=3 * HOUR, until=9 * HOUR) == ["r2", "r1"]
    assert await found(since=3 * HOUR + 1) == ["r3", "r2"]
    assert await found(until=1) == ["r0"]
    assert await found(until=-2 * HOUR) == []
    assert await found(status=2001) == ["r1"]
    assert await found(status=500) == ["r2"]
    assert await found(status=0) == ["r3"]
    assert await found(failed=True) == ["r3", "r2", "r1"]
    assert await found(direction="out") == ["r3"]


async def test_a_slow_request_is_found_by_when_it_began(desk: Desk) -> None:
    """It is logged when it ends, after others that began later."""
    await logged(desk, message(1, started_at=20))
    await logged(desk, message(2, started_at=10))
    await logged(desk, message(3, started_at=30))
    assert [one.request_id for one in await desk.read(lambda tx: tx.messages.search(since=15, until=25))] == ["r1"]
    assert [one.request_id for one in await desk.read(lambda tx: tx.messages.search(until=15))] == ["r2"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # all of it fits in a page or two of PostgreSQL's
async def test_a_search_by_time_reads_the_groups_of_that_time_alone(desk: Desk) -> None:
    for day in range(60):
        await logged(desk, message(day, started_at=day * 24 * HOUR))

    async def effort(**by: Any) -> int:
        async with desk.effort() as steps:
            await desk.read(lambda tx: tx.messages.search(**by))
        return steps[0]

    assert await effort(since=30 * 24 * HOUR, until=31 * 24 * HOUR) < await effort(url="nowhere") / 2


async def pulse(desk: Desk, connection: int = 1) -> list[tuple[Any, ...]]:
    found = await desk.read(lambda tx: tx.pulses.of(connection))
    return [(one.hour, (one.incoming.n, one.incoming.bad, one.incoming.ok_at), (one.outgoing.n, one.outgoing.bad)) for one in found]


async def test_how_requests_ended_is_summed_up_by_partner_and_hour(desk: Desk) -> None:
    await logged(desk, message(5), message(7, ocpi=2001), message(8, connection=2), message(9, direction="out", http=0, ocpi=0))
    await logged(desk, message(6), message(HOUR + 3))
    assert await pulse(desk) == [(0, (2, 1, 5), (1, 1)), (1, (2, 0, HOUR + 3), (0, 0))]
    assert await pulse(desk, 2) == [(0, (1, 0, 8), (0, 0))]


async def test_hours_of_long_ago_are_no_longer_told_apart_and_the_last_success_is_still_known(desk: Desk) -> None:
    for hour in (100, 101, 160):
        await logged(desk, message(hour * HOUR), message(hour * HOUR + 1, ocpi=3000, http=500))
    for _ in range(2):
        await desk.write(lambda tx: tx.pulses.sum_up(170 * HOUR))
        assert await pulse(desk) == [(0, (4, 2, 101 * HOUR), (0, 0)), (160, (2, 1, 160 * HOUR), (0, 0))]
