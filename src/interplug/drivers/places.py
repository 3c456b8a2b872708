"""Keeps what drivers find level with the Locations of all partners: one more reader of the change log.

A Location that is not published, or has no EVSE left, is not shown (LOC-004, LOC-031), nor is one of a partner with whom we no longer
work, or of a party that is no longer behind its hub. An EVSE of which several sources tell is shown at one Location: that of the source
that `places.sources` names first, else of the operator's own connection rather than a hub's, else of the oldest connection. When the
cursor is lost, or the order of sources, the offers, the currency or who is gone are others, everything is made again from the beginning
of the log, which holds every Location once.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from interplug.model.power import watts_of
from interplug.model.types import decode_json, encode_json, fold
from interplug.modules.node import Node
from interplug.partners.claims import HOLDING
from interplug.partners.directory import Connection
from interplug.protocol.headers import Party
from interplug.store.keys import OWN, Change, Key, Stored
from interplug.store.places import DEARER, POWERS, PRICES, UNKNOWN, Kind, Kinds, Socket
from interplug.store.tx import Tx

from .asking_price import Asking
from .hours import is_open
from .locations import AVAILABLE, accessible, evse_name, evses_here, evses_of, operator_of, place_of, shown

Document = dict[str, Any]
READER = (0, "finding")
MADE_FOR = "places are made for"
CHUNK = 50
"""In one transaction: others wait for it."""
MINUTE = 60_000_000
UNNAMED = 9_999


class PlaceList:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.position = 0
        self._looked = 0
        self._gone: tuple[int, set[tuple[int, str, str]]] = -1, set()
        """Whose Locations lead nowhere any more, and the directory that said so: connection and party, or the connection alone."""

    async def run(self) -> None:
        """Until cancelled."""
        reached = await self.node.store.read(lambda tx: tx.cursors.get(*READER))
        self.position = reached or 0
        while True:
            await self.tick()
            await self.node.store.changed(self.position, 1.0)

    async def tick(self) -> None:
        await self._made_for()
        more = True
        while more:
            changes, reached, more = await self.node.store.news(self.position, CHUNK)
            theirs = [change for change in changes if change.source != OWN]
            numbers = dict.fromkeys(change.pk for change in theirs if change.module == "locations")
            numbers |= dict.fromkeys(await self._priced_anew(theirs))
            if numbers:
                await self._level(list(numbers), reached)
            self.position = reached
        await self._opened()

    async def _made_for(self) -> None:
        """Begins again where what places are made from besides Locations is something else than it was."""

        async def work(tx: Tx) -> tuple[int, list[Document]]:
            return await tx.generation(MADE_FOR), await tx.offers.all()

        made_for, offers = await self.node.store.read(work)
        settings = self.node.settings
        if self._gone[0] < 0:
            await self.node.directory.refresh()
        if self._gone[0] != (generation := self.node.directory.generation):
            self._gone = generation, await self.node.store.read(partial(gone, self.node))
        wanted = zlib.crc32(encode_json([2, settings.places.sources, settings.payments.currency, offers, *sorted(self._gone[1])]))
        if wanted != made_for:
            self.position = 0
            await self.node.store.write(lambda tx: tx.mark(MADE_FOR, wanted))

    async def _priced_anew(self, changes: list[Change]) -> list[int]:
        """The Locations at which Tariffs that changed are named."""
        names = {tariff_name(change.key) for change in changes if change.module == "tariffs"}
        if not names:
            return []
        return await self.node.store.read(lambda tx: _all_naming(tx, names))

    async def _level(self, numbers: list[int], reached: int) -> None:
        """The cursor moves with the last of them."""
        for start in range(0, len(numbers), CHUNK):
            part, last = numbers[start : start + CHUNK], start + CHUNK >= len(numbers)
            await self.node.store.write(partial(self._write, numbers=part, reached=reached if last else None))

    async def _write(self, tx: Tx, numbers: list[int], reached: int | None) -> None:
        asking = await Asking.of(tx, self.node)
        found = {pk: await self._found(tx, pk) for pk in numbers}
        others: set[int] = set()
        for pk, stored in found.items():
            others |= await tx.places.hold(pk, self._evses(stored))
        for pk in others - found.keys():
            found[pk] = await self._found(tx, pk)
        places, hours = [], {}
        for pk, stored in found.items():
            taken = await tx.places.shown_elsewhere(pk)
            place = None if stored is None else place_of(stored, self._operator(stored), taken)
            kinds = None if stored is None or place is None else await kinds_of(stored, place.operator, taken, asking)
            await tx.places.priced_by(pk, set() if stored is None else tariffs_named(stored))
            if stored is not None and kinds is not None:
                hours[kinds.all.hours] = is_open(stored.document, self.node.clock())
            places.append((pk, place, kinds))
        await tx.places.level(places, hours)
        if reached is not None:
            await tx.cursors.move([(*READER, reached)])

    async def _found(self, tx: Tx, pk: int) -> Stored | None:
        """None where drivers are not to see it."""
        stored = await tx.objects.get_pk(pk)
        if stored is None or not shown(stored):
            return None
        source, country, party = stored.key.source, fold(stored.key.country), fold(stored.key.party)
        return None if {(source, "", ""), (source, country, party)} & self._gone[1] else stored

    def _evses(self, stored: Stored | None) -> dict[str, int]:
        if stored is None:
            return {}
        rank = rank_of(stored, self.node.directory.by_id(stored.key.source), self.node.settings.places.sources)
        return {evse_name(evse): rank for evse in evses_of(stored.document) if evse.get("evse_id")}

    def _operator(self, stored: Stored) -> str:
        return operator_of(stored, self.node.directory.by_id(stored.key.source))

    async def _opened(self) -> None:
        """Once a minute: which opening times are open now."""
        now = self.node.clock()
        if now // MINUTE == self._looked:
            return
        self._looked = now // MINUTE
        known = await self.node.store.read(lambda tx: tx.places.hours())
        changed = [(number, opened) for number, spelled, before in known if (opened := _open(spelled, now)) != before]
        if changed:
            await self.node.store.write(lambda tx: _set_open(tx, changed))


async def gone(node: Node, tx: Tx) -> set[tuple[int, str, str]]:
    known = node.directory.all(removed=True)
    found = {(one.id, "", "") for one in known if one.registered_at is not None and one.state not in HOLDING}
    for hub in known:
        if hub.hub is not None and hub.registered:
            there = {(fold(country), fold(party)) for country, party in hub.writable}
            found |= {(hub.id, *party) for party in await tx.objects.owners("locations", hub.id) - there}
    return found


async def _all_naming(tx: Tx, names: Iterable[str]) -> list[int]:
    return [pk for name in sorted(names) for pk in await tx.places.naming(name)]


async def _set_open(tx: Tx, changed: Iterable[tuple[int, bool]]) -> None:
    for number, opened in changed:
        await tx.places.open(number, opened=opened)


def tariff_name(key: Key) -> str:
    return " ".join((str(key.source), fold(key.country), fold(key.party), fold(key.id)))


def tariffs_named(stored: Stored) -> set[str]:
    names = {name for evse in evses_of(stored.document) for plug in evse["connectors"] for name in plug.get("tariff_ids") or ()}
    return {tariff_name(Key("tariffs", stored.key.source, stored.key.country, stored.key.party, name)) for name in names}


def rank_of(stored: Stored, connection: Connection | None, sources: list[str]) -> int:
    """The lowest goes before the others."""
    name = "" if connection is None else connection.partner
    named = sources.index(name) if name in sources else UNNAMED
    owner = Party(stored.key.country, stored.key.party).key
    direct = connection is not None and any(one.role == "CPO" and one.party.key == owner for one in connection.parties)
    return (named * 2 + (not direct)) * 1_000_000_000 + stored.key.source


async def kinds_of(stored: Stored, operator: str, elsewhere: frozenset[str], asking: Asking) -> Kinds:
    sockets: set[Socket] = set()
    free: set[Socket] = set()
    for evse in evses_here(stored.document, elsewhere):
        here = {_socket(plug, await asking.per_kwh(stored, plug)) for plug in evse["connectors"]}
        sockets |= here
        free |= here if evse["status"] == AVAILABLE else set()
    whole = Kind(operator, tuple(sorted(sockets)), accessible(stored.document), _hours(stored.document))
    return Kinds(whole, msgspec.structs.replace(whole, sockets=tuple(sorted(free))) if free else None)


def _socket(plug: Document, price: Decimal | None) -> Socket:
    return plug["standard"], power_step(watts_of(plug)), price_step(price)


def power_step(watts: int) -> int:
    reached = bisect_right(POWERS, watts)
    return POWERS[reached - 1] if reached else 0


def price_step(price: Decimal | None) -> int:
    """The step that a price for a kWh does not exceed."""
    if price is None:
        return UNKNOWN
    cents = price * 100
    reached = bisect_left(PRICES, cents)
    return PRICES[reached] if reached < len(PRICES) else DEARER


def _hours(document: Document) -> str:
    hours = document.get("opening_times")
    return "" if hours is None else encode_json([hours, document.get("time_zone")]).decode()


def _open(spelled: str, now: int) -> bool:
    hours, zone = decode_json(spelled.encode())
    return is_open({"opening_times": hours, **({"time_zone": zone} if zone else {})}, now)
