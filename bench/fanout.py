"""One change, a thousand partners: how soon the living hear of it, how fast a burst drains, what it costs the database.

A hundred of the partners are dead (they refuse, answer 500, or never answer), thirty see a class of Locations of their own, and one more
answers slower than its own Locations change. The changes come from a process beside the node, the partners are a light sink on the other
core, and the client to compare with sends as many requests to the same addresses, alone on the node's core, just before.
"""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import data, nodes, sink
from bench.load import AGAIN, Run
from bench.rows import Plan, Row, ratio
from interplug.model.types import parse_time

PARTNERS, DEAD, INTERESTED = 1_000, 100, 30
LIVING = PARTNERS - DEAD
SLOW = PARTNERS
DELAY, IN_FLIGHT = 0.1, 8
"""Seconds that the slow partner takes for an answer, and how many it is asked for at a time: what it takes a second follows."""
BUSY, QUIET = 20, 400
BUSY_EVERY, QUIET_EVERY, SLOW_LASTS = 0.2, 4.0, 30.0
"""Seconds between changes of one EVSE of each kind, and for how long there are some: 200 a second where 80 are taken."""
BURST = 260
COUNTED = 20
"""Changes whose rows are counted."""
CLIENT_AT_ONCE = INTERESTED * IN_FLIGHT
FOLLOWS = 2.0
"""Seconds after which what follows a change (translations kept ahead, the check-point) is written, too."""
DELIVERY_ALONE = {"counter", "cursor", "message", "pulse", "contact", "pause"}
"""Tables that say what was said to whom, a row for a partner and moment or for many messages, and the counter, a row for a group."""
TABLES = "select name from sqlite_master where type = 'table' and name not like 'sqlite%' and sql not like 'create virtual%'"
Wish = tuple[float, *tuple[str, ...]]


@dataclass(frozen=True)
class Told:
    """A change as it was written: the EVSE, its new last_updated, when it began."""

    evse: str
    moment: str
    began: float


def _evses(kind: str) -> list[tuple[str, str]]:
    """The Locations of one EVSE each that everybody, the interested or the slow partner sees: their ids and EVSEs."""
    first, count = {"all": (0, 500), "interested": (500, BURST), "slow": (1000, BUSY + QUIET)}[kind]
    return [(data.location_id(n, 1), data.evse_uid(n, 0)) for n in range(first, first + count)]


def fill(database: Path, port: int) -> None:
    async def work(filled: nodes.Filled) -> None:
        await filled.party("CPO", *data.PARTY)
        named = [(n, sink.url(n, port, DEAD), ["interested"] * (DEAD <= n < DEAD + INTERESTED)) for n in range(PARTNERS)]
        named.append((SLOW, sink.url(SLOW, port, 0), ["slow"]))
        await filled.partners((f"p{n}", "2.2.1", ("EMSP", "DE", f"{n:03X}"), classes, url) for n, url, classes in named)
        for first, count, audience in ((0, 500, ""), (500, BURST, "interested"), (1000, BUSY + QUIET, "slow")):
            await filled.objects("locations", (data.location(n, 1) for n in range(first, first + count)), audience=audience)

    nodes.fill(database, work)


class Partners:
    """The process of the sink."""

    def __init__(self, port: int, dead: int = DEAD) -> None:
        command = [sys.executable, "-m", "bench.sink", *map(str, (port, dead, SLOW, DELAY))]
        self.process = subprocess.Popen(
            ["taskset", "-c", nodes.LOAD_CORE, *command], cwd=nodes.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = port
        self.taken()

    def taken(self) -> list[sink.Noted]:
        """What has come since this was last asked."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [(one[0], one[1], one[2], one[3]) for one in json.loads(self.process.stdout.readline())]

    def until(self, count: int, seconds: float) -> list[sink.Noted]:
        """As many as were waited for, or what came in that time."""
        found, end = self.taken(), time.monotonic() + seconds
        while len(found) < count and time.monotonic() < end:
            time.sleep(0.2)
            found += self.taken()
        return found

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def changed(database: Path, wanted: Sequence[Wish]) -> list[Told]:
    lines = "\n".join(json.dumps(one) for one in wanted)
    command = ["taskset", "-c", nodes.LOAD_CORE, sys.executable, "-m", "bench.changes", f"sqlite:///{database}"]
    out = subprocess.run(command, input=lines, capture_output=True, text=True, cwd=nodes.ROOT, check=True).stdout
    return [Told(*json.loads(line)) for line in out.splitlines()]


def bare(port: int, first: int, count: int, times: int) -> Run:
    """The client alone, on the node's core; once more where something else than that core was its limit."""
    runs = [_alone(port, first, count, times)]
    while not runs[-1].busy_enough and len(runs) < AGAIN:
        runs.append(_alone(port, first, count, times))
    return max(runs, key=lambda run: run.busy)


def _alone(port: int, first: int, count: int, times: int) -> Run:
    command = [sys.executable, "-m", "bench.client", *map(str, (port, first, count, times, CLIENT_AT_ONCE))]
    out = subprocess.run(["taskset", "-c", nodes.SERVER_CORE, *command], capture_output=True, text=True, cwd=nodes.ROOT, check=True).stdout
    return _run(**json.loads(out))


def _run(requests: int, seconds: float, cpu: float, errors: int = 0, p99: float = 0.0) -> Run:
    return Run(requests / seconds, cpu / requests * 1e6, 0.0, p99, requests, errors, cpu / seconds, 0.0, 0.0)


@contextmanager
def running(plan: Plan) -> Iterator[tuple[nodes.Server, Partners, Path]]:
    database, partners = plan.folder / "fanout.db", Partners(nodes.free_port())
    try:
        fill(database, partners.port)
        node = nodes.serve(database, {})
        try:
            # The lanes have begun, the connections are open, and the dead are known to be dead, when the first round begins.
            changed(database, [(0.0, *evse) for evse in _evses("all")[:8]])
            if len(came := partners.until(8 * LIVING, 60)) < 8 * LIVING:
                raise RuntimeError(f"only {len(came)} of {8 * LIVING} deliveries came: {(plan.folder / 'fanout.log').read_text()[-2000:]}")
            yield node, partners, database
        finally:
            node.stop()
    finally:
        partners.stop()


def rows(plan: Plan) -> Iterator[Row]:
    with running(plan) as (node, partners, database):
        yield _bursts(plan, node, partners, database)
        yield _steady(plan, node, partners, database)
        yield _rows_a_change(partners, database)
        yield _fairness(partners, database)


# --- a burst


def _bursts(plan: Plan, node: nodes.Server, partners: Partners, database: Path) -> Row:
    both = [(_burst(node, partners, database), bare(partners.port, DEAD, INTERESTED, BURST)) for _ in range(plan.rounds)]
    name = f"a burst of {BURST} changes for {INTERESTED} of {PARTNERS} partners drains"
    return ratio(plan, name, 0.6, [ours for ours, _ in both], [theirs for _, theirs in both])


def _burst(node: nodes.Server, partners: Partners, database: Path) -> Run:
    partners.taken()
    cpu, count = node.cpu(), BURST * INTERESTED
    told = changed(database, [(0.0, *evse) for evse in _evses("interested")])
    came = partners.until(count, 60)
    cpu = node.cpu() - cpu
    heard = {(partner, evse) for partner, evse, _, _ in came}
    return _run(len(came), max(one[3] for one in came) - min(one.began for one in told), cpu, count - len(heard))


# --- half of what the client can do


def _steady(plan: Plan, node: nodes.Server, partners: Partners, database: Path) -> Row:
    alone = bare(partners.port, DEAD, LIVING, 10)
    a_second = alone.rate / 2 / LIVING
    evses, count = _evses("all"), max(20, int(a_second * plan.seconds * 5))
    partners.taken()
    cpu, began = node.cpu(), time.monotonic()
    told = {(one.evse, one.moment): one.began for one in changed(database, [(n / a_second, *evses[n % 500]) for n in range(count)])}
    came = [one for one in partners.until(count * LIVING, 30) if one[0] != SLOW]
    cpu, took = node.cpu() - cpu, time.monotonic() - began
    late = sorted(at - told[evse, moment] for _, evse, moment, at in came if (evse, moment) in told)
    missing = count * LIVING - len({(partner, evse, moment) for partner, evse, moment, _ in came})
    p99 = late[int(len(late) * 0.99)]
    return Row(
        claim=f"{a_second * LIVING:.0f} deliveries/s, half of the bare client's: the living hear of a change with p99 under 1 s",
        measured=f"{p99:.2f} s",
        holds=p99 < 1 and not missing,
        details=f"{count} changes for {LIVING} living of {PARTNERS} partners, {missing} missing; "
        f"p50 {statistics.median(late):.2f} s, longest {late[-1]:.2f} s; "
        f"node {cpu / len(came) * 1e6:.0f} µs CPU a delivery, {cpu / took:.0%} of its core",
        numbers={"p99": p99, "rate": a_second * LIVING, "node_cpu_us": cpu / len(came) * 1e6},
    )


# --- what a change writes


def _rows_a_change(partners: Partners, database: Path) -> Row:
    many, seconds = _written(partners, database, _evses("all")[-COUNTED:], LIVING)
    one, _ = _written(partners, database, _evses("slow")[:COUNTED], 1)
    for_many, for_one = _of_changes(many), _of_changes(one)
    return Row(
        claim=f"rows that a change writes: for {LIVING} partners as many as for one",
        measured=f"{sum(for_many.values()) / COUNTED:g} and {sum(for_one.values()) / COUNTED:g}",
        holds=for_many == for_one and for_many["evse"] == COUNTED and many["cursor"] <= (seconds + 2) * (PARTNERS + 1),
        details=f"{COUNTED} changes for {LIVING}, {COUNTED * LIVING} deliveries in {seconds:.0f} s: {_told(many)}; for one: {_told(one)}",
    )


def _of_changes(written: Counter[str]) -> Counter[str]:
    return Counter({name: n for name, n in written.items() if name not in DELIVERY_ALONE})


def _told(written: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(written.items()))


def _written(partners: Partners, database: Path, evses: Sequence[tuple[str, str]], readers: int) -> tuple[Counter[str], float]:
    """Rows by table, counted by triggers, while changes go out; and for how many seconds."""
    time.sleep(FOLLOWS)  # so that what earlier changes leave to write is not counted
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        tables = [row[0] for row in connection.execute(TABLES)]
        connection.execute("create table bench_written (name text)")
        triggers = [(f"bench_{name}_{event}", name, event) for name in tables for event in ("insert", "update", "delete")]
        for trigger, name, event in triggers:
            connection.execute(f"create trigger {trigger} after {event} on {name} begin insert into bench_written values ('{name}'); end")
        connection.commit()
        partners.taken()
        began = time.monotonic()
        changed(database, [(n / 2, *evse) for n, evse in enumerate(evses)])
        partners.until(len(evses) * readers, 30)
        took = time.monotonic() - began
        time.sleep(FOLLOWS)
        for trigger, _, _ in triggers:
            connection.execute(f"drop trigger {trigger}")
        connection.commit()
        written = Counter(dict(connection.execute("select name, count(*) from bench_written group by name")))
        connection.execute("drop table bench_written")
        connection.commit()
    return written, took


# --- a partner that is too slow


def _fairness(partners: Partners, database: Path) -> Row:
    evses, chance = _evses("slow"), random.Random(1)
    wanted: list[Wish] = []
    for number, evse in enumerate(evses):
        every = BUSY_EVERY if number < BUSY else QUIET_EVERY
        at = chance.random() * every
        while at < SLOW_LASTS:
            wanted.append((at, *evse))
            at += every
    partners.taken()
    told = changed(database, wanted)
    came = partners.until(1 << 30, 12)
    stale = {uid: _staleness(uid, told, came) for _, uid in evses}
    busy, quiet = [max(stale[uid] for _, uid in part) for part in (evses[:BUSY], evses[BUSY:])]
    factor = max(busy, quiet) / min(busy, quiet)
    sent = sum(1 for partner, *_ in came if partner == SLOW)
    return Row(
        claim="a partner that drains slower than changes come: worst staleness of busy and quiet EVSEs differs by less than 2 times",
        measured=f"{factor:.2f} times",
        holds=factor < 2,
        details=f"{len(told) / SLOW_LASTS:.0f} changes/s, {IN_FLIGHT / DELAY:.0f} taken, {sent} sent; {BUSY} busy EVSEs {busy:.1f} s, "
        f"{QUIET} quiet ones {quiet:.1f} s",
        numbers={"factor": factor, "busy": busy, "quiet": quiet},
    )


def _staleness(uid: str, told: Sequence[Told], came: Sequence[sink.Noted]) -> float:
    """For how long at most the slow partner held another state of an EVSE than the newest, counted from the oldest change it lacked."""
    changes = sorted((parse_time(one.moment), one.began) for one in told if one.evse == uid)
    worst, place = 0.0, 0
    for _, _, moment, at in sorted((one for one in came if one[0] == SLOW and one[1] == uid), key=lambda one: one[3]):
        reached = place
        while reached < len(changes) and changes[reached][0] <= parse_time(moment):
            reached += 1
        if reached > place:
            worst, place = max(worst, at - changes[place][1]), reached
    return max(worst, time.time() - changes[place][1]) if place < len(changes) else worst
