"""The small row of each object: its key, numbers, times, audience and feed; and the counters that go with it.

Numbers: `created_no` never changes (paging goes by it); `log_no` is the newest number that readers of the log must see; `body_no` and
`audience_no` say what it was. `changed_no` moves with every touch, also of an EVSE, and guards renditions against being kept late.
Feed counters move in the same transaction as the rows, so a total never needs a COUNT.
"""

import msgspec

from interplug.store.database import Database, Numbers
from interplug.store.keys import Key

COLUMNS = """
o.pk, o.feed, o.audience, o.created_no, o.changed_no, o.body_no, o.audience_no, o.last_updated, o.received_at, o.fits, o.kept, o.spelling"""
WHERE_KEY = "o.module = ? and o.id = ? and o.source = ? and o.country = ? and o.party = ? and o.kind = ?"
FIND = f"select {COLUMNS} from object o where {WHERE_KEY}"
FIND_WITH_BODY = f"select {COLUMNS}, b.bytes from object o join body b on b.id = o.pk where {WHERE_KEY}"
FIND_PK = f"select {COLUMNS}, o.module, o.source, o.kind from object o where o.pk = ?"
CREATE = """
insert into object (module, id, source, country, party, kind, spelling, feed, audience,
  created_no, changed_no, body_no, audience_no, log_no, last_updated, received_at, fits, kept)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, 0) returning pk"""
CHANGE = "update object set last_updated = ?, received_at = ?, changed_no = ?, body_no = ?, log_no = ?, fits = ?, kept = 0 where pk = ?"
TOUCH = "update object set last_updated = ?, received_at = ?, changed_no = ?, fits = ?, kept = 0 where pk = ?"
MOVE = "update object set feed = ?, audience = ?, audience_no = ?, log_no = ? where pk = ?"
REMEMBER = "insert into visibility (object, no, was) values (?, ?, ?)"
JOIN_FEED = """
insert into feed (module, source, audience, country, party, withheld, n, moved_no) values (?, ?, ?, ?, ?, ?, 1, ?)
on conflict (module, source, audience, country, party, withheld) do update set n = feed.n + 1,
  moved_no = case when excluded.moved_no > feed.moved_no then excluded.moved_no else feed.moved_no end
returning pk"""
WITHHELD = "select withheld from feed where pk = ?"
LEAVE_FEED = "update feed set n = n - 1, moved_no = ? where pk = ?"


class Head(msgspec.Struct, gc=False):
    pk: int
    feed: int
    audience: int
    created_no: int
    changed_no: int
    body_no: int
    audience_no: int
    last_updated: int
    received_at: int
    fits: int
    kept: int
    spelling: str


AHEAD = 600_000_000
"""Microseconds by which clocks may differ."""


def late(moment: int, stored: int, now: int) -> bool:
    """Whether an arrival is older than what is stored. A stored time that still lies ahead was told by a clock that was wrong; it
    does not keep out what is said to be of now, or one such message would freeze the object until that time."""
    return moment < stored and not (stored > now + AHEAD and abs(moment - now) <= AHEAD)


def spell(key: Key) -> str:
    """How the key was written when the object was first seen; only the id could hold a line break."""
    return f"{key.country}\n{key.party}\n{key.id}"


def spelled(spelling: str, module: str, source: int, kind: str) -> Key:
    country, party, name = spelling.split("\n", 2)
    return Key(module, source, country, party, name, kind)


class Heads:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def find(self, key: Key) -> Head | None:
        row = await self._db.one(FIND, *key.folded())
        return None if row is None else Head(*row)

    async def find_with_body(self, key: Key) -> tuple[Head, bytes] | None:
        rows = await self._db.of_objects(FIND_WITH_BODY, 0, *key.folded())
        return (Head(*rows[0][:12]), rows[0][12]) if rows else None

    async def find_pk(self, pk: int) -> tuple[Head, Key] | None:
        row = await self._db.one(FIND_PK, pk)
        if row is None:
            return None
        head = Head(*row[:12])
        return head, spelled(head.spelling, *row[12:])

    async def create(self, key: Key, audience: int, last_updated: int, received_at: int, fits: int, withheld: int) -> Head:
        module, name, source, country, party, kind = key.folded()
        no = self._numbers.take()
        feed = await self._join(module, source, audience, country, party, withheld, 0)
        spelling = spell(key)
        numbers = (no, no, no, no, last_updated, received_at, fits)
        row = await self._db.one(CREATE, module, name, source, country, party, kind, spelling, feed, audience, *numbers)
        assert row is not None
        return Head(row[0], feed, audience, no, no, no, 0, last_updated, received_at, fits, 0, spelling)

    async def change(self, head: Head, last_updated: int, received_at: int, body_no: int, fits: int) -> None:
        """The body is another one since `body_no`; what happened to EVSEs after it has taken higher numbers."""
        await self._db.later(head.pk, CHANGE, last_updated, received_at, self._numbers.last, body_no, body_no, fits, head.pk)

    async def touch(self, head: Head, last_updated: int, received_at: int, fits: int = 0) -> None:
        """Nothing that readers of the log must see; renditions made before are no longer right."""
        await self._db.later(head.pk, TOUCH, last_updated, received_at, self._numbers.last, fits, head.pk)

    async def move(self, head: Head, key: Key, audience: int) -> None:
        """To another audience, under a new number; the log keeps which one it left."""
        module, _, source, country, party, _ = key.folded()
        no = self._numbers.take()
        feed = await self._join(module, source, audience, country, party, await self._withheld(head), no)
        await self._db.execute(LEAVE_FEED, no, head.feed)
        await self._db.execute(MOVE, feed, audience, no, no, head.pk)
        await self._db.execute(REMEMBER, head.pk, no, head.audience)

    async def sort(self, head: Head, key: Key, withheld: int) -> bool:
        """Into the feed of those that the same versions cannot say; whether it is another one. Who could read it and no longer can has lost
        sight of it, and the log keeps that."""
        if withheld == await self._withheld(head):
            return False
        module, _, source, country, party, _ = key.folded()
        no = self._numbers.take()
        feed = await self._join(module, source, head.audience, country, party, withheld, no)
        await self._db.execute(LEAVE_FEED, no, head.feed)
        await self._db.execute(MOVE, feed, head.audience, no, no, head.pk)
        await self._db.execute(REMEMBER, head.pk, no, head.audience)
        head.feed = feed
        return True

    async def _withheld(self, head: Head) -> int:
        row = await self._db.one(WITHHELD, head.feed)
        assert row is not None
        return int(row[0])

    async def _join(self, module: str, source: int, audience: int, country: str, party: str, withheld: int, moved_no: int) -> int:
        row = await self._db.one(JOIN_FEED, module, source, audience, country, party, withheld, moved_no)
        assert row is not None
        return int(row[0])
