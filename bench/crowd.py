"""1,000 open pages: what a status costs that all of them show, or none, and when it is on the last of them.

Each page is a stream of events from an address of its own, as its browser asks for it: most are the list with its map, the others the
page of the station. All show the station whose status a partner then changes, which is the dearest case. What counts is the time from
before the PATCH is sent until its event has arrived at the last page. Beside it, the bare application keeps as many streams and writes as
many bytes, ready in memory, to each. Then a station changes that no page shows, with the pages open and without: what is not shown
should cost no more for them. The CPU of a change is what is spent beyond that of as much time in which nothing changes.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench import data, nodes
from bench.rows import Plan, Row

PAGES, CHANGES = 1_000, 20
OF_STATION = 300
"""So many of them are the page of the station."""
ROWS, POINTS = 20, 100
WITHIN = 1.0
TIMES = 5.0
BESIDE = 1.5
PAUSE = 0.5
"""Seconds from a change to the next one: all of them take as long as the pages take to hear a heartbeat each."""
SHOWN, UNSHOWN = 7, 11
"""The numbers of the Locations that change: the one that all pages show, and one that none does."""


@dataclass(frozen=True)
class _Spent:
    """Of each change: when it was on the last page; and the server's CPU for all of them, without what it does besides."""

    took: list[float]
    cpu: float
    lost: int
    idle: float
    """The CPU without any."""
    bytes: float
    """That each page got for one change."""

    @property
    def ms(self) -> float:
        return self.cpu / CHANGES * 1000


def rows(plan: Plan, node: nodes.Server, target: int, others: list[int]) -> Iterator[Row]:
    """`target` is what all pages show, as they name it; `others` is what they show beside it."""
    with _on_the_other_core():
        shown, beside = asyncio.run(_with_pages(node, target, others))
        alone = asyncio.run(_measured(node, [], UNSHOWN))
        bare = nodes.bare(plan.folder, told=round(shown.bytes))
        try:
            theirs = asyncio.run(_with_streams(bare))
        finally:
            bare.stop()
    yield Row(
        claim=f"a status that a partner changes is on {PAGES:,} open pages that show it: within {WITHIN:g} s",
        measured=f"{statistics.median(shown.took):.2f} s, at most {max(shown.took):.2f} s",
        holds=max(shown.took) <= WITHIN and not shown.lost,
        details=f"{CHANGES} changes, {shown.bytes:.0f} bytes for each page; the bare application {statistics.median(theirs.took):.2f} s, "
        f"at most {max(theirs.took):.2f} s; {shown.lost} pages lost",
        numbers={"median": statistics.median(shown.took), "longest": max(shown.took), "lost": shown.lost},
    )
    yield _ratio("such a change, to a bare application that writes the same to as many", TIMES, shown, theirs)
    yield _ratio(f"a change that none of {PAGES:,} open pages shows, to one with none open", BESIDE, beside, alone)


def _ratio(name: str, at_most: float, ours: _Spent, theirs: _Spent) -> Row:
    factor = ours.cpu / theirs.cpu
    return Row(
        claim=f"{name}: at most {at_most:g} times the CPU",
        measured=f"{factor:.2f}",
        holds=factor <= at_most and not ours.lost,
        details=f"{ours.ms:.1f} ms of the server's CPU a change, {theirs.ms:.1f} ms; "
        f"while nothing changes {_share(ours)} of its core, {_share(theirs)}",
        void=bool(theirs.lost),
        numbers={"factor": factor, "ms": ours.ms, "other_ms": theirs.ms},
    )


def _share(spent: _Spent) -> str:
    return f"{spent.idle / CHANGES / PAUSE:.1%}"


@contextmanager
def _on_the_other_core() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(nodes.LOAD_CORE)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class _Page(asyncio.Protocol):
    """A page that is open. `mark` begins the event that is waited for."""

    def __init__(self, path: str, mark: bytes, number: int, headers: dict[str, str]) -> None:
        self._mark = mark
        self._asked = {"Host": "127.0.0.1", "X-Forwarded-For": f"10.{number >> 8 & 255}.{number & 255}.1", **headers}
        self._path, self._tail = path, b""
        self.seen = asyncio.Event()
        self.at = 0.0
        self.bytes = 0
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        lines = "".join(f"{name}: {value}\r\n" for name, value in self._asked.items())
        transport.write(f"GET {self._path} HTTP/1.1\r\n{lines}\r\n".encode())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        self._tail += data
        if self._tail.startswith(b"HTTP/1.1") and b" 200 " not in self._tail[:20]:
            self.connection_lost(None)
        elif self._mark in self._tail:
            self.at = time.perf_counter()
            self.seen.set()
        self._tail = self._tail[-len(self._mark) :]

    def close(self) -> None:
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.seen.set()


async def _with_pages(node: nodes.Server, target: int, others: list[int]) -> tuple[_Spent, _Spent]:
    """Of a change that all pages show, and of one that none does."""
    chance = random.Random(2)
    asked: list[tuple[str, bytes]] = []
    for number in range(PAGES):
        listed = [target, *chance.sample(others, ROWS - 1)]
        mapped = [*listed, *chance.sample(others, POINTS - ROWS)]
        path = f"/live?of={','.join(map(str, listed))}&points={','.join(map(str, mapped))}"
        of_station = number % 10 < OF_STATION * 10 // PAGES
        asked.append((f"/stations/{target}/live", b"event: evse-1\n") if of_station else (path, b"event: row-%d\n" % target))
    async with _open(node, asked, {}) as pages:
        return await _measured(node, pages, SHOWN), await _measured(node, pages, UNSHOWN)


async def _with_streams(bare: nodes.Server) -> _Spent:
    async with _open(bare, [("/live", b"event: told\n")] * PAGES, bare.headers[""]) as pages:
        return await _measured(bare, pages, SHOWN)


@asynccontextmanager
async def _open(server: nodes.Server, asked: Sequence[tuple[str, bytes]], headers: dict[str, str]) -> AsyncIterator[list[_Page]]:
    loop, pages = asyncio.get_running_loop(), []
    for number, (path, mark) in enumerate(asked):
        page = _Page(path, mark, number, headers)
        await loop.create_connection(lambda page=page: page, "127.0.0.1", server.port)  # type: ignore[misc]
        pages.append(page)
        if number % 20 == 19:
            await asyncio.sleep(0.02)
    await _all(pages, 60)
    yield pages
    for page in pages:
        page.close()
    await asyncio.sleep(PAUSE)


async def _measured(server: nodes.Server, pages: list[_Page], place: int) -> _Spent:
    """The pages wait for the event if they show that place."""
    shown = pages if place == SHOWN else []
    await asyncio.sleep(PAUSE)
    cpu = server.cpu()
    await asyncio.sleep(CHANGES * PAUSE)
    idle = server.cpu() - cpu
    cpu, before, took = server.cpu(), sum(page.bytes for page in pages), []
    start = time.perf_counter()
    for number in range(CHANGES):
        for page in pages:
            page.seen.clear()
        began = time.perf_counter()
        await asyncio.to_thread(_change, server, place, number)
        await _all(shown, 30)
        took.append(max((page.at for page in shown), default=began) - began)
        await asyncio.sleep(max(0.0, start + (number + 1) * PAUSE - time.perf_counter()))
    got = sum(page.bytes for page in pages) - before
    spent = server.cpu() - cpu - idle
    return _Spent(took, spent, sum(page.lost for page in pages), idle, got / CHANGES / max(1, len(pages)))


async def _all(pages: list[_Page], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        for page in pages:
            await page.seen.wait()


def _change(server: nodes.Server, place: int, number: int) -> None:
    at = datetime.now(UTC) + timedelta(seconds=number)
    status = ("CHARGING", "AVAILABLE")[number % 2]
    body = data.encoded({"status": status, "last_updated": at.strftime("%Y-%m-%dT%H:%M:%SZ")})
    path = f"/ocpi/2.2.1/receiver/locations/{'/'.join(data.PARTY)}/{data.location_id(place)}/{data.evse_uid(place, 0)}"
    headers = {**next(iter(server.headers.values())), "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", body, headers, method="PATCH")
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
