"""`interplug station simulate`: a crowd of charging stations that speak OCPP to any CSMS, until it is told to end."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import uvloop
from cyclopts import Parameter
from cyclopts.validators import Number

from interplug.stations.simulator import control, plan
from interplug.stations.simulator.arrivals import Arrivals
from interplug.stations.simulator.crowd import Crowd
from interplug.stations.simulator.line import Csms
from interplug.stations.simulator.mixes import MIXES, Habits, crowd
from interplug.stations.simulator.transaction import Token
from interplug.telemetry import logs

from .ending import NETWORK, USAGE, end, errors, show
from .opening import DASH

TELL_EVERY = 10.0
DEFAULT = "city"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    url: Annotated[str, Parameter(help="Where the CSMS awaits stations (ws:// or wss://); the identity of each is put behind it.")]
    profile: Annotated[str | None, Parameter(help=f"Which crowd: {', '.join(MIXES)}. Without --stations: {DEFAULT}.")] = None
    count: Annotated[int, Parameter(validator=Number(gte=1, lte=100_000), help="How many stations.")] = 10
    stations: Annotated[Path | None, Parameter(help="JSON file with stations of your own: versions, EVSEs, passwords.")] = None
    prefix: Annotated[str, Parameter(help="How the identities begin, before a number of five digits.")] = "SIM"
    password_file: Annotated[Path | None, Parameter(help="File with one password for all of them (security profiles 1 and 2).")] = None
    ca: Annotated[Path | None, Parameter(help="PEM file of whom they trust to be the CSMS (wss://), in place of the system's.")] = None
    seed: Annotated[int, Parameter(help="Of everything by chance.")] = 1
    speed: Annotated[float, Parameter(validator=Number(gt=0), help="Seconds of their clock that pass in a real one.")] = 1.0
    epoch: Annotated[float | None, Parameter(help="Unix time at which their clock is right; without it, now.")] = None
    interval: Annotated[int | None, Parameter(validator=Number(gte=0), help="Seconds between readings of a meter.")] = None
    cards: Annotated[Path | None, Parameter(help="File with the cards of drivers who come, one a line; else made up.")] = None
    arrives: Annotated[float | None, Parameter(help="Seconds until a driver whom the CSMS let in plugs in; else told.")] = None
    leaves: Annotated[float | None, Parameter(help="Seconds until a car goes whose charge the CSMS stopped; else it stays.")] = None
    control: Annotated[str | None, DASH, Parameter(help="Take orders as JSON lines: a local socket, or - for standard input.")] = None
    seconds: Annotated[float | None, Parameter(validator=Number(gt=0), help="End after so many real seconds.")] = None
    json: Annotated[bool, Parameter(name="--json", negative=(), help="What became of them as one JSON document, at the end.")] = False


def simulate(options: Options) -> None:
    """Simulated charging stations of OCPP 1.6J, 2.0.1 and 2.1 with drivers, faults and lost lines, until Ctrl-C or SIGTERM."""
    logs.set_up("text", "WARNING")
    habits = _habits(options)
    plans = [_altered(one, options) for one in _plans(options)]
    csms = Csms(options.url, str(options.ca or ""), options.speed)
    if not options.url.startswith(("ws://", "wss://")):
        end("--url begins with ws:// or wss://", USAGE)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        document = runner.run(_crowd(options, plans, csms, habits))
    show(document, _lines(document), json=options.json)
    if not document["opened"]:
        end(f"no station reached {options.url}: {document['trouble'] or 'there was no time'}", NETWORK)


def _habits(options: Options) -> Habits:
    name = options.profile or ("" if options.stations else DEFAULT)
    if name and name not in MIXES:
        end(f"there is no profile {name}; there are {', '.join(MIXES)}", USAGE)
    return MIXES[name].habits if name else Habits()


def _plans(options: Options) -> list[plan.Plan]:
    if options.stations is not None:
        try:
            return plan.read(options.stations)
        except ValueError as error:
            end(str(error), USAGE)
    return crowd(options.profile or DEFAULT, options.count, seed=options.seed, prefix=options.prefix)


def _altered(one: plan.Plan, options: Options) -> plan.Plan:
    """As the other options want it."""
    changes: dict[str, Any] = {}
    if options.password_file is not None:
        changes["password"] = options.password_file.read_text(encoding="utf-8").strip()
    if options.interval is not None:
        changes["settings"] = {**one.settings, "MeterValueSampleInterval": str(options.interval)}
    return msgspec.structs.replace(one, **changes)


def _tokens(file: Path | None) -> list[Token]:
    return [Token(line.strip()) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()] if file else []


async def _crowd(options: Options, plans: list[plan.Plan], csms: Csms, habits: Habits) -> dict[str, Any]:
    epoch = time.time() if options.epoch is None else options.epoch
    made = Crowd(plans, csms, seed=options.seed, epoch=epoch, arrives=options.arrives, leaves=options.leaves)
    arrivals = Arrivals(made, habits, _tokens(options.cards), options.seed)
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(ending, over.set)
    if options.seconds is not None:
        loop.call_later(options.seconds, over.set)
    works = [made.run(), arrivals.run()]
    if not options.json:
        works.append(_tell(made))
    if options.control == "-":
        works.append(_directed(made, over))
    elif options.control:
        works.append(control.listen(made, Path(options.control)))
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(one) for one in [*works, over.wait()]]
    figures: dict[str, Any] = {}
    try:
        await _until_over(tasks)
    finally:
        figures = dict(made.figures())
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return figures | {"trouble": next((one.trouble for one in made.lines.values() if one.trouble), "")}


async def _until_over(tasks: list[asyncio.Future[Any]]) -> None:
    """The last one ends the crowd, and so does one that fails; that a crowd has no drivers of its own does not."""
    while not tasks[-1].done():
        done, _ = await asyncio.wait([one for one in tasks if not one.done()], return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()


async def _directed(made: Crowd, over: asyncio.Event) -> None:
    """Orders from standard input; its end is the end of the crowd."""
    reader = asyncio.StreamReader(limit=control.LONGEST)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    def write(line: bytes) -> None:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    await control.serve(made, reader, write)
    over.set()


async def _tell(made: Crowd) -> None:
    while True:
        await asyncio.sleep(TELL_EVERY)
        errors.print(" ".join(_lines(dict(made.figures()))), markup=False)


def _lines(figures: dict[str, Any]) -> Iterator[str]:
    yield f"{figures['stations']} stations, {figures['online']} online, {figures['charging']} charging;"
    yield f"{figures['transactions']} transactions, {figures['said']} messages, {figures['refused']} refused,"
    yield f"{figures['asked']} questions of the CSMS"
