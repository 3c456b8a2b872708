"""Objects of all modules: found, saved, paged and logged; the face of the room towards documents.

What `save` promises: strictly older than what is stored is stale (nothing applied, counted); the same content takes no number; our
own last_updated always grows; the document, its change number, its counters and its evidence are one transaction. Content is compared
as values, not as bytes: the order of fields and a trailing zero are no change. The store validates nothing.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from functools import partial
from typing import Any

from interplug.model.types import encode_json, fold, format_time
from interplug.store.bodies import LOCATIONS, NEWEST, Bodies, at_once, read_document
from interplug.store.changes import Changes
from interplug.store.database import Database, Numbers
from interplug.store.feeds import Feeds
from interplug.store.heads import COLUMNS, Head, Heads, late, spelled
from interplug.store.history import History
from interplug.store.keys import GONE, OWN, Change, Evidence, Key, Page, PageQuery, Saved, Stored, StoredEvse
from interplug.store.locations import Held, Locations, after, without
from interplug.store.pages import Pages
from interplug.store.tallies import Tallies
from interplug.store.withheld import withheld

FIND_ID = """
select o.source, o.pk, o.spelling, o.kind, o.last_updated, o.received_at, o.audience, o.changed_no, b.bytes
from object o join body b on b.id = o.pk where o.module = ? and o.id = ? and o.audience >= 0"""
BATCH = f"""
select {COLUMNS}, o.module, o.source, o.kind, b.bytes from object o join body b on b.id = o.pk
where o.pk > ? and o.module || '' = ? and (o.source = ? or ? = 1) and o.audience >= 0 order by o.pk limit ?"""
# `|| ''` keeps planners from an index that would make them sort the module for every batch.

KEYS = """
select o.pk, o.module, o.kind, o.spelling from object o
where o.pk > ? and o.source = ? and o.audience >= 0
  and (cast(? as text) is null or o.module || '' = ?) and (cast(? as bigint) is null or o.audience = ?)
order by o.pk limit ?"""


class Objects:
    def __init__(self, db: Database, numbers: Numbers, clock: Callable[[], int]) -> None:
        self._db = db
        self._numbers = numbers
        self._clock = clock
        self._heads = Heads(db, numbers)
        self._bodies = Bodies(db)
        self._locations = Locations(db, numbers, self._heads, self._bodies)
        self._history = History(db)
        self._tallies = Tallies(db)
        self._feeds = Feeds(db, marking=not numbers.writing)
        self._changes = Changes(db)
        # held and then save is how a Location comes again: the second need not look again.
        self._last: tuple[object, tuple[Head, bytes] | None] = (None, None)

    # --- reading

    async def get(self, key: Key, *, whole: bool = True, gone: bool = False) -> Stored | None:
        """`whole=False`: a Location without its EVSEs; `gone`: also what was removed (its audience is GONE)."""
        found = await self._heads.find_with_body(key)
        if found is None or (found[0].audience == GONE and not gone):
            return None
        head, raw = found
        return await self._stored(head, spelled(head.spelling, key.module, key.source, key.kind), raw, whole=whole)

    async def held(self, key: Key) -> Held | None:
        """What stands under the key of a Location, as bytes; a document to be saved may hold them as `Raw`."""
        found = await self._find(key)
        return None if found is None else await self._locations.held(found[0].pk, found[1])

    async def _find(self, key: Key) -> tuple[Head, bytes] | None:
        place = self._db.moment, key
        if self._last[0] != place:
            self._last = place, await self._heads.find_with_body(key)
        return self._last[1]

    async def get_pk(self, pk: int) -> Stored | None:
        """Also what was removed (its audience is GONE): a reader of the log has to name it."""
        found = await self._heads.find_pk(pk)
        return None if found is None else await self._stored(*found)

    async def get_evse(self, key: Key, uid: str) -> StoredEvse | None:
        return await self._locations.get_evse(key, uid)

    async def find_id(self, module: str, id: str, source: int | None = None) -> list[Stored]:
        """By source, those of one source in the order of creation."""
        rows = await self._db.all(FIND_ID, module, fold(id))
        found = []
        for source_of, pk, spelling, kind, last_updated, received_at, audience, changed_no, raw in sorted(map(tuple, rows)):
            if source is None or source_of == source:
                document = await self._document(module, pk, raw, last_updated)
                key = spelled(spelling, module, source_of, kind)
                found.append(Stored(pk, key, document, last_updated, received_at, audience, changed_no))
        return found

    async def _document(self, module: str, pk: int, raw: bytes, last_updated: int, *, whole: bool = True) -> Callable[[], dict[str, Any]]:
        """What makes the document when it is asked for; a Location is put together now, while its EVSEs are those of this moment."""
        if module != LOCATIONS:
            return partial(read_document, raw)
        document = await self._locations.document(pk, raw, last_updated, whole=whole)
        return lambda: document

    async def find_evse(self, uid: str, *, party: tuple[str, str] | None = None, source: int | None = None) -> list[StoredEvse]:
        """EVSEs with this uid under any Location: uids repeat, also within one party."""
        found = await self._locations.find_uid(uid)
        folded = None if party is None else (fold(party[0]), fold(party[1]))
        return [
            evse for evse in found if source in (None, evse.key.source) and folded in (None, (fold(evse.key.country), fold(evse.key.party)))
        ]

    async def batch(self, module: str, after: int, limit: int, source: int | None = None) -> tuple[list[Stored], int]:
        """The next objects in the order of creation, and the number to go on from; empty at the end."""
        rows = await self._db.all(BATCH, after, module, source or 0, int(source is None), limit)
        return [await self._from_row(row) for row in rows], rows[-1][0] if rows else after

    async def each(self, module: str, source: int | None = None) -> AsyncIterator[Stored]:
        number = 0
        while True:
            found, number = await self.batch(module, number, 200, source)
            if not found:
                return
            for stored in found:
                yield stored

    async def keys(
        self, after: int, limit: int, *, source: int = OWN, module: str | None = None, audience: int | None = None
    ) -> list[tuple[int, Key]]:
        """The next objects of a source in the order of creation, with their pks; no documents are read."""
        rows = await self._db.all(KEYS, after, source, module, module, audience, audience, limit)
        return [(pk, spelled(spelling, name, source, kind)) for pk, name, kind, spelling in rows]

    async def _from_row(self, row: Sequence[Any]) -> Stored:
        head = Head(*row[:12])
        return await self._stored(head, spelled(head.spelling, *row[12:15]), row[15])

    async def _stored(self, head: Head, key: Key, raw: bytes | None = None, *, whole: bool = True) -> Stored:
        """`raw` is the body where it was read together with the head."""
        raw = await self._bodies.read(head.pk) if raw is None else raw
        document = await self._document(key.module, head.pk, raw, head.last_updated, whole=whole)
        return Stored(head.pk, key, document, head.last_updated, head.received_at, head.audience, head.changed_no)

    # --- saving

    async def save(
        self,
        key: Key,
        document: dict[str, Any],
        *,
        last_updated: int,
        audience: int | None = None,
        evidence: Evidence | None = None,
        force: bool = False,
        whole: bool = True,
        patched: bool = False,
    ) -> Saved:
        """Adds or replaces. `audience` None keeps the one there is, or means 0. `whole=False`: the document is a Location
        without its EVSEs, and those stay as they are. `patched`: `last_updated` speaks of the fields of a Location, and is late
        when those are newer, whatever its EVSEs are. `force` applies what is older, too."""
        found = await self._find(key)
        received_at = evidence.received_at if evidence is not None else self._clock()
        if found is None:
            return await self._create(key, document, last_updated, audience or 0, received_at, evidence)
        head, stored = found
        if key.module == LOCATIONS:
            saved = await self._locations.replace(
                head, stored, key, document, last_updated, received_at, force=force, whole=whole, patched=patched
            )
        else:
            saved = await self._replace(head, stored, key, document, last_updated, received_at, evidence, force=force)
        if saved.stale:
            await self._tallies.count("stale", key.module, key.source)
            return saved
        if saved.changed and key.source == OWN and await self._heads.sort(head, key, withheld(key, document)) and key.module == LOCATIONS:
            await self.renew(head.pk)  # and its EVSEs, which somebody may have been told are gone
        shown = await self._show(head, key, audience, saved)
        if head.audience == GONE and not saved.changed:
            said = evidence or Evidence(encode_json(document), 0, NEWEST, received_at)
            await self._history.mark(key, self._numbers.last, "returned", said)
        return shown

    async def _create(
        self, key: Key, document: dict[str, Any], last_updated: int, audience: int, received_at: int, evidence: Evidence | None
    ) -> Saved:
        if key.module == LOCATIONS:
            return await self._locations.create(key, document, last_updated, audience, received_at)
        head = await self._heads.create(key, audience, last_updated, received_at, at_once(key.module), withheld(key, document))
        raw = encode_json(document)
        await self._bodies.put(head.pk, raw)
        await self._history.record(key, self._numbers.last, None, document, raw, received_at, evidence)
        return Saved(created=True, changed=True, pk=head.pk)

    async def _replace(
        self,
        head: Head,
        stored: bytes,
        key: Key,
        document: dict[str, Any],
        last_updated: int,
        received_at: int,
        evidence: Evidence | None,
        *,
        force: bool,
    ) -> Saved:
        if late(last_updated, head.last_updated, received_at) and key.source != OWN and not force:
            return Saved(stale=True, pk=head.pk)
        raw = encode_json(document)
        old = read_document(stored)
        if raw == stored or document == old:
            return Saved(pk=head.pk)
        if key.source == OWN and last_updated <= head.last_updated:
            if without(document, "last_updated") == without(old, "last_updated"):
                return Saved(pk=head.pk)
            last_updated = after(head.last_updated, received_at)
            document = {**document, "last_updated": format_time(last_updated)}
            raw = encode_json(document)
        no = self._numbers.take()
        await self._bodies.replace(head.pk, raw)
        await self._bodies.drop_renditions(head)
        await self._heads.change(head, last_updated, received_at, no, at_once(key.module))
        await self._history.record(key, no, old, document, raw, received_at, evidence)
        return Saved(changed=True, pk=head.pk)

    async def _show(self, head: Head, key: Key, audience: int | None, saved: Saved) -> Saved:
        """Gives a replaced object the audience that was asked for; one that had been removed is there again."""
        returned = head.audience == GONE
        wanted = (0 if returned else head.audience) if audience is None else audience
        if wanted == head.audience:
            return saved
        await self._heads.move(head, key, wanted)
        if key.source == OWN and not saved.changed:
            await self.renew(head.pk)
        return Saved(created=returned, changed=True, pk=head.pk)

    async def save_evse(
        self,
        key: Key,
        uid: str,
        document: dict[str, Any],
        *,
        last_updated: int,
        evidence: Evidence | None = None,
        force: bool = False,
    ) -> Saved:
        """Adds or replaces one EVSE of the Location; raises NoLocation when that is not there."""
        received_at = evidence.received_at if evidence is not None else self._clock()
        saved = await self._locations.save_evse(key, uid, document, last_updated, received_at, force=force)
        if saved.stale:
            await self._tallies.count("stale", key.module, key.source)
        return saved

    async def renew(self, pk: int, *, told: bool = False) -> None:
        """An object of our own that some see for the first time, or otherwise than before, although nobody has changed it: its last_updated
        is of now, or partners who ask by date would never hear of it. `told`: readers of the log hear of it, too."""
        found = await self._heads.find_pk(pk)
        if found is None or found[1].source != OWN or found[0].audience == GONE:
            return
        (head, key), now = found, self._clock()
        moment, no = after(head.last_updated, now), self._numbers.take()
        if key.module == LOCATIONS:  # its own time enters the document when that is put together
            await self._locations.renew_all(pk, moment)
        else:
            old = read_document(await self._bodies.read(pk))
            document = {**old, "last_updated": format_time(moment)}
            raw = encode_json(document)
            await self._bodies.replace(pk, raw)
            await self._history.record(key, no, old, document, raw, now, None)
        await self._bodies.drop_renditions(head)
        if told:
            await self._heads.change(head, moment, head.received_at, no, at_once(key.module))
        else:
            await self._heads.touch(head, moment, head.received_at, at_once(key.module))

    async def renew_evse(self, key: Key, uid: str, now: int) -> bool:
        """Gives an EVSE of our own a new last_updated and number although its document is the same."""
        return await self._locations.renew(key, uid, now)

    async def set_audience(self, pk: int, audience: int) -> bool:
        found = await self._heads.find_pk(pk)
        if found is None or found[0].audience == audience:
            return False
        await self._heads.move(*found, audience)
        return True

    async def remove(self, key: Key, evidence: Evidence | None = None) -> bool:
        """Nobody sees it any more; the log and the history say so, and the document stays as evidence."""
        head = await self._heads.find(key)
        if head is None or head.audience == GONE:
            return False
        await self._heads.move(head, key, GONE)
        await self._history.mark(key, self._numbers.last, "removed", evidence or Evidence(b"", 0, NEWEST, self._clock()))
        return True

    # --- feeds and renditions

    async def page(self, query: PageQuery, pages: Pages | None = None) -> Page:
        """`pages`: from memory where nothing in it has changed; then it is joined already."""
        return await self._feeds.page(query, pages)

    async def whole(self, pk: int) -> tuple[dict[str, Any], int]:
        """The document to make a rendition from, and the number to hand back with it."""
        stored = await self.get_pk(pk)
        if stored is None:
            raise LookupError(pk)
        return stored.document, stored.changed_no

    async def lacks(self, pk: int, version: str) -> bool:
        """Whether the object is there and nothing is kept of it for that version."""
        return await self._bodies.lacks(pk, version)

    async def keep(self, renditions: Sequence[tuple[int, str, int, bytes | None]]) -> None:
        """(pk, version, changed_no, bytes). Bytes None: the newest are right for that version, too. What was made from a state that
        has passed meanwhile is dropped silently; the next reader makes it again."""
        for pk, version, changed_no, raw in renditions:
            if raw is not None:
                await self._bodies.keep(pk, version, changed_no, raw)
                continue
            found = await self._heads.find_pk(pk)
            if found is not None and found[1].module == LOCATIONS and await self._bodies.lacks_whole(pk, changed_no):
                document = await self._locations.document(pk, await self._bodies.read(pk), found[0].last_updated)
                await self._bodies.keep(pk, NEWEST, changed_no, encode_json(document))
            if found is not None:
                await self._bodies.fits(pk, version, changed_no)

    # --- the log

    async def changes(self, after: int, limit: int, modules: Collection[str] | None = None, *, own: bool = False) -> list[Change]:
        """At most `limit`, of these modules alone or of all, of our own objects alone or of all."""
        return await self._changes.after(after, limit, modules, own=own)

    async def forget_moves(self, below: int) -> int:
        """Which audiences objects have left need not be known below the number that every reader has passed."""
        return await self._changes.forget(below)

    async def audiences(self, module: str, source: int = OWN) -> list[int]:
        """The audiences that have objects of this module."""
        return await self._feeds.audiences(module, source)

    async def owners(self, module: str, source: int) -> set[tuple[str, str]]:
        """The parties, folded, of which there are objects of this module."""
        return await self._feeds.owners(module, source)

    async def counts(self) -> dict[tuple[str, int], int]:
        """How many objects there are, by module and source."""
        return await self._feeds.counts()

    async def audience_counts(self) -> dict[int, dict[str, int]]:
        """How many of our own objects of each module are for one audience alone."""
        return await self._feeds.audience_counts()

    async def stale(self, module: str, source: int) -> int:
        """How many arrivals were older than what is stored."""
        return await self._tallies.read("stale", module, source)
