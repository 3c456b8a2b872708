"""`interplug demo`: the curtain, the play, and what is told of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Coroutine
from typing import Annotated, Any

from cyclopts import Parameter

from interplug import __version__
from interplug.cli.ending import FAILED, end, errors, show
from interplug.versions.losses import LOSSES
from interplug.versions.table import VERSIONS

from . import ends
from .breakdown import breakdown
from .driver import Phone
from .mailbox import mailbox
from .planted import checked, plant
from .processes import DemoFailed, NodeProcess
from .stage import Stage, furnish, join, join_terminal, open_stations, stage
from .story import Tell, clock, death_of, ride
from .telling import announcement, lines
from .terminal import tapped

Document = dict[str, Any]
STILL = 100.0
"""Seconds in which nothing comes forward, after which a story that is told once is given up. Each wait in it is shorter; how long the whole
may take is for the machine to say, which may have other things to do."""
SCENES = {"breakdown": (0, breakdown), "planted": (1, plant), "terminal": (1, tapped)}
"""What happens besides, and at which operator: meanwhile where that operator lives on, else afterwards."""
ONCE_SPEED, SPEED = 60.0, 20.0
"""Simulated seconds in a real one."""
DEATH_AT = 130.0
"""Seconds after the curtain at which the driver sets out in whose session an operator dies: in the third minute."""
PLANTED_AT = 45.0
"""Seconds after the curtain at which a CDR with a fault is sent off."""
BROKEN_AT, BROKEN = 75.0, 20.0
"""Seconds after the curtain at which a station breaks down, and for how long."""
AWAY = 12.0
ARRIVED = 30
"""Seconds until the provider knows every station."""
TELL_EVERY = 15.0
PLACES = ("locations", "tariffs")


def demo(
    *,
    once: Annotated[
        bool, Parameter(negative=(), help="One story against each operator, with a kill and its healing; then the end.")
    ] = False,
    json: Annotated[
        bool, Parameter(name="--json", negative=(), help="One JSON document: the summary (--once), or where everything is.")
    ] = False,
    seed: Annotated[int, Parameter(help="Another seed is another city.")] = 1,
    keep: Annotated[bool, Parameter(negative=(), help="Keep the folder with databases and logs.")] = False,
) -> None:
    """Four nodes in four processes: two operators (OCPI 2.1.1 and 2.2.1) with stations that speak OCPP, a provider (2.3.0) whose drivers
    charge there, and the provider of a payment terminal at stations of one operator.

    Drivers pay with cards of the test provider; no money moves. Prints the addresses of the driver's page and of the terminal. Ctrl-C ends
    it. In its third minute an operator is killed and comes back.
    """
    document = asyncio.run(_played(_once(seed, keep=keep) if once else _lasting(seed, keep=keep, json=json)))
    if once:
        show(document, lines(document), json=json)
        if not document["ok"]:
            end(document["reason"], FAILED)


async def _played(play: Any) -> Document:
    """Ctrl-C, SIGTERM and a closed terminal end the play in order."""
    task = asyncio.ensure_future(play)
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(one, task.cancel)
    try:
        result: Document = await task
        return result
    except asyncio.CancelledError:
        errors.print("the demo was ended", markup=False)
        return {"ok": False, "reason": "the demo was interrupted"}


def _teller() -> Tell:
    def tell(text: str) -> None:
        errors.print(f"{clock()}  {text}", markup=False)

    return tell


# --- once


async def _once(seed: int, *, keep: bool) -> Document:
    began = time.monotonic()
    document: Document = {"ok": False, "version": __version__, "seed": seed, "began_at": clock()}
    async with stage(seed, ONCE_SPEED, keep=keep) as built:
        try:
            async with asyncio.timeout(STILL) as limit:
                tell = _followed(limit, built)
                await _curtain(built, seed, tell)
                document["setup_seconds"] = round(time.monotonic() - began, 1)
                document |= await _stories(built, seed, tell)
                document["checks"] = await checked(built.provider)
                document["links"] = await asyncio.gather(*(_link(operator, built.provider) for operator in built.operators))
                document["stations"] = await asyncio.gather(*(one.figures() for one in built.stations))
                document["ok"] = True
        except TimeoutError:
            document["reason"] = f"nothing came forward for {STILL:.0f} s"
        except DemoFailed as error:
            document["reason"] = str(error)
        document["nodes"] = [_node(node) for node in built.nodes]
        document["terminals_node"] = _node(built.terminals)
        document["seconds"] = round(time.monotonic() - began, 1)
        if keep:
            document["folder"] = str(built.folder)
    return document


def _followed(limit: asyncio.Timeout, built: Stage) -> Tell:
    """Tells, and takes what is told and each command that is done for a step forward."""
    tell, loop = _teller(), asyncio.get_running_loop()

    def moved() -> None:
        with contextlib.suppress(RuntimeError):  # it is over already
            limit.reschedule(loop.time() + STILL)

    def told(text: str) -> None:
        moved()
        tell(text)

    for node in built.processes:
        node.moved = moved
    return told


async def _curtain(built: Stage, seed: int, tell: Tell) -> None:
    await furnish(built, seed)
    await asyncio.gather(*(node.start() for node in built.processes))
    await join(built)
    await open_stations(built)
    await asyncio.gather(_arrived(built), join_terminal(built))
    tell("four nodes are running and registered with their partners, the stations are connected")
    tell(f"the driver's page: {built.provider.url}/, the terminal: {built.terminal_page}")


async def _arrived(built: Stage) -> None:
    """Returns when the provider knows every station, and that most of them are free."""
    known = free = 0
    async with Phone(built.provider.url) as phone:
        for _ in range(ARRIVED * 4):
            rows = await phone.everywhere()
            known, free = len(rows), sum(row["free"] for row in rows)
            if known == built.locations and free >= known:
                return
            await asyncio.sleep(0.25)
    raise DemoFailed(f"{built.provider.name} knows {known} of {built.locations} stations and {free} free EVSEs after {ARRIVED} s")


async def _stories(built: Stage, seed: int, tell: Tell) -> Document:
    """Both at once; odd seeds kill the operator on 2.2.1, even ones that on 2.1.1. Then what could not happen beside a death."""
    dying = seed % 2
    rides = [
        ride(built, one, seed, tell, death_of(built, one, tell) if place == dying else None) for place, one in enumerate(built.operators)
    ]
    beside, after = ([name for name, (place, _) in SCENES.items() if (place == dying) is late] for late in (False, True))
    *stories, first = await _together(*rides, _scenes(built, beside, tell))
    return {"stories": stories, **first, **await _scenes(built, after, tell)}


async def _scenes(built: Stage, names: list[str], tell: Tell) -> Document:
    return dict(zip(names, await _together(*(SCENES[name][1](built, tell) for name in names)), strict=True))


async def _together(*parts: Coroutine[Any, Any, Document]) -> list[Document]:
    """One that fails ends the others."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _link(operator: NodeProcess, provider: NodeProcess) -> Document:
    """What was agreed, as each end lists it, and what the agreed version could not carry."""
    ours, theirs = await asyncio.gather(operator.command("partner", "list"), provider.command("partner", "list"))
    here = next(one for one in ours if one["partner"] == provider.name)
    version = here["version"]
    same = next(one for one in theirs if one["partner"] == operator.name)
    if same["version"] != version:
        raise DemoFailed(f"{operator.name} speaks {version}, {provider.name} {same['version']}")
    own, received = await asyncio.gather(ends.held(operator, *PLACES), ends.held(provider, *PLACES, partner=operator.name))
    passed = tuple(VERSIONS)[: tuple(VERSIONS).index(version) + 1]
    listed = sum(loss.source in passed and loss.target in passed for loss in LOSSES)
    missing = sum(len(own[kind].keys() - received[kind].keys()) for kind in own)
    return {
        "between": [operator.name, provider.name],
        "version": version,
        "registered_at": [here["registered_at"], same["registered_at"]],
        "losses": {"objects": missing, "fields": sorted(ends.lost(own, received)), "listed": listed},
    }


def _node(node: NodeProcess) -> Document:
    return {
        "name": node.name,
        "party": f"{node.role} {node.party}",
        "offers": node.versions,
        "pids": node.pids,
        "port": node.port,
        "versions_url": f"{node.url}/ocpi/versions",
        "database": str(node.database),
    }


# --- lasting


async def _lasting(seed: int, *, keep: bool, json: bool) -> Document:
    tell = _teller()
    errors.print(f"Interplug {__version__}: four nodes are being set up (seed {seed}) …", markup=False)
    async with mailbox(tell) as letters, stage(seed, SPEED, keep=keep) as built:
        built.provider.environment |= letters
        try:
            began = time.monotonic()
            await _curtain(built, seed, tell)
            show(await _where(built, keep=keep), announcement(built, SPEED, keep=keep), json=json)
            sys.stdout.flush()
            async with asyncio.TaskGroup() as group:
                group.create_task(_first_minute(built, began, tell))
                group.create_task(_second_minute(built, began, tell))
                group.create_task(_third_minute(built, seed, began, tell))
                group.create_task(_news(built, tell))
        except* DemoFailed as failures:
            end(str(failures.exceptions[0]), FAILED)
    return {"ok": True}


async def _where(built: Stage, *, keep: bool) -> Document:
    folder = {"folder": str(built.folder)} if keep else {}
    stations = await asyncio.gather(*(one.figures() for one in built.stations))
    return {
        "driver_page": f"{built.provider.url}/",
        "terminal_page": built.terminal_page,
        "nodes": [_node(node) for node in built.nodes],
        "stations": stations,
        **folder,
    }


async def _first_minute(built: Stage, began: float, tell: Tell) -> None:
    await asyncio.sleep(max(0.0, PLANTED_AT - (time.monotonic() - began)))
    await plant(built, tell)


async def _second_minute(built: Stage, began: float, tell: Tell) -> None:
    await asyncio.sleep(max(0.0, BROKEN_AT - (time.monotonic() - began)))
    await breakdown(built, tell, BROKEN)


async def _third_minute(built: Stage, seed: int, began: float, tell: Tell) -> None:
    await asyncio.sleep(max(0.0, DEATH_AT - (time.monotonic() - began)))
    operator = built.operators[seed % 2]
    await ride(built, operator, seed, tell, death_of(built, operator, tell, AWAY))


async def _news(built: Stage, tell: Tell) -> None:
    async with Phone(built.provider.url) as phone:
        while True:
            rows = await phone.everywhere()
            evses, free = sum(row["evses"] for row in rows), sum(row["free"] for row in rows)
            tell(f"{len(rows)} stations with {evses} EVSEs, {free} free")
            await asyncio.sleep(TELL_EVERY)
