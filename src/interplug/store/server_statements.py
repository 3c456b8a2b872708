"""The `Database` of repositories on a PostgreSQL server: their portable statements in PostgreSQL's words, over one connection.

Nothing here begins or ends a transaction, and what a transaction may do is not known here either (`postgres.py`).
"""

import functools
import re
from collections.abc import Sequence

from asyncpg import Connection

from interplug.store.database import ReadOnly, Row

STATEMENTS = 1024
"""Prepared statements that a connection keeps."""
QUOTED = re.compile(r"('[^']*')|\?")
MATCH = "place_words match ?"
MATCHES = "to_tsvector('simple', w.words) @@ cast(replace(replace(?, '*', ':*'), ' ', ' & ') as tsquery)"
"""A search for words, as SQLite's index of words spells it, and for the same words all of which begin so."""


class Statement:
    """A portable statement in PostgreSQL's words."""

    __slots__ = ("sql",)

    def __init__(self, portable: str) -> None:
        count = 0

        def marked(found: "re.Match[str]") -> str:
            nonlocal count
            count += found[1] is None
            return found[1] or f"${count}"

        self.sql = QUOTED.sub(marked, portable.replace(MATCH, MATCHES))


_known: dict[str, Statement] = {}


def statement(portable: str) -> Statement:
    found = _known.get(portable)
    if found is None:
        if len(_known) > 4 * STATEMENTS:
            _known.clear()
        found = _known[portable] = Statement(portable)
    return found


ARRAYS = {str: "text[]", int: "bigint[]", bytes: "bytea[]"}


@functools.cache
def together(portable: str, types: tuple[str, ...]) -> str:
    """A statement for each of several lists of values: behind the place in the list what it finds."""
    names = iter(range(len(types)))
    sql = QUOTED.sub(lambda found: found[1] or f"list.v{next(names)}", portable)
    arrays = ", ".join(f"${place}::{kind}" for place, kind in enumerate(types, 1))
    columns = ", ".join(f"v{place}" for place in range(len(types)))
    lists = f"unnest({arrays}) with ordinality as list ({columns}, place)"
    return f"select list.place, found.* from {lists} cross join lateral ({sql}) found order by list.place"


def _values(values: Sequence[object]) -> Sequence[object]:
    """PostgreSQL's text knows no NUL; where one stands in a text, nothing but a mark is lost."""
    if any(type(value) is str and "\0" in value for value in values):
        return [value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in values]
    return values


class Statements:
    """The `Database` of repositories, over one connection."""

    __slots__ = ("connection", "transactions")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.transactions = 0

    @property
    def moment(self) -> int:
        return self.transactions

    async def execute(self, sql: str, *values: object) -> int:
        done = await self.connection.execute(statement(sql).sql, *_values(values))
        count = done.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        await self.connection.executemany(statement(sql).sql, [_values(values) for values in rows])

    async def one(self, sql: str, *values: object) -> Row | None:
        row = await self.connection.fetchrow(statement(sql).sql, *_values(values))
        return None if row is None else tuple(row)

    async def all(self, sql: str, *values: object) -> Sequence[Row]:
        return [tuple(row) for row in await self.connection.fetch(statement(sql).sql, *_values(values))]

    async def later(self, pk: int, sql: str, *values: object) -> None:
        raise ReadOnly("a change was asked for while reading")

    async def of_object(self, pk: int, sql: str, *values: object) -> Sequence[Row]:
        return await self.all(sql, *values)

    async def of_objects(self, sql: str, place: int, *values: object) -> Sequence[Row]:
        return await self.all(sql, *values)

    async def each(self, sql: str, wanted: Sequence[tuple[object, ...]]) -> list[tuple[tuple[object, ...], list[Row]]]:
        """The rows of a statement for each of several lists of values, asked at once."""
        found: list[tuple[tuple[object, ...], list[Row]]] = [(values, []) for values in wanted]
        columns = [list(column) for column in zip(*map(_values, wanted), strict=True)]
        for place, *row in await self.connection.fetch(together(sql, tuple(ARRAYS[type(column[0])] for column in columns)), *columns):
            found[place - 1][1].append(tuple(row))
        return found
