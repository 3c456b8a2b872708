"""How the reading of partners' lists stands: one document for each list, and what the reading under way has seen, page by page.

The documents are `sync.crawl`'s; here they are bytes. What a whole list lacked is `absent` until it is there again or has ended.
"""

from collections.abc import Iterable

from interplug.store.database import Database

PUT = "insert into pull (connection, module, doc) values (?, ?, ?) on conflict (connection, module) do update set doc = excluded.doc"
GET = "select doc from pull where connection = ? and module = ?"
ALL = "select connection, module, doc from pull order by connection, module"
PUT_PAGE = """
insert into pull_page (connection, module, page, doc) values (?, ?, ?, ?)
on conflict (connection, module, page) do update set doc = excluded.doc"""
PAGES = "select doc from pull_page where connection = ? and module = ? order by page"
DROP_PAGES = "delete from pull_page where connection = ? and module = ?"
ABSENT = "select object, since from absent where connection = ? and module = ?"
ADD_ABSENT = (
    "insert into absent (connection, module, object, since) values (?, ?, ?, ?) on conflict (connection, module, object) do nothing"
)
DROP_ABSENT = "delete from absent where connection = ? and module = ? and object = ?"


class Pulls:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, connection: int, module: str) -> bytes | None:
        row = await self._db.one(GET, connection, module)
        return None if row is None else bytes(row[0])

    async def all(self) -> dict[tuple[int, str], bytes]:
        return {(row[0], row[1]): bytes(row[2]) for row in await self._db.all(ALL)}

    async def put(self, connection: int, module: str, doc: bytes) -> None:
        await self._db.execute(PUT, connection, module, doc)

    # --- what the reading under way has seen

    async def put_page(self, connection: int, module: str, page: int, doc: bytes) -> None:
        await self._db.execute(PUT_PAGE, connection, module, page, doc)

    async def pages(self, connection: int, module: str) -> list[bytes]:
        return [bytes(row[0]) for row in await self._db.all(PAGES, connection, module)]

    async def drop_pages(self, connection: int, module: str) -> None:
        await self._db.execute(DROP_PAGES, connection, module)

    # --- what whole lists lacked

    async def absent(self, connection: int, module: str) -> dict[int, int]:
        """Since when, by pk."""
        return {row[0]: row[1] for row in await self._db.all(ABSENT, connection, module)}

    async def miss(self, connection: int, module: str, pks: Iterable[int], since: int) -> None:
        await self._db.many(ADD_ABSENT, [(connection, module, pk, since) for pk in pks])

    async def found(self, connection: int, module: str, pks: Iterable[int]) -> None:
        """There again, or ended."""
        await self._db.many(DROP_ABSENT, [(connection, module, pk) for pk in pks])
