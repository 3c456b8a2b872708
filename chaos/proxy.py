"""The wire between two nodes: a proxy before each of them, that loses, delays, doubles and falsifies what goes through it.

A node is known to its partners by the URL of its proxy, so that lists, links and pushes all come this way. The proxy changes nothing by
itself; what it does to a request is decided by the `Weather`. It also watches: an object is never sent in an older state than before.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from interplug.protocol.headers import REQUEST_ID

from .weather import Weather

TIMEOUT = aiohttp.ClientTimeout(total=15)
HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})
LATE = (0.3, 3.0)
SLOW = (0.05, 0.8)
HTML = b"<html><body><h1>It works!</h1></body></html>"
SECONDS_TO_WAIT = "1"
LIST = re.compile(r"/(?:sender|cpo|emsp)/(locations|tariffs|tokens|sessions|cdrs)/?$")
Envelope = dict[str, Any]


class Dropped(Exception):
    """The connection ends here, without an answer."""


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answered:
    status: int
    body: bytes
    headers: dict[str, str]


class Proxy:
    """`targets` are the processes of the node; one that does not listen is passed by, as a balancer would."""

    def __init__(self, name: str, targets: Sequence[str], weather: Weather) -> None:
        self.name, self.targets, self.weather = name, list(targets), weather
        self.messages = 0
        self.unanswered: list[str] = []
        """Requests that reached the node and got no answer of it, or one that it failed."""
        self.slowest = 0.0
        """Seconds that the node took for an answer at most."""
        self.listed: set[str] = set()
        """The modules whose lists were given to their last page."""
        self.older: list[str] = []
        """Objects that were sent in an older state than before."""
        self._newest: dict[tuple[str, str], str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""
        self._before: dict[str, Callable[[web.BaseRequest, Asked], Awaitable[web.StreamResponse]]] = {
            "refused": self._drop,
            "500": _answering(500, b"oops", "text/plain"),
            "401": _answering(401, _envelope(2001, "who are you"), "application/json"),
            "429": _answering(429, b"", "text/plain"),
            "html": _answering(200, HTML, "text/html"),
            "3000": _answering(200, _envelope(3000, "not today"), "application/json"),
            "list refused": _answering(200, _envelope(3000, "no lists"), "application/json"),
            "endless": self._endless,
            "late": self._late,
        }

    # --- its life

    async def start(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._client = aiohttp.ClientSession(timeout=TIMEOUT, connector=connector, auto_decompress=False)
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def quiet(self) -> None:
        """Returns when everything that was held back has arrived."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.quiet()
        await self._runner.cleanup()
        await self._client.close()

    # --- a request

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        asked = Asked(request.method, request.raw_path, headers, body)
        self.messages += 1
        self._watch(asked)
        listing = LIST.search(request.path) if asked.method == "GET" else None
        fault = self.weather.fault(is_list=listing is not None)
        try:
            if fault in self._before:
                return await self._before[fault](request, asked)
            if fault == "slow":
                await asyncio.sleep(self.weather.chance.uniform(*SLOW))
            answer = await self._forward(asked)
            if listing is not None and fault is None and "link" not in map(str.lower, answer.headers):
                self.listed.add(listing[1])
            return await self._spoiled(request, asked, answer, fault)
        except Dropped:
            return await self._drop(request, asked)

    async def _forward(self, asked: Asked) -> Answered:
        began = time.monotonic()
        try:
            answer = await self._answer(asked)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.unanswered.append(f"{asked.method} {asked.path}: {type(error).__name__} {error}")
            raise Dropped from None
        if answer.status >= 500:
            self.unanswered.append(f"{asked.method} {asked.path}: {answer.status} {answer.body[:200]!r}")
        self.slowest = max(self.slowest, time.monotonic() - began)
        return answer

    async def _answer(self, asked: Asked) -> Answered:
        """Of the first process that listens; each is asked first in turn."""
        self.targets.append(self.targets.pop(0))
        *others, last = self.targets
        for target in others:
            with contextlib.suppress(aiohttp.ClientConnectorError):
                return await self._ask(target, asked)
        return await self._ask(last, asked)

    async def _ask(self, target: str, asked: Asked) -> Answered:
        async with self._client.request(
            asked.method, target + asked.path, headers=asked.headers, data=asked.body or None, allow_redirects=False
        ) as answer:
            body = await answer.read()
            headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
            return Answered(answer.status, body, headers)

    async def _spoiled(self, request: web.BaseRequest, asked: Asked, answer: Answered, fault: str | None) -> web.StreamResponse:
        match fault:
            case "answer lost":
                raise Dropped
            case "500 afterwards":
                return web.Response(status=500, body=b"oops")
            case "html afterwards":
                return web.Response(body=HTML, content_type="text/html")
            case "endless afterwards":
                return await self._endless(request, asked)
            case "cut short":
                return await _cut(request, answer)
            case "doubled":
                answer = await self._forward(asked)
            case "doubled late":
                self._later(asked)
        headers = dict(answer.headers)
        if fault in SPOILED_LISTS:
            SPOILED_LISTS[fault](headers, self.url + asked.path)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    # --- faults

    async def _drop(self, request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def _late(self, request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
        self._later(asked)
        return await self._drop(request, asked)

    def _later(self, asked: Asked) -> None:
        """It arrives when the caller has done other things since."""

        async def arrive() -> None:
            await asyncio.sleep(self.weather.chance.uniform(*LATE))
            with contextlib.suppress(Dropped):
                await self._forward(asked)

        task = asyncio.create_task(arrive())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _endless(self, request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/json"})
        with contextlib.suppress(ConnectionError, TimeoutError):
            await response.prepare(request)
            async with asyncio.timeout(8):
                await response.write(b'{"status_code": 1000, "data": [')
                while True:
                    await response.write(b" " * 65_536)
        return response

    # --- what it watches

    def _watch(self, asked: Asked) -> None:
        """Of every object that is pushed, the newest state that was sent; the same again is no harm, an older one is."""
        if asked.method not in ("PUT", "PATCH") or ("/receiver/" not in asked.path and "/emsp/" not in asked.path):
            return
        with contextlib.suppress(ValueError, AttributeError):
            moment = json.loads(asked.body).get("last_updated")
            place = asked.headers.get("Authorization", ""), asked.path
            before = self._newest.get(place, "")
            if isinstance(moment, str):
                if _comparable(moment) < _comparable(before):
                    self.older.append(f"{asked.method} {asked.path} {moment} after {before} ({asked.headers.get(REQUEST_ID)})")
                self._newest[place] = max(moment, before, key=_comparable)


def _comparable(moment: str) -> str:
    """OCPI's times compare as text but for their fractions of a second."""
    whole, _, fraction = moment.rstrip("Z").partition(".")
    return f"{whole}.{fraction:0<6}"


def _envelope(code: int, message: str) -> bytes:
    return json.dumps({"status_code": code, "status_message": message, "timestamp": "2026-01-01T00:00:00Z"}).encode()


def _answering(status: int, body: bytes, kind: str) -> Callable[[web.BaseRequest, Asked], Awaitable[web.StreamResponse]]:
    async def answer(request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=kind, headers={"Retry-After": SECONDS_TO_WAIT} if status == 429 else {})

    return answer


async def _cut(request: web.BaseRequest, answer: Answered) -> web.StreamResponse:
    """Promises the whole body and ends in its middle."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body) + 10
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.abort()
    return response


# --- false lists


def _total(headers: dict[str, str], url: str) -> None:
    _replace(headers, "X-Total-Count", "3")


def _limit(headers: dict[str, str], url: str) -> None:
    _replace(headers, "X-Limit", "0")


def _again(headers: dict[str, str], url: str) -> None:
    _replace(headers, "Link", f'<{url}>; rel="next"')


def _missing(headers: dict[str, str], url: str) -> None:
    _replace(headers, "Link", None)


def _replace(headers: dict[str, str], name: str, value: str | None) -> None:
    for known in [known for known in headers if known.lower() == name.lower()]:
        del headers[known]
    if value is not None:
        headers[name] = value


SPOILED_LISTS = {"wrong total": _total, "wrong limit": _limit, "page again": _again, "page missing": _missing}
