"""Connections to a PostgreSQL server: how one is made, how long a server that is away is waited for, and the pool of those that read.

What is waited for has had no effect yet: the beginning of a group, or of a read. Whatever has begun is never begun again here.
"""

import asyncio
import time
import weakref
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from asyncpg import Connection

from interplug.store.database import Numbers
from interplug.store.queue import Work
from interplug.store.server_statements import STATEMENTS, Statements
from interplug.store.tx import Tx

T = TypeVar("T")
PATIENCE = 15.0
"""Seconds to wait for a database that does not answer, and for another process that writes."""
AGAIN = 0.1
LEAST = 0.5
"""Seconds that a connection may take to be made, however late it is."""
READERS = 8
"""Most connections for reading."""
SNAPSHOT = "begin isolation level repeatable read read only"


async def connect(url: str, patience: float, **settings: str) -> Connection:
    """A connection as both kinds need it; a sum of whole numbers, which PostgreSQL calls numeric, is one of ours again."""
    connection = await asyncpg.connect(
        url,
        timeout=patience,
        statement_cache_size=STATEMENTS,
        max_cached_statement_lifetime=0,
        server_settings={"application_name": "interplug", **settings},
    )
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=int, format="text")
    return connection


LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError)
"""What a database that went away is known by: the connection is lost, or the server is on its way down or up."""


class Patience:
    """How long a database that is away is waited for. Where a process ends, that has an end, too, and a connection on which nothing has
    come by then is given up."""

    def __init__(self) -> None:
        self._last = float("inf")
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()

    async def connect(self, url: str, **settings: str) -> Connection:
        patience = max(LEAST, min(PATIENCE, self._last - time.monotonic()))
        connection = await connect(url, patience, **settings)
        self._connections.add(connection)
        return connection

    async def begun(self, begin: Callable[[], Awaitable[T]]) -> T:
        """Again and again while the database is away; for what has had no effect yet."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return await begin()
            except LOST:
                if time.monotonic() > min(end, self._last):
                    raise
            await asyncio.sleep(AGAIN)

    def end_within(self, seconds: float) -> None:
        self._last = time.monotonic() + seconds
        asyncio.get_running_loop().call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        for connection in self._connections:
            connection.terminate()


class Reader:
    """A connection for reading, and the transaction that is opened on it again and again."""

    def __init__(self, connection: Connection, clock: Callable[[], int]) -> None:
        self.connection = connection
        self.statements = Statements(connection)
        self.tx = Tx(self.statements, Numbers(writing=False), clock)


class Readers:
    """The pool. The one that was used last is used next: what it remembers is newest."""

    def __init__(self, url: str, clock: Callable[[], int], patience: Patience) -> None:
        self._url = url
        self._clock = clock
        self._patience = patience
        self._idle: list[Reader] = []
        self._places = asyncio.Semaphore(READERS)

    async def read(self, work: Work[T], *, snapshot: bool) -> T:
        async with self._places:
            reader = await self._patience.begun(lambda: self._begin(snapshot=snapshot))
            reader.statements.transactions += 1
            try:
                value = await work(reader.tx)
                if snapshot:
                    await reader.connection.execute("commit")
            except Exception:
                await self._undo(reader, snapshot=snapshot)
                raise
            except BaseException:
                reader.connection.terminate()
                raise
            self._idle.append(reader)
            return value

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().connection.close(timeout=1)

    async def _begin(self, *, snapshot: bool) -> Reader:
        reader = self._living() or Reader(await self._patience.connect(self._url, default_transaction_read_only="on"), self._clock)
        try:
            if snapshot:
                await reader.connection.execute(SNAPSHOT)
        except BaseException:
            reader.connection.terminate()
            raise
        return reader

    def _living(self) -> Reader | None:
        while self._idle:
            reader = self._idle.pop()
            if not reader.connection.is_closed():
                return reader
        return None

    async def _undo(self, reader: Reader, *, snapshot: bool) -> None:
        try:
            if snapshot:
                await reader.connection.execute("rollback")
        except LOST:
            pass
        if not reader.connection.is_closed():
            self._idle.append(reader)
