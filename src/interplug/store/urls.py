"""What a database URL names: a SQLite file, or a database of a PostgreSQL server. The one place that knows both.

What differs between them stands here as a `Place`: whether the database is there, which schema it has, how it is brought up to date,
how large it is, and the engine that runs its transactions. `shown` is the URL as people may read it, without a password.
"""

import re
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from interplug.store import schema
from interplug.store.database import Look
from interplug.store.queue import Work
from interplug.store.sqlite import Sqlite
from interplug.telemetry.figures import Writing

T = TypeVar("T")
SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")
PASSWORD = re.compile(r"(?<=:)[^:/@]*(?=@)|(?<=password=)[^&]*")


class UnknownStore(ValueError):
    """The database URL names something that we cannot open."""


def failures() -> tuple[type[Exception], ...]:
    """How databases fail: full, away, or broken. Of a library that nobody has imported, nothing has failed."""
    kinds: list[type[Exception]] = [sqlite3.Error]
    for library, names in (("asyncpg", ("PostgresError", "InterfaceError")), ("sqlalchemy.exc", ("SQLAlchemyError",))):
        if (module := sys.modules.get(library)) is not None:
            kinds += (getattr(module, name) for name in names)
    return tuple(kinds)


class Engine(Protocol):
    writing: Writing

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """How it fails: full, away, or asked for what it cannot do."""

    @property
    def waiting(self) -> int:
        """Transactions that wait for their group."""

    async def write(self, work: Work[T], look: Look | None = None) -> T: ...

    async def read(self, work: Work[T], *, snapshot: bool = True) -> T: ...

    async def head(self) -> int:
        """The newest change number in the database."""

    def end_within(self, seconds: float) -> None:
        """From then on nobody waits any more for a database that is away, or that another process holds."""

    async def close(self) -> None: ...


class Place(Protocol):
    @property
    def shown(self) -> str: ...

    @property
    def shared(self) -> bool:
        """Whether several processes may serve it."""

    def there(self) -> bool: ...

    def found(self) -> str | None:
        """The schema that it has; None: none yet."""

    def fits(self) -> bool:
        """Whether this release may work on it: it is older and can be upgraded, or a newer one left it so that it can."""

    def prepare(self) -> None:
        """Makes it if need be, and brings it up to date."""

    def size(self) -> int:
        """In bytes."""

    def engine(self, clock: Callable[[], int], committed: Callable[[int], None]) -> Engine: ...


class SqliteFile:
    shared = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shown = f"{SQLITE}{path}"

    def there(self) -> bool:
        return self.path.exists()

    def found(self) -> str | None:
        return schema.found(self.path)

    def fits(self) -> bool:
        return schema.fits(self.path)

    def prepare(self) -> None:
        schema.prepare(self.path)

    def size(self) -> int:
        return self.path.stat().st_size

    def engine(self, clock: Callable[[], int], committed: Callable[[int], None]) -> Engine:
        return Sqlite(self.path, clock, committed)


class Server:
    """A database of a PostgreSQL server. Its libraries are imported only here, for they come with an extra."""

    shared = True

    def __init__(self, url: str) -> None:
        from interplug.store import server_schema

        self._url = url
        self._schema = server_schema
        self.shown = PASSWORD.sub("***", url)

    def there(self) -> bool:
        return self._ask(self._schema.there)

    def found(self) -> str | None:
        return self._ask(self._schema.found)

    def fits(self) -> bool:
        return self._ask(self._schema.fits)

    def prepare(self) -> None:
        self._ask(self._schema.prepare)

    def size(self) -> int:
        return self._ask(self._schema.size)

    def served(self) -> int:
        return self._ask(self._schema.served)

    def put_back(self) -> None:
        self._ask(self._schema.put_back)

    def set_aside(self, name: str) -> None:
        self._ask(lambda url: self._schema.set_aside(url, name))

    def take_back(self, name: str) -> None:
        self._ask(lambda url: self._schema.take_back(url, name))

    def _ask(self, question: Callable[[str], T]) -> T:
        try:
            return question(self._url)
        except self._schema.UNREACHABLE as error:
            raise UnknownStore(f"{self.shown}: {error}") from None

    def engine(self, clock: Callable[[], int], committed: Callable[[int], None]) -> Engine:
        from interplug.store.postgres import Postgres

        return Postgres(self._url, clock, committed)


def place_of(url: str) -> Place:
    if url.startswith(POSTGRESQL):
        return Server(url)
    path = url.removeprefix(SQLITE)
    if path == url or not path or path == ":memory:":
        raise UnknownStore(f"a database URL is {SQLITE}FILE or {POSTGRESQL[0]}HOST/DATABASE, not {PASSWORD.sub('***', url)!r}")
    return SqliteFile(Path(path))
