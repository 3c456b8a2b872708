"""A store of its own for each test, and short ways to say one transaction."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from interplug.store.keys import Key, Page, PageQuery, Saved, Stored
from interplug.store.store import Store
from interplug.store.tx import Tx
from tests.store.samples import at


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
    def effort(self) -> Iterator[list[int]]:
        """Steps of SQLite's virtual machine while reading, in tens: a measure of work that no neighbour disturbs."""
        steps = [0]

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
async def open_store(tmp_path: Path) -> AsyncIterator[Callable[..., Store]]:
    opened: list[Store] = []

    def open_it(name: str = "node.db", **more: Any) -> Store:
        opened.append(Store.open(f"sqlite:///{tmp_path / name}", **more))
        return opened[-1]

    yield open_it
    for store in opened:
        await store.close()


@pytest.fixture
async def desk(open_store: Callable[..., Store]) -> Desk:
    return Desk(open_store())


Opener = Callable[..., Store]
