"""The bytes: each object's document, and the renditions made from it.

A document has slot 0. A Location's document there is without its EVSEs, so for Locations the whole bytes in the newest version are
a rendition too (slot 1), and `fits` speaks of those. An older version has its bit in `fits` when the newest bytes are right for it,
or its own slot and a bit in `kept`. Whatever changes an object clears both and drops the renditions in the same transaction.

Ids are pk + slot * 2^40: the bytes of one slot lie together in the order of the objects, so that a page of a list is read from
neighbouring places of the file (a third faster than with the slots of an object beside each other).
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from interplug.store.database import Database
from interplug.store.heads import Head

LOCATIONS = "locations"
NEWEST = "2.3.0"
BITS = {"2.3.0": 1, "2.2.1": 2, "2.1.1": 4}
SLOTS = {"2.3.0": 1, "2.2.1": 2, "2.1.1": 3}
WHOLE = SLOTS[NEWEST]
SLOT = 1 << 40

READ = "select bytes from body where id = ?"
REPLACE = "update body set bytes = ? where id = ?"
PUT = "insert into body (id, bytes) values (?, ?) on conflict (id) do update set bytes = excluded.bytes"
DROP = f"delete from body where id in ({', '.join('?' * len(SLOTS))})"
MARK_FITS = "update object set fits = fits | ? where pk = ? and changed_no = ?"
MARK_KEPT = "update object set kept = kept | ? where pk = ? and changed_no = ?"
HAS = "select (fits | kept) & ? from object where pk = ?"
HAS_WHOLE = "select kept & 1 from object where pk = ? and changed_no = ?"

_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_VALUE = msgspec.json.Decoder(float_hook=Decimal)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_document(raw: bytes) -> dict[str, Any]:
    """Bytes that we wrote ourselves: the guards of the door have seen them."""
    return _DECODER.decode(raw)


def fields_of(raw: bytes) -> dict[str, msgspec.Raw]:
    """The fields of a document by name, each still as it is spelled: a fifth of the work of reading it."""
    return _FIELDS.decode(raw)


def differing(document: dict[str, Any], raw: bytes, stored: bytes, fields: dict[str, msgspec.Raw] | None = None) -> frozenset[str]:
    """The names of the fields in which a document, spelled `raw`, says something else than what is stored (`fields`, where somebody has
    looked already). What is `Raw` in it is the same; where there is none, all is read at once."""
    if raw == stored:
        return frozenset()
    new = {name: value for name, value in document.items() if type(value) is not msgspec.Raw}
    if len(new) == len(document):
        old = read_document(stored)
        gone = old.keys() - new.keys()
    else:
        held = fields or fields_of(stored)
        old = {name: _VALUE.decode(held[name]) for name in new if name in held}
        gone = held.keys() - document.keys()
    return frozenset([name for name, value in new.items() if name not in old or old[name] != value]).union(gone)


def at_once(module: str) -> int:
    """The `fits` of fresh bytes: right for the newest version, but for a Location, whose whole is yet to be made."""
    return 0 if module == LOCATIONS else BITS[NEWEST]


class Bodies:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def read(self, pk: int) -> bytes:
        row = await self._db.one(READ, pk)
        assert row is not None
        return bytes(row[0])

    async def put(self, pk: int, raw: bytes) -> None:
        await self._db.execute(PUT, pk, raw)

    async def replace(self, pk: int, raw: bytes) -> None:
        """Of a document that is there."""
        await self._db.later(pk, REPLACE, raw, pk)

    async def drop_renditions(self, head: Head) -> None:
        if head.kept:
            await self._db.later(head.pk, DROP, *(head.pk + slot * SLOT for slot in SLOTS.values()))

    async def keep(self, pk: int, version: str, changed_no: int, raw: bytes) -> None:
        if await self._db.execute(MARK_KEPT, BITS[version], pk, changed_no):
            await self._db.execute(PUT, pk + SLOTS[version] * SLOT, raw)

    async def fits(self, pk: int, version: str, changed_no: int) -> None:
        await self._db.execute(MARK_FITS, BITS[version], pk, changed_no)

    async def lacks(self, pk: int, version: str) -> bool:
        row = await self._db.one(HAS, BITS[version], pk)
        return row is not None and not row[0]

    async def lacks_whole(self, pk: int, changed_no: int) -> bool:
        row = await self._db.one(HAS_WHOLE, pk, changed_no)
        return row is not None and not row[0]


def body_id(module: str, version: str) -> tuple[str, Iterable[int]]:
    """The expression that finds the bytes of object `o` for a version, and its values."""
    newest = WHOLE if module == LOCATIONS else 0
    sql = "case when o.fits & ? <> 0 then o.pk + ? when o.kept & ? <> 0 then o.pk + ? end"
    return sql, (BITS[version], newest * SLOT, BITS[version], SLOTS[version] * SLOT)
