"""PostgreSQL: the same transactions in groups, by any number of processes on one database.

A group begins with the lock on the row that counts the changes and ends with its update, so groups of all processes follow one another
as those of one SQLite database do: what a transaction has read cannot change under it, and the order of numbers is the order of commits.
Statements go over a connection one after another while others may have to wait, so a group is short (LONGEST), and what its transactions
will look at is asked at once. One that raises is undone alone (`group.py`). Reading waits for nobody: a pool of connections, a snapshot
for each read.

A connection that is lost takes its group with it: nobody in it is told that he is safe. Where it was lost while the commit was under
way, nobody knows, and that is what is told (`Unsure`). What has not begun waits for the database to be back, at most PATIENCE seconds.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import asyncpg
from asyncpg import Connection

from interplug import faults
from interplug.store.database import Look, Numbers, Row, Unsure
from interplug.store.group import Group
from interplug.store.queue import Queue, Waiting, Work
from interplug.store.server_connections import LOST, PATIENCE, Patience, Readers
from interplug.store.server_statements import Statements
from interplug.store.tx import Tx
from interplug.telemetry.figures import Writing

T = TypeVar("T")

GROUP = 256
LONGEST = 0.0015
"""Seconds after which a group takes no more in: other processes wait for its end."""
ABANDONED = "30s"
"""A process that stands still in the middle of a group loses its connection after this time, and the others go on."""
COUNTED = "counter where name = 'change'"
READ_NUMBER = f"select no from {COUNTED}"
LOCK = f"{READ_NUMBER} for update"


def _refused(error: BaseException | None) -> bool:
    """Whether the database refused a statement: until that is undone it takes no other."""
    while error is not None and not isinstance(error, asyncpg.PostgresError):
        error = error.__cause__ or error.__context__
    return error is not None


class Writer:
    """The connection for writing. From the lock to the commit the other processes wait: every statement counts. A savepoint is never
    made before the lock, for going back to it would give the lock away."""

    def __init__(self, connection: Connection, numbers: Numbers, clock: Callable[[], int]) -> None:
        self.connection = connection
        self._statements = Statements(connection)
        self.group = Group(self._statements, connection.execute, self._anew)
        self.tx = Tx(self.group, numbers, clock)
        self._numbers = numbers

    async def begin(self) -> None:
        await self.connection.execute("begin")
        self.group.open()
        await self._lock()

    async def look_ahead(self, looks: Iterable[Look | None]) -> None:
        """One question instead of one for each transaction."""
        wanted: dict[str, list[tuple[object, ...]]] = {}
        for look in looks:
            if look is not None:
                wanted.setdefault(look[0], []).append(look[1])
        for sql, values in wanted.items():
            if len(values) > 1:
                self.group.ahead(sql, await self._statements.each(sql, values))

    async def _anew(self) -> None:
        await self.connection.execute("rollback; begin")
        await self._lock()

    async def _lock(self) -> None:
        self._numbers.last = int(await self.connection.fetchval(LOCK))


class Postgres:
    """`committed(number)` is called after each commit that took numbers."""

    failures = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

    def __init__(self, url: str, clock: Callable[[], int], committed: Callable[[int], None]) -> None:
        self._url = url
        self._clock = clock
        self._committed = committed
        self._patience = Patience()
        self._readers = Readers(url, clock, self._patience)
        self._numbers = Numbers(writing=True)
        self._writer: Writer | None = None
        self.writing = Writing()
        self._queue = Queue(self._next_group)
        self._waiting = self._queue.waiting
        self.write = self._queue.write

    async def read(self, work: Work[T], *, snapshot: bool = True) -> T:
        return await self._readers.read(work, snapshot=snapshot)

    @property
    def waiting(self) -> int:
        """Transactions that wait for their group."""
        return len(self._waiting)

    async def head(self) -> int:
        row = await self._readers.read(_number, snapshot=False)
        return int(row[0])

    def end_within(self, seconds: float) -> None:
        self._patience.end_within(seconds)

    async def close(self) -> None:
        """Everything that was handed in before is still written."""
        if await self._queue.close():
            if self._writer is not None:
                await self._writer.connection.close(timeout=1)
            await self._readers.close()

    # --- the writer

    async def _next_group(self) -> None:
        group: list[Waiting] = []
        try:
            writer = await self._patience.begun(self._begin)
        except BaseException as error:  # noqa: BLE001 (whatever it is, those who wait must hear of it)
            self.writing.failed += 1
            while self._waiting:
                one = self._waiting.popleft()
                one.error = error
                one.answer()
            return
        try:
            before = self._numbers.last
            if faults.sabotaged("numbers-from-a-sequence"):
                await self._reserve(writer.connection, before)
            end = time.perf_counter() + LONGEST
            await writer.look_ahead(item.look for item in itertools.islice(self._waiting, GROUP))
            while self._waiting and len(group) < GROUP and (not group or time.perf_counter() < end):
                await writer.group.begin()
                group.append(self._waiting.popleft())
                await self._run(group[-1], writer)
            await writer.group.finish()
            if faults.sabotaged("answer-before-commit"):
                await self._answer_early(group)
            faults.at("store.before_commit")
            faults.at("store.in_commit")
            began = time.perf_counter()
            await self._commit(writer.connection, before)
            self.writing.committed(len(group), time.perf_counter() - began)
            faults.at("store.after_commit")
        except BaseException as error:  # noqa: BLE001 (whatever it is, those who wait must hear of it)
            self.writing.failed += 1
            self._queue.fail(group, error)
            writer.connection.terminate()  # and with it whatever it had begun
        for item in group:
            item.answer()

    async def _begin(self) -> "Writer":
        if self._writer is None or self._writer.connection.is_closed():
            lock = f"{int(PATIENCE * 1000)}ms"
            connection = await self._patience.connect(self._url, lock_timeout=lock, idle_in_transaction_session_timeout=ABANDONED)
            await connection.execute(DURABLE)
            self._writer = Writer(connection, self._numbers, self._clock)
        try:
            await self._writer.begin()
        except BaseException:
            self._writer.connection.terminate()
            raise
        return self._writer

    async def _run(self, item: Waiting, writer: "Writer") -> None:
        before = self._numbers.last
        try:
            item.value = await item.work(writer.tx)
        except Exception as error:
            if writer.group.broken or writer.connection.is_closed():
                raise  # and with it the whole group
            self._numbers.last = before
            await writer.group.undo(refused=_refused(error))
            item.error = error

    async def _commit(self, connection: Connection, before: int) -> None:
        after = self._numbers.last
        count = f"update {COUNTED.replace(' where', f' set no = {after} where')}; " if after != before else ""
        if faults.sabotaged("numbers-from-a-sequence"):
            count = ""
        try:
            done = await connection.execute(f"{count}commit")
        except LOST as error:
            raise Unsure("the connection to the database was lost during a commit") from error
        if done != "COMMIT":  # a commit of what was refused undoes it, and says so in no other way
            raise RuntimeError(f"the database answered {done} to a commit")
        if after != before:
            self._committed(after)

    # --- what must never be, and is only on purpose (`faults`)

    async def _reserve(self, connection: Connection, before: int) -> None:
        """Numbers as a sequence gives them: seen by every reader of the log before what they were given to."""
        await connection.execute(f"update {COUNTED.replace(' where', f' set no = {before + 10_000} where')}; commit")
        await asyncio.sleep(0.1)
        await connection.execute("begin")
        await connection.fetchval(LOCK)

    async def _answer_early(self, group: list[Waiting]) -> None:
        for item in group:
            item.answer()
        await asyncio.sleep(0.05)


DURABLE = """
select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';
select set_config('default_toast_compression', 'lz4', false) where exists (
  select 1 from pg_settings where name = 'default_toast_compression' and 'lz4' = any(enumvals))"""
"""A commit is on the disk before it is acknowledged, whatever the server's own rule; long documents are packed the quick way."""


async def _number(tx: Tx) -> Row:
    row = await tx.db.one(READ_NUMBER)
    assert row is not None
    return row
