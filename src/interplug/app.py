"""The composition root: the one file that knows every room, and makes a node live: door, loops, an orderly end.

A node that can only be asked and told, which is what a command needs, is `modules.opening`; how loops are kept is `modules.loops`. A
node that is told to stop answers what it has begun, writes its cursors and closes its store.
"""

from __future__ import annotations

import _sqlite3
import asyncio
import contextlib
import ctypes
import functools
import gc
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import uvloop

from interplug.backend import telling
from interplug.backend.alerts import Following
from interplug.backend.browsers import Browsers
from interplug.backend.letters import Letters
from interplug.charges.checking import Checker
from interplug.config import Settings
from interplug.drivers import invoicing, reserving
from interplug.drivers.accounts import sender
from interplug.drivers.billing import Biller
from interplug.drivers.cashier import Cashier
from interplug.drivers.follow import Follower
from interplug.drivers.paying import Desk, desk_of
from interplug.drivers.places import PlaceList
from interplug.modules import asking, call, retention, steering
from interplug.modules.ahead import Ahead
from interplug.modules.loops import Loop, Loops
from interplug.modules.node import ChargingStations, Node
from interplug.modules.opening import opened
from interplug.modules.server import serve as answer
from interplug.modules.tenure import SHARES, Tenure, share_of
from interplug.protocol.http import Handler, Response
from interplug.store.alone import alone
from interplug.sync.naming import TariffsMoved
from interplug.sync.push import Push
from interplug.sync.schedule import Schedule
from interplug.sync.validity import Validity
from interplug.web.console import Console
from interplug.web.door import Door
from interplug.web.driver.pages import Pages
from interplug.web.metrics import counted, exposition
from interplug.web.readiness import Readiness
from interplug.web.server import Server, listen
from interplug.web.siblings import Siblings
from interplug.web.terminals import Terminals, terminals_of

LAST_WORK = 2.0
"""Seconds that what goes on after the last answers may take when the node is told to stop. With those (`LAST_ANSWERS` of `web.server`)
and what push waits for this is less than the ten seconds after which containers are killed."""
LAST_WRITES = 8.0
"""Seconds after which nobody waits any more for a database that is away."""
MALLOC = {-1: 64_000_000, -2: 1_000_000, -3: 4_000_000}
"""Of mallopt(3): M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, in bytes."""
SQLITE_CONFIG_MULTITHREAD = 2
SQLITE_CONFIG_MEMSTATUS = 9


class Unfinished(Exception):
    """The node has ended, and not everything was written."""


class StationsDoor(Protocol):
    """What stations connect to (`stations.csms`), whose libraries a node that has no stations need not have."""

    @property
    def commands(self) -> ChargingStations: ...
    def open(self) -> contextlib.AbstractAsyncContextManager[None]: ...
    async def run(self) -> None: ...
    async def watch(self) -> None: ...


class Shown(NamedTuple):
    """What people see of a node, each where it is on, and the desk that takes their money."""

    desk: Desk | None
    pages: Pages | None
    console: Console | None
    terminals: Terminals | None

    def surfaces(self) -> dict[str, Pages | Console | Terminals]:
        found = {"pages": self.pages, "console": self.console, "terminals": self.terminals}
        return {name: one for name, one in found.items() if one is not None}


def shown_of(node: Node) -> Shown:
    surfaces = node.settings.surfaces
    pages = Pages(node) if surfaces.driver else None
    desk = desk_of(node) if pages is None else pages.desk
    return Shown(desk, pages, Console(node) if surfaces.console else None, terminals_of(desk) if surfaces.terminals else None)


# --- its loops


def loops_of(node: Node, shown: Shown, csms: StationsDoor | None = None) -> tuple[Loops, Push]:
    """Every loop of a node with these settings; what commands are handed to is there before the first command."""
    pages, desk = shown.pages, shown.desk
    once: dict[str, Loop] = {
        "tariffs": TariffsMoved(node).run,
        "valid tariffs": Validity(node).run,
        "ahead": Ahead(node).run,
        "checks": Checker(node).run,
        "deadlines": lambda: _deadlines(node),
        "profiles": lambda: steering.run(node),
        "retention": lambda: _retention(node),
        "bills": Biller(node).run,
    }
    if node.settings.invoices.monthly:
        once["invoices"] = lambda: invoicing.run(node)
    here: dict[str, Loop] = {name: one.run for name, one in shown.surfaces().items()}
    if csms is not None:
        node.stations = csms.commands
        here["csms"] = csms.run
        once |= {"silent stations": csms.watch, "alerts": Following(node, telling.wanted(node.settings.alerts)).run}
    if (csms is not None or pages is not None) and (told := telling.targets(node)):
        once["telling"] = telling.Telling(node, told).run
    if pages is not None:
        once |= {"places": PlaceList(node).run, "reservations": lambda: reserving.run(node)}
        if node.settings.accounts.enabled:
            once["watches"] = pages.favourites.run
        if pages.noticing.vapid is not None:
            once["browsers"] = Browsers(node, pages.noticing.vapid).run
        if pages.noticing.vapid is not None or sender(node.settings):
            once["notices"] = pages.noticing.drives.run
        if wants := sender(node.settings):
            once["letters"] = Letters(node, wants).run
    if pages is not None or desk is not None:
        once["drives"] = Follower(node).run
    if desk is not None:
        once |= {"payments": Cashier(desk).run, "purses": desk.purse.run}
    if not node.store.place.shared:
        push = Push(node)
        return Loops(here | {"push": push.run, "pull": Schedule(node, push).run}, once), push

    async def hold(held: frozenset[str]) -> None:
        await asyncio.gather(loops.hold(held), push.let_go(), pull.let_go())

    tenure = Tenure(node.store, [*SHARES, *once], hold)
    push = Push(node, mine=lambda connection: tenure.holds(share_of(connection)))
    pull = Schedule(node, push)
    loops = Loops(here | {"push": push.run, "pull": pull.run}, once, tenure)
    return loops, push


def csms_of(node: Node) -> StationsDoor | None:
    """What stations connect to, where this node is that for its own."""
    if not node.settings.stations.enabled:
        return None
    from interplug.stations.csms.service import Csms

    return Csms(node)


async def _deadlines(node: Node) -> None:
    """What was asked and has no result in time gets its end."""
    while True:
        await asyncio.sleep(1.0)
        await asking.expire(node)
        await call.expire(node)


async def _retention(node: Node) -> None:
    while True:
        await retention.forget(node)
        for _ in range(60):
            await asyncio.sleep(60)
            await retention.forget_messages(node)


# --- its process


def tune() -> None:
    """What only a process of its own may set, before it opens a database; where the libraries are others, nothing is set.

    Freed memory is kept for the next answer: giving a page of a list back to the system and asking for it again costs up to five times
    as much as reading it. SQLite's mutexes guard a connection that several threads use at once, and its counts of memory; none of ours
    ever is, and nobody asks for those."""
    with contextlib.suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        for parameter, value in MALLOC.items():
            libc.mallopt(parameter, value)
    with contextlib.suppress(AttributeError, OSError):
        sqlite = ctypes.CDLL(_sqlite3.__file__)
        sqlite.sqlite3_shutdown()
        sqlite.sqlite3_config.argtypes = [ctypes.c_int]  # what follows it is variadic
        sqlite.sqlite3_config(SQLITE_CONFIG_MULTITHREAD)
        sqlite.sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0)
        sqlite.sqlite3_initialize()


# --- a life


async def serve(settings: Settings, listener: socket.socket, started: Callable[[Node], None], siblings: Siblings | None = None) -> None:
    """Lives until SIGTERM or SIGINT. `started` is called once requests are answered; `siblings` are the workers of the same parent."""
    async with contextlib.AsyncExitStack() as stack:
        node = await stack.enter_async_context(opened(settings))
        stack.enter_context(alone(node.store.place))
        shown, csms = shown_of(node), csms_of(node)
        loops, push = loops_of(node, shown, csms)
        readiness = Readiness(node, loops.wrong)
        if siblings is not None:
            await stack.enter_async_context(siblings.telling(lambda: counted(node, push, readiness.missing)))
        door = _door(node, readiness, shown, push, stack.enter_context(traced(node)), siblings)
        server = Server(settings, door)
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, _stop, server, readiness, shown.surfaces().values(), node)
        if not node.store.place.shared:  # else other processes may be waiting for these answers
            await call.restart(node)
            await asking.restart(node)
        if csms is not None:
            await stack.enter_async_context(csms.open())
        listen(listener, settings.server)
        loops.start()
        started(node)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        await server.serve(sockets=[listener])
        if node.tasks:
            await asyncio.wait(node.tasks, timeout=LAST_WORK)
        wrong = await loops.stop()
        if shown.desk is not None:
            await shown.desk.till.provider.close()
        if wrong:
            told = ", ".join(f"{name} {why}" for name, why in wrong.items())
            raise Unfinished(
                f"the node has ended, and the database did not take everything ({told}). "
                "What partners were told was accepted is there; what could not be noted as delivered is sent again at the next start."
            )


def _stop(server: Server, readiness: Readiness, surfaces: Iterable[Pages | Console | Terminals], node: Node) -> None:
    """Streams end first, for nobody else ends them. A second time: at once."""
    if not readiness.stopping:
        node.store.end_within(LAST_WRITES)
    readiness.stopping = True
    for one in surfaces:
        one.end()
    server.force_exit = server.should_exit
    server.should_exit = True


@contextlib.contextmanager
def traced(node: Node) -> Iterator[Handler]:
    """What answers partners; with spans around it, and around what is said to them, where traces have a place to go."""
    plain = functools.partial(answer, node)
    if not node.settings.tracing.endpoint:
        yield plain
        return
    from interplug.telemetry.tracing import Traces

    traces = Traces(node.settings.tracing, [module.id for module in node.modules])
    leading_out = node.client.transport
    node.client.transport = traces.outward(leading_out)
    try:
        yield traces.inward(plain)
    finally:
        node.client.transport = leading_out
        traces.close()


def _door(node: Node, readiness: Readiness, shown: Shown, push: Push, answering: Handler, siblings: Siblings | None) -> Door:
    async def metrics() -> Response:
        return await exposition(node, push, readiness.missing, siblings)

    door = Door(node, readiness.missing, shown.pages, metrics if node.settings.surfaces.metrics else None, answering)
    door.console, door.terminals = shown.console, shown.terminals
    return door


def run(settings: Settings, listener: socket.socket, started: Callable[[Node], None], siblings: Siblings | None = None) -> None:
    """The whole life of a node in this process."""
    tune()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, listener, started, siblings))
