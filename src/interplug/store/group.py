"""The `Database` of transactions that are committed together: each can be undone alone, and what nobody has to see yet is written at once.

Of a small change (the status of an EVSE) the statements cost more than the rows. So it hands its rows in (`later`) with the object that
they belong to, and those of the whole group are written with one call a statement: before the commit, before any statement that could
see that they are missing, and before the same object is read again. What a transaction has handed in it takes back by itself when it
fails; only where something was written is there a savepoint. And what transactions say that they will look at is read at once (`ahead`).
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from interplug.store.database import Database, Look, Row, writes

Rows = dict[str, list[Sequence[object]]]
"""By statement; those of one statement in the order in which they came. No row is in two of them."""


class Group:
    """`script` runs statements without values, `anew` begins a group again in which nothing was written."""

    def __init__(self, db: Database, script: Callable[[str], Awaitable[object]], anew: Callable[[], Awaitable[None]]) -> None:
        self._db = db
        self._script = script
        self._anew = anew
        self._later: list[tuple[str, Sequence[object]]] = []
        self._objects: set[int] = set()
        """Of which there is something to be written."""
        self._ahead: dict[Look, Sequence[Row]] = {}
        self._touched: set[int] = set()
        """Objects that are no longer as they were read ahead."""
        self._own = 0
        """Where in it this transaction began."""
        self._transactions, self._changes = 0, 0
        self._kept, self._dirty = False, False
        """There is a savepoint; something was written since, or since the group began."""
        self.broken: BaseException | None = None
        """Rows of several transactions could not be written, so all have failed, whoever met it."""

    @property
    def moment(self) -> tuple[int, int]:
        return self._transactions, self._changes

    async def execute(self, sql: str, *values: object) -> int:
        await self._settle(sql)
        return await self._db.execute(sql, *values)

    async def many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        await self._settle(sql)
        await self._db.many(sql, rows)

    async def one(self, sql: str, *values: object) -> Row | None:
        await self._settle(sql)
        return await self._db.one(sql, *values)

    async def all(self, sql: str, *values: object) -> Sequence[Row]:
        await self._settle(sql)
        return await self._db.all(sql, *values)

    async def later(self, pk: int, sql: str, *values: object) -> None:
        self._later.append((sql, values))
        self._objects.add(pk)
        self._touched.add(pk)
        self._changes += 1

    async def of_object(self, pk: int, sql: str, *values: object) -> Sequence[Row]:
        return await (self.all if pk in self._objects else self._db.all)(sql, *values)

    async def of_objects(self, sql: str, place: int, *values: object) -> Sequence[Row]:
        if self._ahead:
            known = self._ahead.pop((sql, values), None)
            if known is not None and not any(row[place] in self._touched for row in known):
                return known
        rows = await self._db.all(sql, *values)
        return rows if self._objects.isdisjoint([row[place] for row in rows]) else await self.all(sql, *values)

    # --- for the engine

    def open(self) -> None:
        """A group begins."""
        self._later.clear()
        self._objects.clear()
        self._ahead.clear()
        self._touched.clear()
        self._kept, self._dirty, self.broken = False, False, None

    def ahead(self, sql: str, found: Iterable[tuple[tuple[object, ...], Sequence[Row]]]) -> None:
        """What transactions of this group will look at, as it was found when it began."""
        self._ahead.update(((sql, values), rows) for values, rows in found)

    async def begin(self) -> None:
        """A transaction begins."""
        await self._keep()
        self._transactions += 1
        self._own = len(self._later)

    async def undo(self, *, refused: bool) -> None:
        """Of the transaction that has failed nothing is left. `refused`: the database takes nothing more before something is undone.
        Raises where nothing can be undone alone."""
        del self._later[self._own :]
        if not self._dirty and not refused:
            return
        if self._kept:
            await self._script("rollback to work")
        elif self._later:
            raise RuntimeError("a statement was refused before those ahead of it were written")
        else:
            self._ahead.clear()
            await self._anew()
        self._dirty = False

    async def finish(self) -> None:
        """Before the commit."""
        await self._write(len(self._later))

    async def _keep(self) -> None:
        """What was written so far stays, whatever happens to what comes now."""
        if self._dirty:
            if self._kept:
                await self._script("release work")
            await self._script("savepoint work")
            self._kept, self._dirty = True, False

    async def _settle(self, sql: str) -> None:
        """Before a statement that could see what is missing."""
        if self._later:
            if self._own:
                await self._write(self._own)
                await self._keep()
            await self._write(len(self._later))
        if writes(sql):
            self._changes += 1
            self._dirty = True
            self._ahead.clear()

    async def _write(self, end: int) -> None:
        rows: Rows = {}
        for sql, values in self._later[:end]:
            rows.setdefault(sql, []).append(values)
        del self._later[:end]
        self._own = max(0, self._own - end)
        try:
            if self.broken is not None:
                raise self.broken
            for sql, found in rows.items():
                self._dirty = True
                await self._db.many(sql, found)
        except BaseException as error:
            self.broken = error
            raise
        self._changes += len(rows)
        if not self._later:
            self._objects.clear()
