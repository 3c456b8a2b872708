"""What arrived and could not be taken: the original bytes, and what was wrong with them at which place.

One bad object on a page costs that object and no other. Nothing here was applied; a person looks at it, or drops it.
"""

import msgspec

from interplug.store.database import Database

ADD = "insert into quarantine (source, module, id, path, reason, received_at, original) values (?, ?, ?, ?, ?, ?, ?) returning pk"
SAME = "delete from quarantine where source = ? and module = ? and id = ? and original = ?"
COLUMNS = "pk, source, module, id, path, reason, received_at, original"
LIST = f"""
select {COLUMNS} from quarantine
where pk < ? and (cast(? as bigint) is null or source = ?) and (cast(? as text) is null or module = ?) order by pk desc limit ?"""
GET = f"select {COLUMNS} from quarantine where pk = ?"
DROP = "delete from quarantine where pk = ?"
FORGET = "delete from quarantine where received_at < ?"
COUNT = "select count(*) from quarantine"
COUNTS = "select source, module, count(*) from quarantine group by source, module"
NEWEST = 2**62


class Held(msgspec.Struct, frozen=True, gc=False):
    """`id` is what we could make out of it, or empty."""

    pk: int
    source: int
    module: str
    id: str
    path: str
    reason: str
    received_at: int
    original: bytes


class Quarantine:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, source: int, module: str, original: bytes, *, path: str, reason: str, received_at: int, id: str = "") -> int:
        """The number under which it is held. What arrives again as it was, pull after pull, is held once."""
        await self._db.execute(SAME, source, module, id, original)
        row = await self._db.one(ADD, source, module, id, path, reason, received_at, original)
        assert row is not None
        return int(row[0])

    async def get(self, pk: int) -> Held | None:
        row = await self._db.one(GET, pk)
        return None if row is None else Held(*row)

    async def list(self, source: int | None = None, module: str | None = None, *, before: int = NEWEST, limit: int = 100) -> list[Held]:
        """Newest first; `before` is the pk of the last one seen."""
        return [Held(*row) for row in await self._db.all(LIST, before, source, source, module, module, limit)]

    async def count(self) -> int:
        row = await self._db.one(COUNT)
        return 0 if row is None else int(row[0])

    async def counts(self) -> dict[tuple[int, str], int]:
        """By source and module."""
        return {(row[0], row[1]): row[2] for row in await self._db.all(COUNTS)}

    async def drop(self, pk: int) -> bool:
        return await self._db.execute(DROP, pk) > 0

    async def forget(self, before: int) -> int:
        return await self._db.execute(FORGET, before)
