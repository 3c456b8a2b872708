"""Locations: one row for the Location, one for each EVSE.

A status change of one EVSE must cost the same in a Location with two and with two hundred of them: it reads and writes its own row
and raises the parent's last_updated in the small row, never in the document, where the time stands at which the Location itself changed.
The raised time enters when the whole is put together. Connectors live inside the EVSE. An EVSE that a replacement no longer names is
not lost but becomes REMOVED.

A Location that comes again may hold `Raw`: what is spelled as it stands here already (`Held`), of which nobody has to read anything.

Numbers: an EVSE that came with its Location has none (the Location's entry in the log stands for it); afterwards `status_no` is the
newest change of the status alone, `body_no` of anything else. A new last_updated and nothing more is stored, not logged.
"""

from typing import Any, NamedTuple

from msgspec import Raw

from interplug.model.types import encode_json, fold, format_time
from interplug.store.bodies import LOCATIONS, Bodies, differing, fields_of, read_document
from interplug.store.database import Database, Numbers
from interplug.store.evses import ALL_OF, FIND_EVSE, FIND_UID, INSERT, PLACE, UPDATE, EvseRow, Sent, assemble, by_uid, seen, told_time
from interplug.store.heads import Head, Heads, late, spelled
from interplug.store.keys import OWN, Key, Saved, StoredEvse
from interplug.store.statuses import RECORD
from interplug.store.withheld import withheld

REMOVED = "REMOVED"
TIMES, STATUS = frozenset({"last_updated"}), frozenset({"status"})

MILLISECOND, SECOND = 1000, 1_000_000
SET_BACK = 300 * SECOND
"""Microseconds that our own times may lie ahead of a clock that was set back before they grow as slowly as they can."""


class Held(NamedTuple):
    """A Location by its bytes: the fields without `evses`, and each EVSE, in their order."""

    fields: dict[str, Raw]
    evses: list[Raw]


class NoLocation(LookupError):
    """An EVSE was to be saved under a Location that is not there."""


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    left = dict(document)
    for name in names:
        left.pop(name, None)
    return left


def after(moment: int, now: int) -> int:
    """When something of our own changed that was as new as `moment`: now, or whoever asks by date would never hear of it. Where our
    clock was set back, the next moment that a document can spell, and that every version can, as 2.1.1 knows whole seconds alone;
    never far ahead of the clock for that."""
    unit = SECOND if SECOND < moment - now < SET_BACK else MILLISECOND
    return max((moment // unit + 1) * unit, now // MILLISECOND * MILLISECOND)


class Locations:
    def __init__(self, db: Database, numbers: Numbers, heads: Heads, bodies: Bodies) -> None:
        self._db = db
        self._numbers = numbers
        self._heads = heads
        self._bodies = bodies
        # get_evse and then save_evse is how a patch goes: the second need not look again when nothing was written in between.
        self._last: tuple[object, tuple[Head | None, EvseRow | None]] = (None, (None, None))
        self._read: tuple[object, list[EvseRow]] = (None, [])
        self._fields: tuple[bytes, dict[str, Raw] | None] = (b"", None)

    # --- whole Locations

    async def document(self, pk: int, body: bytes, last_updated: int, *, whole: bool = True) -> dict[str, Any]:
        return assemble(body, last_updated, await self._rows(pk) if whole else [])

    async def held(self, pk: int, body: bytes) -> Held:
        self._fields = body, fields_of(body)
        return Held(self._fields[1], [Raw(row.doc) for row in await self._rows(pk)])

    async def _rows(self, pk: int) -> list[EvseRow]:
        place = self._db.moment, pk
        if self._read[0] != place:
            self._read = place, [EvseRow(*row) for row in await self._db.of_object(pk, ALL_OF, pk)]
        return self._read[1]

    async def create(self, key: Key, document: dict[str, Any], last_updated: int, audience: int, received_at: int) -> Saved:
        evses = by_uid(document, last_updated, [])
        newest = max([last_updated, *(evse.moment for evse in evses.values())])
        head = await self._heads.create(key, audience, newest, received_at, 0, withheld(key, document))
        await self._bodies.put(head.pk, encode_json(without(document, "evses")))
        for position, evse in enumerate(evses.values()):
            await self._insert(head.pk, key, evse, position, 0, received_at)
        return Saved(created=True, changed=True, pk=head.pk)

    async def replace(
        self,
        head: Head,
        stored: bytes,
        key: Key,
        document: dict[str, Any],
        last_updated: int,
        received_at: int,
        *,
        force: bool,
        whole: bool,
        patched: bool,
    ) -> Saved:
        before = await self._rows(head.pk) if whole else []
        evses = by_uid(document, last_updated, before) if whole else {}
        given = max([last_updated, *(evse.moment for evse in evses.values())])
        stale = overtaken = late(given, head.last_updated, received_at)
        if stale and not patched:
            # Its EVSEs may be newer here and it not: then what it says of itself is news, and those stay as they are.
            stale = last_updated <= told_time(read_document(stored), head.last_updated)
        if patched:
            # It speaks of the Location itself. The times of EVSEs, which it did not bring, neither excuse nor condemn it.
            given = head.last_updated if stale else given
            stale = late(last_updated, told_time(read_document(stored), head.last_updated), received_at)
        if stale and key.source != OWN and not force:
            return Saved(stale=True, pk=head.pk)
        known = None
        if overtaken and key.source != OWN and not force:
            given, known = max(given, head.last_updated), last_updated
        started = self._numbers.last
        other = without(document, "evses")
        body = encode_json(other)
        names = differing(other, body, stored, self._fields[1] if self._fields[0] is stored else None)
        other_body = not names <= TIMES
        body_no = self._numbers.take() if other_body else 0
        asked = head, key, before, evses, last_updated, received_at
        touched = await self._replace_evses(*asked, force=force, known=known) if whole else None
        if touched is None and not other_body and (not names or (given <= head.last_updated and not patched)):
            if names and key.source != OWN and last_updated > told_time(read_document(stored), last_updated):
                await self._bodies.replace(head.pk, body)  # what is older than this is late from now on
            return Saved(pk=head.pk)
        given = max(given, touched or 0)
        if key.source == OWN and given <= head.last_updated:
            given = after(head.last_updated, received_at)
        if self._numbers.last == started:
            self._numbers.take()
        await self._bodies.replace(head.pk, body)
        await self._bodies.drop_renditions(head)
        if other_body:
            await self._heads.change(head, given, received_at, body_no, 0)
        else:
            await self._heads.touch(head, given, received_at)
        return Saved(changed=True, pk=head.pk)

    async def _replace_evses(
        self,
        head: Head,
        key: Key,
        before: list[EvseRow],
        evses: dict[str, Sent],
        last_updated: int,
        now: int,
        *,
        force: bool,
        known: int | None,
    ) -> int | None:
        """The newest last_updated among those that changed; None when nothing did. `known`: of EVSEs that are newer than this the document
        says nothing, where it does not name them."""
        rows = {row.uid: row for row in before}
        moments: list[int] = []
        for uid, evse in evses.items():
            if evse.document is None:
                continue  # stands here already
            if uid in rows:
                moments.append(await self._update(head.pk, rows[uid], key, evse, now, force=force) or 0)
            else:
                no = self._numbers.take()
                await self._insert(head.pk, key, evse, no, no, now)
                moments.append(evse.moment)
        for uid, row in rows.items():
            if uid not in evses and row.status != REMOVED and (known is None or row.last_updated <= known):
                moments.append(max(last_updated, row.last_updated))
                await self._remove(head.pk, row, key, moments[-1], now)
        reordered = list(evses) != [row.uid for row in before] and await self._order(head.pk, list(evses))
        return max(moments, default=0) if reordered or any(moments) else None

    async def _remove(self, pk: int, row: EvseRow, key: Key, moment: int, now: int) -> None:
        document = {**read_document(row.doc), "status": REMOVED, "last_updated": format_time(moment)}
        no = self._numbers.take()
        await self._db.execute(UPDATE, REMOVED, no, row.body_no, no, moment, encode_json(document), row.pk)
        await self._record(pk, key, row.uid, REMOVED, now)

    async def _order(self, pk: int, uids: list[str]) -> bool:
        """In the order of the document; those it no longer names come last."""
        rows = await self._rows(pk)
        named = {uid: place for place, uid in enumerate(uids)}
        wanted = sorted(rows, key=lambda row: named.get(row.uid, len(named)))
        if wanted == rows:
            return False
        for place, row in enumerate(wanted):
            await self._db.execute(PLACE, place, row.pk)
        return True

    # --- one EVSE

    async def get_evse(self, key: Key, uid: str) -> StoredEvse | None:
        head, row = await self._find(key, uid)
        if head is None or row is None or head.audience < 0:
            return None
        return seen(row, head.pk, key, head.audience)

    async def find_uid(self, uid: str) -> list[StoredEvse]:
        found = []
        for row in await self._db.of_objects(FIND_UID, 11, fold(uid)):
            pk, audience, source, spelling = row[11:]
            found.append(seen(EvseRow(*row[:11]), pk, spelled(spelling, LOCATIONS, source, ""), audience))
        return found

    async def save_evse(
        self, key: Key, uid: str, document: dict[str, Any], last_updated: int, received_at: int, *, force: bool = False
    ) -> Saved:
        head, row = await self._find(key, uid)
        if head is None or head.audience < 0:
            raise NoLocation(key.id)
        started, moment = self._numbers.last, last_updated
        # A partner is told of the EVSE alone, so the EVSE has to carry the time that its Location gets.
        above = head.last_updated if key.source == OWN else 0
        if row is None:
            no = self._numbers.take()
            if moment <= above:
                moment = after(above, received_at)
                document = {**document, "last_updated": format_time(moment)}
            await self._insert(head.pk, key, Sent(document, encode_json(document), moment), no, no, received_at)
        elif late(last_updated, row.last_updated, received_at) and key.source != OWN and not force:
            return Saved(stale=True, pk=head.pk)
        else:
            sent = Sent(document, encode_json(document), last_updated)
            stored = await self._update(head.pk, row, key, sent, received_at, force=force, above=above)
            if stored is None:
                return Saved(pk=head.pk)
            moment = stored
        if self._numbers.last == started:
            self._numbers.take()
        await self._bodies.drop_renditions(head)
        await self._heads.touch(head, max(head.last_updated, moment), received_at)
        return Saved(created=row is None, changed=True, pk=head.pk)

    async def renew(self, key: Key, uid: str, now: int) -> bool:
        """An EVSE that looks different to some although nobody has changed it: it counts as changed now."""
        head, row = await self._find(key, uid)
        if head is None or row is None or head.audience < 0:
            return False
        moment = max(now, after(max(row.last_updated, head.last_updated), now))
        document = {**read_document(row.doc), "last_updated": format_time(moment)}
        no = self._numbers.take()
        await self._db.execute(UPDATE, row.status, no, no, row.status_no, moment, encode_json(document), row.pk)
        await self._bodies.drop_renditions(head)
        await self._heads.touch(head, moment, now)
        return True

    async def renew_all(self, pk: int, moment: int) -> None:
        """The EVSEs of a Location of our own get a new last_updated, as it does, and no number: readers of the log are not told."""
        for row in await self._rows(pk):
            document = {**read_document(row.doc), "last_updated": format_time(moment)}
            await self._db.execute(UPDATE, row.status, row.changed_no, row.body_no, row.status_no, moment, encode_json(document), row.pk)

    async def _find(self, key: Key, uid: str) -> tuple[Head | None, EvseRow | None]:
        place = self._db.moment, key, uid
        if self._last[0] != place:
            rows = await self._db.of_objects(FIND_EVSE, 0, fold(uid), *key.folded())
            self._last = place, (None, None)
            if rows:
                row = rows[0]
                self._last = place, (Head(*row[:12]), None if row[12] is None else EvseRow(*row[12:]))
        return self._last[1]

    async def _insert(self, pk: int, key: Key, evse: Sent, position: int, no: int, now: int) -> None:
        assert evse.document is not None
        uid, status = str(evse.document["uid"]), str(evse.document.get("status", ""))
        _, _, _, country, party, _ = key.folded()
        await self._db.execute(INSERT, pk, country, party, fold(uid), uid, position, status, no, no, no, evse.moment, evse.raw)
        await self._record(pk, key, fold(uid), status, now)

    async def _record(self, pk: int, key: Key, uid: str, status: str, now: int) -> None:
        """Of our own: since when the status is that."""
        if key.source == OWN:
            await self._db.later(pk, RECORD, pk, uid, status, now)

    async def _update(self, pk: int, row: EvseRow, key: Key, evse: Sent, now: int, *, force: bool, above: int = 0) -> int | None:
        """The last_updated that was stored, None when nothing was; an own EVSE's is beyond `above`. Takes a number when readers of the
        log must see it."""
        document, raw, moment = evse
        assert document is not None
        if raw == row.doc or (late(moment, row.last_updated, now) and key.source != OWN and not force):
            return None
        names = differing(document, raw, row.doc)
        other_status = "status" in names
        other_body = not names <= TIMES | STATUS
        if not other_body and not other_status and (not names or moment <= row.last_updated):
            return None
        if key.source == OWN and moment <= (above := max(above, row.last_updated)):
            moment = after(above, now)
            raw = encode_json({**document, "last_updated": format_time(moment)})
        no = self._numbers.take() if other_body or other_status else row.changed_no
        body_no = no if other_body else row.body_no
        status_no = no if other_status else row.status_no
        status = str(document.get("status", ""))
        await self._db.later(pk, UPDATE, status, no, body_no, status_no, moment, raw, row.pk)
        if other_status:
            await self._record(pk, key, row.uid, status, now)
        return moment
