"""The objects of a page of a partner's list on their way into the store.

Each goes for itself: repaired by name, raised to the newest form, checked, saved; one that cannot be taken is kept in quarantine as it
came and costs nothing but itself. Older than what we hold is not taken, but for a whole list: that is the truth, and what it says stands
if we have held the newer for longer than the time of grace. A partner that was restored from a backup says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interplug.model.types import encode_json, fold, parse_time
from interplug.model.validate import Invalid, validate
from interplug.modules import lens, payments
from interplug.modules.node import Node
from interplug.modules.zones import zone_at
from interplug.partners.connection import CONNECTED
from interplug.partners.directory import Connection
from interplug.partners.roles import SENDERS
from interplug.protocol.headers import Party
from interplug.protocol.routes import Module
from interplug.store.keys import Evidence, Key, Saved
from interplug.store.tx import Tx
from interplug.versions import chain, tolerant
from interplug.versions.facts import Facts

from .course import Seen, UnderWay

Document = dict[str, Any]
Taken = tuple[Key, Document, int] | Invalid
CLIENTS = "hubclientinfo"
"""The parties behind a hub are no objects, and are always read whole: whom the list lacks the hub no longer reaches."""
FINAL = "cdrs"
"""These never change, so no list takes one back."""


class Taking:
    """Takes pages for one reading. `grace` in microseconds."""

    def __init__(self, node: Node, connection: Connection, module: Module, way: UnderWay, grace: int) -> None:
        self.node, self.connection, self.module, self.way, self.grace = node, connection, module, way, grace
        self.clients: dict[tuple[str, str, str], Document] = {}
        """By role and party."""

    async def take(self, item: Any) -> Taken:
        """The object in its newest form under its key, or why it cannot be taken."""
        kind, connection = self.module.kind, self.connection
        version = connection.speaks.number
        try:
            if not isinstance(item, dict):
                raise Invalid("$", "expected an object")
            repaired, repairs = tolerant.repair(kind, item, version, Facts(received_at=self.way.began, time_zone=zone_at(item)))
            facts = await lens.facts_up(self.node, connection, version, kind, repaired, self._owner())
            newest = chain.up(kind, repaired, version, facts)
            validate(kind, newest)
        except Invalid as error:
            return error
        except lens.UNREADABLE as error:
            return Invalid("$", f"is no {kind} of OCPI {version} ({type(error).__name__})")
        whose = self._whose(newest)
        if whose is None or not self._theirs(*whose):
            named = "-".join(whose) if whose else "a platform without the role PTP"
            return Invalid("$.party_id", f"{named} is none of the parties of {connection.partner}")
        counts = self.way.report.repairs
        for repair in repairs:
            counts[repair.name] = counts.get(repair.name, 0) + 1
        return self._key(newest, *whose), newest, parse_time(newest["last_updated"])

    def _owner(self) -> tuple[str, str] | None:
        """Whose the objects are where the version does not say it: the one party of a 2.1.1 connection."""
        parties = self.connection.parties
        return (parties[0].country_code, parties[0].party_id) if parties else None

    def _whose(self, document: Document) -> tuple[str, str] | None:
        """Country and party id of the owner."""
        if self.module.id not in payments.IDS:
            return document["country_code"], document["party_id"]
        party = payments.provider(self.node.directory, self.connection)
        return None if party is None else (party.country_code, party.party_id)

    def _theirs(self, country: str, party: str) -> bool:
        if self.module.id == CLIENTS:
            return self.connection.hub is not None
        return self.node.directory.may_write(self.connection, country, party, SENDERS.get(self.module.id))

    def _key(self, document: Document, country: str, party: str) -> Key:
        name, kind = document.get(payments.IDS.get(self.module.id, "id"), ""), ""
        if self.module.id == "tokens":
            name, kind = document["uid"], document["type"]
        return Key(self.module.id, self.connection.id, country, party, name, kind)

    # --- in one transaction

    async def save(self, tx: Tx, url: str, items: list[Any], taken: list[Taken]) -> Seen:
        now, report, seen, back = self.node.clock(), self.way.report, Seen(url, [], []), False
        for item, one in zip(items, taken, strict=True):
            if isinstance(one, Invalid):
                seen.aside.append(await self._set_aside(tx, item, one, now))
                report.quarantined += 1
            elif self.module.id == CLIENTS:
                await tx.partners.put_client(self.connection.id, one[1], one[2])
                back = back or (one[1]["status"] == CONNECTED and self._was_absent(one[1]))
                self.clients[one[1]["role"], fold(one[1]["country_code"]), fold(one[1]["party_id"])] = one[1]
            else:
                saved = await self._save(tx, item, *one, now)
                seen.pks.append(saved.pk)
                report.changed += saved.changed
                # What changed after the reading began is read again next time: it may have changed again since its page.
                self.way.newest = max(self.way.newest, min(one[2], self.way.began))
        if back:
            await tx.cursors.hasten(self.connection.id)
        return seen

    def _was_absent(self, client: Document) -> bool:
        return self.connection.absent(Party(client["country_code"], client["party_id"]), client["role"]) is not None

    async def _save(self, tx: Tx, item: Any, key: Key, document: Document, moment: int, now: int) -> Saved:
        evidence = Evidence(encode_json(item), self.connection.id, self.connection.speaks.number, now)
        back = self.way.report.full and key.module != FINAL and await self._goes_back(tx, key, document, moment)
        saved = await tx.objects.save(key, document, last_updated=moment, evidence=evidence, force=back)
        self.way.report.older += back and saved.changed
        return saved

    async def _goes_back(self, tx: Tx, key: Key, document: Document, moment: int) -> bool:
        """Whether the list has an older state than ours, and we have ours for so long that it is no list that lags behind."""
        stored = await tx.objects.get(key)
        if stored is None or stored.received_at >= self.way.began - self.grace:
            return False
        return moment < stored.last_updated or any(
            parse_time(mine["last_updated"]) > parse_time(theirs["last_updated"]) for mine, theirs in _evses(stored.document, document)
        )

    async def _set_aside(self, tx: Tx, item: Any, error: Invalid, now: int) -> str:
        name = item.get("id") or item.get("uid") or item.get("terminal_id") if isinstance(item, dict) else ""
        name = name[:100] if isinstance(name, str) else ""
        raw, module = encode_json(item), self.module.id
        await tx.quarantine.add(self.connection.id, module, raw, path=error.path, reason=error.reason, received_at=now, id=name)
        return fold(name)


def _evses(mine: Document, theirs: Document) -> list[tuple[Document, Document]]:
    """The EVSEs of two forms of a Location that are in both and say when they changed."""
    uid: Callable[[Document], str] = lambda evse: fold(evse["uid"])  # noqa: E731
    known = {uid(evse): evse for evse in mine.get("evses") or () if "last_updated" in evse}
    return [(known[uid(evse)], evse) for evse in theirs.get("evses") or () if uid(evse) in known and "last_updated" in evse]
