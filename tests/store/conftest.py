"""A store of its own for each test, and short ways to say one transaction."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from interplug.store import server_statements, sqlite
from interplug.store.keys import Key, Page, PageQuery, Saved, Stored
from interplug.store.store import Store
from interplug.store.tx import Tx
from tests.store.samples import at


def heard(method: Callable[..., Any], said: list[str]) -> Callable[..., Any]:
    def asked(self: Any, sql: str, *values: Any) -> Any:
        said.append(sql.strip())
        return method(self, sql, *values)

    return asked


PAGES = """
select coalesce(sum(coalesce(heap_blks_hit, 0) + coalesce(heap_blks_read, 0) + coalesce(idx_blks_hit, 0) + coalesce(idx_blks_read, 0)), 0)
from pg_statio_user_tables"""


class Desk:
    """One store, one statement at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def save(self, key: Key, document: dict[str, Any], seconds: float = 0, **more: Any) -> Saved:
        return await self.store.write(lambda tx: tx.objects.save(key, document, last_updated=at(seconds), **more))

    async def save_evse(self, key: Key, document: dict[str, Any], seconds: float = 0, **more: Any) -> Saved:
        return await self.store.write(lambda tx: tx.objects.save_evse(key, document["uid"], document, last_updated=at(seconds), **more))

    async def get(self, key: Key) -> Stored | None:
        return await self.store.read(lambda tx: tx.objects.get(key))

    async def document(self, key: Key) -> dict[str, Any]:
        stored = await self.get(key)
        assert stored is not None
        return stored.document

    async def page(self, module: str = "tariffs", limit: int = 10, **more: Any) -> Page:
        query = PageQuery(module, limit, more.pop("version", "2.3.0"), **more)
        return await self.store.read(lambda tx: tx.objects.page(query))

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What repositories ask of the database meanwhile."""
        said: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            for kind in (sqlite.Statements, server_statements.Statements):
                for name in ("execute", "many", "one", "all"):
                    patch.setattr(kind, name, heard(getattr(kind, name), said))
            yield said

    async def settle(self, again: Callable[[], Awaitable[Any]]) -> None:
        """As after a day's work: the planner knows the tables, and a statement that was used a few times has its plan."""
        if self.store.place.shared:
            await self.write(lambda tx: tx.db.execute("analyze"))
            for _ in range(6):
                await again()

    @asynccontextmanager
    async def effort(self) -> AsyncIterator[list[int]]:
        """What reading costs, in a measure of work that no neighbour disturbs: steps of SQLite's virtual machine, in tens, or pages
        that PostgreSQL looked at."""
        steps = [0]
        if self.store.place.shared:
            await self.read(lambda tx: tx.db.one("select pg_stat_force_next_flush()"))
            before = await self.read(lambda tx: tx.db.one(PAGES))
            yield steps
            await self.read(lambda tx: tx.db.one("select pg_stat_force_next_flush()"))
            steps[0] = (await self.read(lambda tx: tx.db.one(PAGES)))[0] - before[0]
            return

        def count() -> int:
            steps[0] += 1
            return 0

        self.store._engine._reader.set_progress_handler(count, 10)
        yield steps
        self.store._engine._reader.set_progress_handler(None, 10)

    async def log(self, after: int = 0, **more: Any) -> list[tuple[str, str | None, str]]:
        changes = await self.store.read(lambda tx: tx.objects.changes(after, 10_000, **more))
        return [(change.key.id, change.evse_uid, change.what) for change in changes]

    async def write(self, work: Callable[[Tx], Any]) -> Any:
        return await self.store.write(work)

    async def read(self, work: Callable[[Tx], Any]) -> Any:
        return await self.store.read(work)


@pytest.fixture
async def open_store(database: str) -> AsyncIterator[Callable[..., Store]]:
    """Opens the database of this test, as often as one likes; with a name, another file beside it."""
    opened: list[Store] = []

    def open_it(name: str = "node.db", **more: Any) -> Store:
        opened.append(Store.open(database.replace("node.db", name), **more))
        return opened[-1]

    yield open_it
    for store in opened:
        await store.close()


@pytest.fixture
async def desk(open_store: Callable[..., Store]) -> Desk:
    return Desk(open_store())


Opener = Callable[..., Store]
