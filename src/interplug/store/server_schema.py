"""The schema of a database on a PostgreSQL server: by the same steps as SQLite's, one process at a time.

Two things are made sure of after the steps, so that no step need think of them: text is compared byte by byte, as SQLite does and
whatever the database's own language is, and nothing else differs. Each function opens a connection of its own, in a thread with a loop
of its own, for the caller's is perhaps just beginning.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import asyncpg
from asyncpg import Connection

from interplug.store.schema import LIFT, OLDEST, UNKNOWN, NotOurs, SchemaTooNew, newest, steps, works

T = TypeVar("T")
TIMEOUT = 15.0
LOCK = "500ms"
"""Shorter than the time after which the server looks for a deadlock (1 s): it is this session that gives way, not a request."""
PAUSE = 0.3
PATIENCE = 600.0
HELD_BY_OTHERS = ("55P03", "40P01")
"""lock_not_available, deadlock_detected."""
UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
SERVED = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'interplug'"
ONE_AT_A_TIME = "select pg_advisory_lock(7382514)"
"""Any number, ours: held by whoever brings the schema up to date."""
TABLES = "select tablename from pg_tables where schemaname = current_schema()"
HELD = """
select case relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end, relname from pg_class
where relnamespace = ($1::text)::regnamespace and relkind in ('r', 'p', 'v', 'm') order by relkind desc, relname"""
"""Indexes and sequences go with their tables."""
COLLATED = """
select format('alter table %I alter column %I type text collate "C"', c.relname, a.attname)
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_collation l on l.oid = a.attcollation
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
  and a.atttypid = 'text'::regtype and l.collname <> 'C'"""


def there(url: str) -> bool:
    async def look(_: Connection) -> bool:
        return True

    try:
        return _asked(url, look)
    except asyncpg.InvalidCatalogNameError:
        return False


def found(url: str) -> str | None:
    """The revision of the database; None when it is empty. What somebody else keeps there is not touched."""
    return _asked(url, _found)


async def _found(connection: Connection) -> str | None:
    tables = {row[0] for row in await connection.fetch(TABLES)}
    if not tables:
        return None
    revision = await connection.fetchval("select version_num from alembic_version") if {"alembic_version", "counter"} <= tables else None
    if revision is None:
        raise NotOurs("there is a database of that name, but none of Interplug's")
    return str(revision)


def fits(url: str) -> bool:
    """Whether this code may work on the database, once it was upgraded if it is older."""

    async def work(connection: Connection) -> bool:
        return await _fits(connection, await _found(connection))

    return _asked(url, work)


async def _fits(connection: Connection, revision: str | None) -> bool:
    return revision is None or revision <= newest() or works(newest(), int(await connection.fetchval(OLDEST) or UNKNOWN))


def size(url: str) -> int:
    async def look(connection: Connection) -> int:
        return int(await connection.fetchval("select pg_database_size(current_database())"))

    return _asked(url, look)


def prepare(url: str) -> None:
    """Brings the schema up to date; of several processes one does it, and the others wait."""

    async def work(connection: Connection) -> bool:
        revision = await _found(connection)
        if not await _fits(connection, revision):
            raise SchemaTooNew(f"the database has schema {revision}, this Interplug knows {newest()}")
        return revision is None or revision < newest()

    if _asked(url, work):
        upgrade(url)


def served(url: str) -> int:
    """How many connections nodes have to this database."""

    async def work(connection: Connection) -> int:
        return int(await connection.fetchval(SERVED))

    return _asked(url, work)


def put_back(url: str) -> None:
    """After a copy was put back by the server's own tool: the newest schema, and numbers that nobody has seen yet."""
    prepare(url)

    async def lift(connection: Connection) -> None:
        await connection.execute(LIFT)

    _asked(url, lift)


def set_aside(url: str, name: str) -> None:
    """What is there makes place for a copy: it stands in a schema of that name from now on. A copy of an older release knows less tables
    than are there, so it cannot replace one by one."""

    async def work(connection: Connection) -> None:
        async with connection.transaction():
            await connection.execute(f'create schema "{name}"')
            await _move(connection, await connection.fetchval("select current_schema()"), name)

    _asked(url, work)


def take_back(url: str, name: str) -> None:
    """What was set aside is there again, and what was begun in its place is not."""

    async def work(connection: Connection) -> None:
        here = await connection.fetchval("select current_schema()")
        async with connection.transaction():
            for kind, one in await connection.fetch(HELD, here):
                await connection.execute(f'drop {kind} if exists "{here}"."{one}" cascade')
            await _move(connection, name, here)
            await connection.execute(f'drop schema "{name}"')

    _asked(url, work)


async def _move(connection: Connection, source: str, target: str) -> None:
    for kind, one in await connection.fetch(HELD, source):
        await connection.execute(f'alter {kind} "{source}"."{one}" set schema "{target}"')


def upgrade(url: str, target: str = "head") -> None:
    async def work(connection: Connection) -> None:
        await connection.execute(ONE_AT_A_TIME)
        await _run_steps(url, target)

    _asked(url, work)


async def _run_steps(url: str, target: str) -> None:
    """All missing steps in one transaction. Others work with the tables meanwhile: whoever comes after a lock that waits has to wait, too,
    so a lock that is not to be had soon is given up with all that was done, and it is tried again."""
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import create_async_engine

    async def connect() -> Connection:
        return await asyncpg.connect(url, timeout=TIMEOUT, server_settings={"lock_timeout": LOCK})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=sa.pool.NullPool)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            async with engine.begin() as connection:
                await connection.run_sync(lambda one: steps(one, target))
                for row in (await connection.exec_driver_sql(COLLATED)).all():
                    await connection.exec_driver_sql(row[0])
            break
        except sa.exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in HELD_BY_OTHERS or time.monotonic() > end:
                raise
        await asyncio.sleep(PAUSE)
    await engine.dispose()


def _asked(url: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    async def ask() -> T:
        connection = await asyncpg.connect(url, timeout=TIMEOUT)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return apart(ask())


def apart(work: Coroutine[Any, Any, T]) -> T:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
