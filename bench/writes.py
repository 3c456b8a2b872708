"""What partners write, durable before the answer, and the real-time authorisation.

A CPO of 2.2.1 pushes to an eMSP node: statuses of EVSEs, each with a time later than the last, and whole Locations. Whether what was
answered is stored, too, is seen from the node's change numbers: one for each accepted change. The bare application reads and
validates the same bodies and keeps nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from bench import data, load, nodes
from bench.load import Ask, Run
from bench.rows import Plan, Row, ratio, times

HELD = 2_000
CONNECTIONS = 64
SMALL, LARGE, SOME = 2, 200, 100
CARDS = 1_000
PUT = range(2, HELD, 4)
CPO, EMSP = ("CPO", *data.PARTY), ("EMSP", "DE", "ABC")
PATCH = b'{"status":"@STATUS@","last_updated":"@TIME@"}'
ASKED = b'{"location_id":"LOC0000003","evse_uids":["3259-1"]}'


class NotStored(RuntimeError):
    """The node answered with success and did not store it."""


async def _filled(filled: nodes.Filled) -> None:
    await filled.party("EMSP", *EMSP[1:])
    cpo = await filled.partner("cpo", "2.2.1", CPO)
    await filled.objects("tokens", (data.token(n) for n in range(CARDS)))
    await filled.objects("locations", data.locations(HELD), cpo)
    for evses in (SMALL, LARGE):
        await filled.objects("locations", data.locations(SOME, evses), cpo)


def rows(plan: Plan) -> Iterator[Row]:
    database = plan.folder / "writes.db"
    nodes.fill(database, _filled)
    node, bare = nodes.serve(database, {"cpo": "2.2.1"}), nodes.bare(plan.folder)
    pair = _Pair(plan, node, bare, database)
    try:
        ours, theirs = pair.rounds(patches(), PATCH, "PATCH")
        yield ratio(plan, "PATCH of an EVSE status, durable, 64 connections", 0.25, ours, theirs)
        yield pair.sizes()
        ours, theirs = pair.rounds(_puts(), b"\n".join(_whole(n) for n in PUT), "PUT")
        yield ratio(plan, "PUT of a Location, durable, 64 connections", 0.35, ours, theirs)
        yield pair.authorise()
    finally:
        node.stop()
        bare.stop()


def changes(database: Path) -> int:
    """The newest change number."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    number: int = connection.execute("select no from counter where name = 'change'").fetchone()[0]
    connection.close()
    return number


def patches(evses: int | None = None) -> list[str]:
    numbers = range(SOME if evses else HELD)
    return [f"{_url(data.location_id(n, evses))}/{data.evse_uid(n, 0)}" for n in numbers]


def _puts() -> list[str]:
    return [_url(data.location_id(n)) for n in PUT]


def _url(location: str) -> str:
    return f"/ocpi/2.2.1/receiver/locations/{'/'.join(data.PARTY)}/{location}"


def _whole(n: int) -> bytes:
    """A Location in which the name, one status and the times are new."""
    document = data.location(n)
    document |= {"name": "Parkeergarage @ROUND@", "last_updated": "@TIME@"}
    document["evses"][0] |= {"status": "@STATUS@", "last_updated": "@TIME@"}
    return data.encoded(document)


class _Pair:
    def __init__(self, plan: Plan, node: nodes.Server, bare: nodes.Server, database: Path) -> None:
        self.plan, self.node, self.bare, self.database = plan, node, bare, database
        self.start = int(time.time())

    def rounds(self, paths: list[str], body: bytes, method: str) -> tuple[list[Run], list[Run]]:
        both = [(self.stored(paths, body, method), self._sent(self.bare, paths, body, method)) for _ in range(self.plan.rounds)]
        return [ours for ours, _ in both], [theirs for _, theirs in both]

    def stored(self, paths: list[str], body: bytes, method: str) -> Run:
        """A round against the node. Every accepted change must have taken a number."""
        before = changes(self.database)
        run = self._sent(self.node, paths, body, method)
        if changes(self.database) - before < run.requests - run.errors:
            raise NotStored(f"{method}: {run.requests} answers, {changes(self.database) - before} changes")
        return run

    def _sent(self, server: nodes.Server, paths: list[str], body: bytes, method: str) -> Run:
        self.start += 1_000_000  # later than anything that an earlier round has said
        headers = server.headers["cpo" if server is self.node else ""]
        ask = Ask(headers, paths, CONNECTIONS, "fresh", method, body, (str(self.start),))
        return load.wrk(server, ask, self.plan.seconds, self.plan.folder)

    def sizes(self) -> Row:
        runs = [[self.stored(patches(evses), PATCH, "PATCH") for evses in (LARGE, SMALL)] for _ in range(self.plan.rounds)]
        large, small = [run[0] for run in runs], [run[1] for run in runs]
        return times(self.plan, "PATCH with 200 EVSEs in the Location, to one with 2", 1.3, large, small, ("200", "2"))

    def authorise(self) -> Row:
        paths = [f"/ocpi/2.2.1/sender/tokens/{data.token(n)['uid']}/authorize" for n in range(CARDS)]
        both = [
            [
                load.wrk(server, Ask(headers, paths, CONNECTIONS, "paths", "POST", ASKED), self.plan.seconds, self.plan.folder)
                for server, headers in ((self.node, self.node.headers["cpo"]), (self.bare, self.bare.headers[""]))
            ]
            for _ in range(self.plan.rounds)
        ]
        return ratio(self.plan, "real-time authorisation", 0.5, [run[0] for run in both], [run[1] for run in both])
