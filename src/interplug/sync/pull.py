"""Pull: a partner's lists, page by page, into our copies of its objects.

Each object goes for itself: repaired by name, raised to the newest form, checked, saved; one that cannot be taken is kept in
quarantine as it came and costs nothing but itself. A pull is a *delta* from the newest `last_updated` that the last one saw,
less an overlap (objects show up late, clocks differ), or *full*: an unfiltered list that was read to its end is the truth, and
what it lacks is no longer valid (LOC-013, TOK-020) unless it came while we read, or so much is missing that the list is doubted.
Memory holds one page and the numbers of what was seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from interplug.model.types import encode_json, fold, format_time, parse_time
from interplug.model.validate import Invalid, validate
from interplug.modules import lens
from interplug.modules.node import Node
from interplug.modules.zones import zone_at
from interplug.partners.client import Page, PageFailed
from interplug.partners.directory import Connection
from interplug.protocol.routes import Module
from interplug.store.keys import Evidence, Key, Stored
from interplug.store.tx import Tx
from interplug.versions import chain, tolerant
from interplug.versions.facts import Facts

from .deliver import ended

Document = dict[str, Any]
Progress = Callable[[str, int, int | None], None]
"""Told (module, objects read, total that the partner claims)."""

CURSOR = "pull:"
"""A pull's cursor is a time, not a number of our log: the newest last_updated that was seen."""
OVERLAP = 3600 * 1_000_000
EVER = "2000-01-01T00:00:00Z"
"""The date_from of a full list where the version wants one."""
DOUBT = 0.2
"""A full list that lacks more than this part of what we hold, and more than FEW objects, removes nothing."""
FEW = 10
BATCH = 500
ENDED_BY_ABSENCE = ("locations", "tokens", "tariffs")
CLIENTS = "hubclientinfo"
"""The parties behind a hub are no objects, and are always read whole: whom the list lacks the hub no longer reaches."""


@dataclass(slots=True)
class Pulled:
    """What became of one module's list."""

    module: str
    full: bool
    read: int = 0
    changed: int = 0
    repairs: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    ended: int = 0
    doubted: int = 0
    """Objects that the list lacked and that were kept because there are so many of them."""
    fault: str | None = None


async def pull(
    node: Node, connection: Connection, modules: tuple[str, ...] | None = None, *, full: bool = False, progress: Progress | None = None
) -> list[Pulled]:
    """Brings our copies of this partner's objects level; a module whose list fails is reported and the others go on."""
    chosen = [module for module in pulled(node, connection) if modules is None or module.id in modules]
    return [await _Crawl(node, connection, module, full, progress).run() for module in chosen]


def pulled(node: Node, connection: Connection) -> list[Module]:
    """The modules that this partner lists and that a role of ours receives; Tariffs before the Locations that name them."""
    ours = {party.role for party in node.directory.shown(connection)}
    wanted = [
        module
        for module in node.modules
        if module.receiver
        and module.id != "commands"
        and (ours & set(module.receiver) if not module.configuration else module.id == CLIENTS and connection.hub is not None)
        and connection.endpoint(module.id, "SENDER") is not None
    ]
    return sorted(wanted, key=lambda module: (module.id not in ("tariffs", "tokens"), module.id == "cdrs"))


class _Crawl:
    def __init__(self, node: Node, connection: Connection, module: Module, full: bool, progress: Progress | None) -> None:
        self.node, self.connection, self.module, self.progress = node, connection, module, progress
        self.began = node.clock()
        self.newest = 0
        self.seen: set[int] = set()
        self.clients: list[Document] = []
        self.aside: set[str] = set()
        """The ids of what could not be taken: it was on the list all the same. Empty: one had no id."""
        self.full = full
        self.report = Pulled(module.id, full)

    async def run(self) -> Pulled:
        query = await self._query()
        try:
            async for page in self.node.client.pages(self.connection, self.module.id, "SENDER", query):
                await self._page(page)
        except PageFailed as error:
            self.report.fault = str(error)
            return self.report
        if self.full and self.module.id in ENDED_BY_ABSENCE and "" not in self.aside:
            await self._end_missing()
        if self.full and self.module.id == CLIENTS and not self.aside:
            await self.node.directory.write(lambda tx: tx.partners.keep_clients(self.connection.id, self.clients, self.began))
        if self.newest:
            await self.node.store.write(lambda tx: tx.cursors.move([(self.connection.id, CURSOR + self.module.id, self.newest)]))
        return self.report

    async def _query(self) -> dict[str, str]:
        limit = {"limit": str(self.node.settings.ocpi.page_largest)}
        if not self.full:
            since = await self.node.store.read(lambda tx: tx.cursors.get(self.connection.id, CURSOR + self.module.id))
            if since is not None:
                self.newest = since
                return {**limit, "date_from": format_time(since - OVERLAP, whole_seconds=True)}
        self.full = self.report.full = True
        needs_date = self.module.id == "sessions" and self.connection.speaks.sessions_need_date_from
        return {**limit, "date_from": EVER} if needs_date else limit

    async def _page(self, page: Page) -> None:
        taken = [await self._take(item) for item in page.items]
        await self.node.directory.write(lambda tx: self._save(tx, page.items, taken))
        self.report.read += len(page.items)
        if self.progress is not None:
            self.progress(self.module.id, self.report.read, page.total)

    async def _take(self, item: Any) -> tuple[Key, Document, int] | Invalid:
        """The object in its newest form under its key, or why it cannot be taken."""
        kind, connection = self.module.kind, self.connection
        version = connection.speaks.number
        try:
            if not isinstance(item, dict):
                raise Invalid("$", "expected an object")
            repaired, repairs = tolerant.repair(kind, item, version, Facts(received_at=self.began, time_zone=zone_at(item)))
            facts = await lens.facts_up(self.node, connection, version, kind, repaired, self._owner())
            newest = chain.up(kind, repaired, version, facts)
            validate(kind, newest)
        except Invalid as error:
            return error
        except lens.UNREADABLE as error:
            return Invalid("$", f"is no {kind} of OCPI {version} ({type(error).__name__})")
        if not self._theirs(newest):
            return Invalid("$.party_id", f"{newest['country_code']}-{newest['party_id']} is none of the parties of {connection.partner}")
        self.report.repairs.update(repair.name for repair in repairs)
        return self._key(newest), newest, parse_time(newest["last_updated"])

    def _owner(self) -> tuple[str, str] | None:
        """Whose the objects are where the version does not say it: the one party of a 2.1.1 connection."""
        parties = self.connection.parties
        return (parties[0].country_code, parties[0].party_id) if parties else None

    def _theirs(self, document: Document) -> bool:
        if self.module.id == CLIENTS:
            return self.connection.hub is not None
        return self.node.directory.may_write(self.connection, document["country_code"], document["party_id"])

    def _key(self, document: Document) -> Key:
        name, kind = document.get("id", ""), ""
        if self.module.id == "tokens":
            name, kind = document["uid"], document["type"]
        return Key(self.module.id, self.connection.id, document["country_code"], document["party_id"], name, kind)

    async def _save(self, tx: Tx, items: list[Any], taken: list[tuple[Key, Document, int] | Invalid]) -> None:
        now, version = self.node.clock(), self.connection.speaks.number
        for item, one in zip(items, taken, strict=True):
            if isinstance(one, Invalid):
                await self._set_aside(tx, item, one, now)
                continue
            key, document, moment = one
            if self.module.id == CLIENTS:
                await tx.partners.put_client(self.connection.id, document, moment)
                self.clients.append(document)
                continue
            evidence = Evidence(encode_json(item), self.connection.id, version, now)
            saved = await tx.objects.save(key, document, last_updated=moment, evidence=evidence)
            self.seen.add(saved.pk)
            self.newest = max(self.newest, min(moment, now))
            self.report.changed += saved.changed

    async def _set_aside(self, tx: Tx, item: Any, error: Invalid, now: int) -> None:
        name = item.get("id") or item.get("uid") if isinstance(item, dict) else ""
        name = name[:100] if isinstance(name, str) else ""
        self.report.quarantined += 1
        self.aside.add(fold(name))
        await tx.quarantine.add(
            self.connection.id,
            self.module.id,
            encode_json(item),
            path=error.path,
            reason=error.reason,
            received_at=now,
            id=name,
        )

    async def _end_missing(self) -> None:
        """What the whole list lacked is no longer valid; nothing is deleted that Sessions or CDRs may refer to."""
        missing, held = await self._missing()
        if len(missing) > FEW and len(missing) > held * DOUBT:
            self.report.doubted = len(missing)
            return
        for stored in missing:
            await self.node.store.write(lambda tx, stored=stored: self._end(tx, stored))  # type: ignore[misc]
        self.report.ended = len(missing)

    async def _missing(self) -> tuple[list[Stored], int]:
        missing: list[Stored] = []
        held = after = 0
        while True:
            keys, found = await self._batch(after)
            if not keys:
                return missing, held
            held, after = held + len(keys), keys[-1][0]
            missing += [one for one in found if one.received_at < self.began and _valid(one)]

    async def _batch(self, after: int) -> tuple[list[tuple[int, Key]], list[Stored]]:
        """The next keys, and the objects among them that the list did not have: those alone are read."""

        async def work(tx: Tx) -> tuple[list[tuple[int, Key]], list[Stored]]:
            keys = await tx.objects.keys(after, BATCH, source=self.connection.id, module=self.module.id)
            found = [await tx.objects.get_pk(pk) for pk, key in keys if pk not in self.seen and fold(key.id) not in self.aside]
            return keys, [one for one in found if one is not None]

        return await self.node.store.read(work)

    async def _end(self, tx: Tx, stored: Stored) -> None:
        document = ended(self.module.id, stored.document, max(self.began, stored.last_updated + 1_000_000))
        if document is None:
            await tx.objects.remove(stored.key)
        else:
            await tx.objects.save(stored.key, document, last_updated=parse_time(document["last_updated"]))


def _valid(stored: Stored) -> bool:
    """Whether there is still something to end."""
    if stored.key.module == "locations":
        return any(evse["status"] != "REMOVED" for evse in stored.document.get("evses") or ())
    return bool(stored.document.get("valid", True))
