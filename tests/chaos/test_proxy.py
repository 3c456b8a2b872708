"""The wire that misbehaves: what reaches the node behind it, and what its caller sees."""

import asyncio
import random
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from chaos import proxy as proxies
from chaos.proxy import Proxy
from chaos.weather import AFTER, BEFORE, LISTS, Weather

OK = b'{"status_code": 1000, "data": []}'


class Chosen(Weather):
    """The fault that the test names."""

    name: str | None = None

    def fault(self, *, is_list: bool) -> str | None:
        return self.name


class Wire:
    """A node that answers well and remembers, and its proxy."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.weather = Chosen(random.Random(1))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.arrived.append(f"{request.method} {(await request.read()).decode()}".strip())
        return web.Response(body=OK, headers={"Link": "<http://x/2>; rel=next", "X-Total-Count": "7"})

    async def ask(
        self, method: str = "PUT", path: str = "/ocpi/2.2.1/receiver/locations/NL/KAD/LOC1", body: str = ""
    ) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=5)
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.request(method, self.proxy.url + path, data=body or None) as answer,
        ):
            await answer.read()
            return answer


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    monkeypatch.setattr(proxies, "LATE", (0.0, 0.01))
    monkeypatch.setattr(proxies, "SLOW", (0.0, 0.01))
    made = Wire()
    runner = web.ServerRunner(web.Server(made.answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.proxy = Proxy("node", [f"http://127.0.0.1:{runner.addresses[0][1]}"], made.weather)
    await made.proxy.start()
    yield made
    await made.proxy.stop()
    await runner.cleanup()


async def test_without_a_fault_it_changes_nothing(wire: Wire) -> None:
    answer = await wire.ask(body="{}")
    assert (answer.status, answer.headers["X-Total-Count"], wire.arrived) == (200, "7", ["PUT {}"])


ARRIVALS = dict.fromkeys(BEFORE, 0) | dict.fromkeys(AFTER, 1) | {"late": 1, "slow": 1, "doubled": 2, "doubled late": 2}


@pytest.mark.parametrize("fault", [name for name in BEFORE + AFTER if not name.startswith("endless")])
async def test_each_fault_lets_through_what_it_says(wire: Wire, fault: str) -> None:
    wire.weather.name = fault
    try:
        answer = await wire.ask("POST")  # aiohttp itself sends a PUT again
        good = answer.status == 200 and answer.headers.get("X-Total-Count") == "7"
    except aiohttp.ClientError:
        good = False
    await wire.proxy.quiet()
    assert len(wire.arrived) == ARRIVALS[fault]
    assert good == (fault in ("slow", "doubled", "doubled late"))


async def test_an_endless_body_has_no_end(wire: Wire) -> None:
    wire.weather.name = "endless"
    async with aiohttp.ClientSession() as client, client.get(wire.proxy.url + "/") as answer:
        async with asyncio.timeout(20):
            assert len(await answer.content.readexactly(1_000_000)) == 1_000_000


@pytest.mark.parametrize(
    ("fault", "header", "value"), list(zip(LISTS, ("X-Total-Count", "X-Limit", "Link", "Link"), ("3", "0", None, ""), strict=True))
)
async def test_lists_are_falsified(wire: Wire, fault: str, header: str, value: str | None) -> None:
    wire.weather.name = fault
    path = "/ocpi/2.2.1/sender/locations"
    answer = await wire.ask("GET", path)
    assert answer.headers.get(header, "") == (f'<{wire.proxy.url}{path}>; rel="next"' if value is None else value)


async def test_an_older_state_after_a_newer_one_is_noted(wire: Wire) -> None:
    for moment in ("00:00:01Z", "00:00:01.5Z", "00:00:01.5Z", "00:00:02Z"):
        await wire.ask(body=f'{{"last_updated": "2026-01-01T{moment}"}}')
    assert wire.proxy.older == []
    await wire.ask(body='{"last_updated": "2026-01-01T00:00:01.900Z"}')
    assert len(wire.proxy.older) == 1
