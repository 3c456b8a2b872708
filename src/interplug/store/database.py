"""What a repository sees of a database: three ways to run a statement, and the numbers of the change log.

A transaction is written once, as `async def work(tx)`. Behind SQLite its statements never suspend; behind PostgreSQL they do.
Repositories therefore await everything and know neither. Statements are portable: `?` for values, ON CONFLICT, RETURNING.

`Numbers` hands out change numbers inside a transaction. The engine reads the one-row counter after it has the write lock and
writes it back as the last statement before the commit, so the order of numbers is the order of commits: a reader who has seen
number n has seen everything below it.
"""

import functools
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import msgspec

Row = Sequence[Any]
Kind = TypeVar("Kind", bound=msgspec.Struct)
Look = tuple[str, tuple[object, ...]]
"""A statement of `of_objects` with its values, for who wants to say before that he will ask it."""


class Database(Protocol):
    @property
    def moment(self) -> object:
        """Another value in each transaction and after each change: what was read at the same moment still holds."""

    async def execute(self, sql: str, *values: object) -> int:
        """Runs a statement; the number of rows that it touched."""

    async def many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """The same statement for each row of values."""

    async def one(self, sql: str, *values: object) -> Row | None: ...

    async def all(self, sql: str, *values: object) -> Sequence[Row]: ...

    async def later(self, pk: int, sql: str, *values: object) -> None:
        """A change of rows of the object `pk` that are there, written with others (`group.py`)."""

    async def of_object(self, pk: int, sql: str, *values: object) -> Sequence[Row]:
        """As `all`, of what belongs to the object `pk` alone: what is to be written later of others may wait."""

    async def of_objects(self, sql: str, place: int, *values: object) -> Sequence[Row]:
        """The same, of objects whose pks are in that column."""


def of_row(kind: type[Kind], row: Row) -> Kind:
    """A row whose columns are the fields of `kind`, in their order."""
    return kind(**dict(zip(kind.__struct_fields__, row, strict=True)))


@functools.lru_cache(4096)
def writes(sql: str) -> bool:
    return sql.lstrip()[:6].lower() != "select"


class ReadOnly(RuntimeError):
    """A change was tried where only reading was asked for."""


class Unsure(ConnectionError):
    """Whether a transaction was committed is not known; nobody may be told that it was."""


class Numbers:
    __slots__ = ("last", "writing")

    def __init__(self, *, writing: bool) -> None:
        self.last = 0
        self.writing = writing

    def take(self) -> int:
        if not self.writing:
            raise ReadOnly("a change number was asked for while reading")
        self.last += 1
        return self.last
