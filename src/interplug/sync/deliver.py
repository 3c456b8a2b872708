"""One object to one partner: the smallest correct request that makes the partner's copy level.

The state is read when it is sent, so a key that waited says the newest. An EVSE's status goes as PATCH of the EVSE, a changed
EVSE as PUT of the EVSE, a changed Location as PUT of the whole; where the partner answers that it does not know the object,
the next larger form follows. Sessions go as PUT when a charging period was added, for an append whose answer is lost would
be applied twice, and as PATCH otherwise. CDRs are POSTed; the receiver knows repeats by id. All of it is seen through
`modules.lens`: what the partner may not see, or its version cannot say, is not sent, and what it may no longer see is ended.

Where times are whole seconds (2.1.1), two states of one second look equally new, and if the older arrives late it replaces the newer. So
what changed in this second is sent when the second is over: of each second the partner is told one state, its last.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote, urljoin

from interplug.model.types import fold
from interplug.modules import lens
from interplug.modules.node import Node
from interplug.modules.relaying import of_ours
from interplug.partners.directory import Connection
from interplug.protocol.envelope import Reply
from interplug.protocol.headers import Party
from interplug.protocol.routes import Module
from interplug.protocol.status import CLIENT_ERROR
from interplug.store.keys import OWN, Key, Stored, StoredEvse
from interplug.store.tx import Tx

from .decide import NOT_TO_BE_HAD, SENT, Decision, decide
from .endings import ended, over, removed
from .item import Item
from .statuses import Status, Statuses, sayable

Document = dict[str, Any]
Found = TypeVar("Found", Stored, StoredEvse, Status)
SECOND = 1_000_000
SECONDS = 2
"""How often the end of a second is waited for where an object changes again just then."""
TWICE = re.compile(r"already|duplicate|exists", re.IGNORECASE)
"""How partners say that they have a CDR."""
LOOKED_BACK = 90 * 86_400_000_000
"""Age up to which the CDRs of a partner that may have lost something are asked for one by one."""


class Delivery:
    """Deliveries to one connection. Remembers what it sent of each running Session, to send only what changed. `spend` counts
    requests, `rest` lets so many seconds pass."""

    def __init__(
        self,
        node: Node,
        connection: Connection,
        modules: dict[str, Module],
        statuses: Statuses,
        spend: Callable[[], None] = lambda: None,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.node, self.connection, self.modules = node, connection, modules
        self.statuses, self.spend, self.rest = statuses, spend, rest
        self._sessions: dict[int, Document] = {}
        self._told = 0
        """The newest change that the partner may have been told of."""

    async def send(self, item: Item) -> Decision:
        """Brings the partner level with `item`; `SENT` also where there is nothing to say."""
        item.head, item.alone = self.node.store.head, item.whole or len(item.evses) < 2
        if item.key.module == "locations" and not item.whole:
            return await self._evses(item)
        stored = await self._stored(item)
        stored = await self._passed(stored, lambda: self._stored(item), item)
        if stored is None or (stored.key.source != OWN and not of_ours(self.node, stored.document)):
            return SENT
        if not self._sees(stored):
            return await self._end(stored) if item.left and self.connection.shows(stored.key) else SENT
        return await self._whole(stored, again=item.again, left=item.left)

    async def _stored(self, item: Item) -> Stored | None:
        """The object; also one that was removed, which nobody may see any more."""

        async def work(tx: Tx) -> Stored | None:
            return await tx.objects.get(item.key) or await tx.objects.get_pk(item.pk)

        return self._noted(await self.node.store.read(work))

    def _noted(self, found: Found | None) -> Found | None:
        if found is not None:
            self._told = max(self._told, found.changed_no)
        return found

    async def _passed(self, found: Found | None, read: Callable[[], Awaitable[Found | None]], item: Item) -> Found | None:
        """What was found, or what is found when its second is over, for a partner whose times are whole seconds."""
        if self.connection.speaks.fractional_seconds:
            return found
        for _ in range(SECONDS):
            now = self.node.clock()
            if found is None or found.last_updated // SECOND < now // SECOND:
                break
            # What the clock of another process says may lie ahead of ours; its seconds last as long as ours.
            lasts = SECOND - now % SECOND if found.last_updated // SECOND == now // SECOND else SECOND
            await self.rest(lasts / SECOND / self.node.speed)
            if item.alone:
                item.head = self.node.store.head
            found = await read()
        return found

    # --- the forms

    async def _whole(self, stored: Stored, *, again: bool = False, left: bool = False) -> Decision:
        kind = self.modules[stored.key.module].kind
        document = await self._shown(kind, stored.document)
        if document is None:
            return await self._unsaid(stored, left)
        if why := self._absent(stored):
            return Decision("refused", why, status=CLIENT_ERROR)
        if stored.key.module == "cdrs":
            return await self._cdr(stored, document, again)
        if stored.key.module == "sessions":
            return await self._session(stored, document)
        if not self.modules[stored.key.module].key:
            return await self._posted(stored, document)
        return await self._request("PUT", stored.key, document)

    async def _unsaid(self, stored: Stored, left: bool) -> Decision:
        """What the version cannot say, though it could until now, ends at the partner: there is no more to say of it."""
        module, document, now = stored.key.module, stored.document, self.node.clock()
        if module == "tariffs" and (left or over(document, now)):
            return await self._request("DELETE", stored.key, None)
        for evse in removed(document, now)["evses"] if module == "locations" and left else ():
            shown = await self._shown("evse", evse)
            body = {name: shown[name] for name in ("status", "last_updated")} if shown is not None else None
            decision = await self._request("PATCH", stored.key, body, evse["uid"]) if body is not None else SENT
            if decision.verdict not in ("sent", "unknown"):
                return decision
        return SENT

    async def _posted(self, stored: Stored, document: Document) -> Decision:
        """What has no URL of its own at the receiver is POSTed in each of its states; one that takes only the first reads the next from
        our list (Payments)."""
        reply = await self._reply("POST", stored.key, [], document, None)
        decision = decide(reply, "POST", self._now())
        known = reply.http == 409 or TWICE.search(reply.message or "")
        return SENT if decision.verdict == "refused" and known else decision

    async def _evses(self, item: Item) -> Decision:
        for uid, more in list(item.evses.items()):
            decision = await (self._evse(item, uid) if more else self._status(item, uid))
            if decision.verdict == "unknown":
                stored: Stored | None = self._noted(await self.node.store.read(lambda tx: tx.objects.get(item.key)))
                return await self._whole(stored) if stored is not None and self._sees(stored) else SENT
            if decision.verdict != "sent":
                return decision
            del item.evses[uid]
        return SENT

    async def _status(self, item: Item, uid: str) -> Decision:
        async def read(reached: int = 0) -> Status | None:
            return await self.statuses.of(item.key, uid, self.connection.speaks.number, max(item.newest, self._told, reached))

        status = await self._passed(await read(), lambda: read(item.head), item)
        if status is None or status.body is None or not self._sees(status):
            return SENT
        item.head = min(item.head, status.reached)
        self._told = max(self._told, status.changed_no)
        decision = await self._request("PATCH", item.key, status.body, status.uid)
        return await self._evse(item, uid) if decision.verdict == "unknown" else decision

    async def _evse(self, item: Item, uid: str) -> Decision:
        key = item.key

        async def read() -> StoredEvse | None:
            return self._noted(await self.node.store.read(lambda tx: tx.objects.get_evse(key, uid)))

        evse = await self._passed(await read(), read, item)
        if evse is None or not self._sees(evse):
            return SENT
        document = await self._shown("evse", evse.document)
        if document is not None and not await self.node.store.read(lambda tx: sayable(tx, key, self.connection.speaks)):
            document = None
        return SENT if document is None else await self._request("PUT", key, document, evse.uid)

    def _sees(self, found: Stored | StoredEvse | Status) -> bool:
        return self.connection.told(found.key, found.audience)

    async def _session(self, stored: Stored, document: Document) -> Decision:
        before = self._sessions.get(stored.pk)
        patch = _patch(before, document) if before is not None and self.connection.speaks.session_patch else None
        to = self._addressee(stored)
        decision = SENT if patch == {} else await self._request("PATCH", stored.key, patch, to=to) if patch else Decision("unknown")
        if decision.verdict == "unknown":
            decision = await self._request("PUT", stored.key, document, to=to)
        if decision.verdict == "sent" and stored.document["status"] in ("ACTIVE", "PENDING", "RESERVATION"):
            self._sessions[stored.pk] = document
        else:
            self._sessions.pop(stored.pk, None)
        return decision

    # --- CDRs

    async def _cdr(self, stored: Stored, document: Document, again: bool) -> Decision:
        """A CDR goes to the plain endpoint (CDR-009 to CDR-011), once: where the partner took it and serves it from then on is kept. One
        whose answer was lost is sent again, and a partner that will not have it twice has it."""
        place = await self.node.store.read(lambda tx: tx.cursors.delivered_at(self.connection.id, stored.pk))
        if place is not None and not (again and await self._lost(stored, place)):
            return SENT
        if not self.connection.shows(stored.key):
            why = f"{stored.key.country}-{stored.key.party} is no party that {self.connection.partner} is shown"
            return Decision("refused", why, status=CLIENT_ERROR)
        to = self._addressee(stored)
        reply = await self._reply("POST", stored.key, [], document, to)
        decision = decide(reply, "POST", self._now(), behind=self._behind(to))
        if decision.verdict == "sent":
            where = reply.headers.get("location")
            await self._delivered(stored, self._at(where) if where else "")
        elif decision.verdict == "refused" and decision.status not in NOT_TO_BE_HAD and await self._there(stored, reply):
            return SENT
        return decision

    async def _delivered(self, stored: Stored, url: str) -> None:
        await self.node.store.write(lambda tx: tx.cursors.delivered(self.connection.id, stored.pk, url, self.node.clock()))

    def _at(self, where: str) -> str:
        return urljoin((self.connection.endpoint("cdrs", "RECEIVER") or "").rstrip("/") + "/", where)

    async def _there(self, stored: Stored, reply: Reply) -> bool:
        """Whether a CDR is refused because the partner has it: it says so, or it shows it where one would look for it."""
        key = stored.key
        for segments in ((key.country, key.party, key.id), (key.id,)):
            url = self._at("/".join(quote(segment, safe="") for segment in segments))
            shown = await self._fetch(stored, url)
            if shown.ok and isinstance(shown.data, dict) and fold(str(shown.data.get("id"))) == fold(key.id):
                await self._delivered(stored, url)
                return True
        if reply.http != 409 and not TWICE.search(reply.message or ""):
            return False
        await self._delivered(stored, "")
        return True

    async def _fetch(self, stored: Stored, url: str) -> Reply:
        self.spend()
        to, sender = self._addressee(stored), Party(stored.key.country, stored.key.party)
        return await self.node.client.call(self.connection, "GET", "cdrs", "RECEIVER", url=url, to=to, sender=sender)

    async def _lost(self, stored: Stored, url: str) -> bool:
        """Whether a partner that had a CDR says that it does not know it."""
        if not url or stored.last_updated < self.node.clock() - LOOKED_BACK:
            return False
        reply = await self._fetch(stored, url)
        return reply.http == 404 or (reply.code is not None and 2000 <= reply.code < 3000)

    async def _end(self, stored: Stored) -> Decision:
        """The partner may no longer see it: EVSEs are REMOVED, Tariffs deleted, Tokens not valid; Sessions and CDRs stay as they are."""
        module, now = stored.key.module, self.node.clock()
        if module == "tariffs":
            return await self._request("DELETE", stored.key, None)
        last = ended(module, stored.document, now)
        if last is None:
            return SENT
        document = await self._shown(self.modules[module].kind, last)
        return SENT if document is None else await self._request("PUT", stored.key, document)

    # --- the request

    async def _shown(self, kind: str, document: Document) -> Document | None:
        node, connection = self.node, self.connection

        async def work(tx: Tx) -> Document | None:
            return await lens.show(tx, connection, connection.speaks.number, kind, document, node.clock(), node.settings)

        return await node.store.read(work)

    def _absent(self, stored: Stored) -> str | None:
        """Behind a hub, the party that a Session or CDR is for may not be there; then it is tried again, apart from the rest."""
        to = self._addressee(stored) if stored.key.module in ("sessions", "cdrs") else None
        return self.connection.absent(to, "EMSP") if to is not None else None

    def _addressee(self, stored: Stored) -> Party | None:
        """Whom a Session or CDR concerns: of a platform with several parties it is for that one, and behind a hub no Broadcast Push
        (4.1.9.3). One of an operator's, about a driver of ours, is for whoever has the charging in hand."""
        if stored.key.source != OWN:
            return None
        token = stored.document["cdr_token"]
        party = Party(token["country_code"], token["party_id"])
        theirs = self.connection.hub is not None or any(one.party.key == party.key for one in self.connection.parties)
        return party if theirs else None

    async def _request(self, method: str, key: Key, document: Document | bytes | None, *rest: str, to: Party | None = None) -> Decision:
        reply = await self._reply(method, key, [key.country, key.party, key.id, *rest], document, to)
        decision = decide(reply, method, self._now(), behind=self._behind(to))
        return SENT if method == "DELETE" and decision.verdict == "unknown" else decision

    def _behind(self, to: Party | None) -> bool:
        return to is not None and self.connection.hub is not None

    def _now(self) -> float:
        return self.node.clock() / 1_000_000

    async def _reply(self, method: str, key: Key, segments: list[str], document: Document | bytes | None, to: Party | None) -> Reply:
        """`to` None: the partner itself; of a hub that is a Broadcast Push to all parties that it reaches."""
        self.spend()
        query = {"type": key.kind} if key.kind and self.connection.speaks.token_type_param else None
        sender = Party(key.country, key.party) if key.source == OWN else self.node.directory.party_for(self.connection, "EMSP")
        return await self.node.client.call(
            self.connection, method, key.module, "RECEIVER", *segments, query=query, document=document, to=to, sender=sender
        )


def _patch(before: Document, now: Document) -> Document | None:
    """The fields of a Session that changed; None where only a PUT can say it: a period was added or a field taken away (LOC-029)."""
    if before.get("charging_periods") != now.get("charging_periods") or before.keys() - now.keys():
        return None
    return {name: value for name, value in now.items() if name == "last_updated" or before.get(name) != value} if before != now else {}
