"""SQLite: transactions in groups, one commit for each, in the thread of the event loop; only the wait for the disk is elsewhere.

Measured: a commit with synchronous=FULL is one fdatasync; sixty-four waiting transactions share it. So what waits is run together (at
most GROUP, or as much as LONGEST allows), and all are answered after the commit, for which a thread waits while the loop goes on to read
and to hear the next requests. A transaction that raises is undone alone (`group.py`). Statements run in the loop because a thread of
their own would have to fight with the loop for the interpreter at every one of them, which costs more than they do.

A transaction is a coroutine whose statements never suspend here, so it is driven to its end by one `send`; each read sees one snapshot.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from interplug import faults
from interplug.store.database import Numbers, ReadOnly, Row
from interplug.store.group import Group
from interplug.store.queue import Queue, Waiting, Work
from interplug.store.tx import Tx
from interplug.telemetry.figures import Writing

T = TypeVar("T")

GROUP = 256
LONGEST = 0.01
"""Seconds after which a group takes no more in."""
PATIENCE = 15.0
"""Seconds to wait for another process that writes."""
PRAGMAS = (
    "journal_mode=wal",
    "synchronous=full",
    "foreign_keys=on",
    "temp_store=memory",
    "cache_size=-32768",
    "mmap_size=4294967296",
    "wal_autocheckpoint=4000",
)
READ_NUMBER = "select no from counter where name = 'change'"
WRITE_NUMBER = "update counter set no = ? where name = 'change'"


class Suspended(RuntimeError):
    """A transaction waited for something that is not its database; it would hold up everybody else's."""


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    for pragma in PRAGMAS:
        connection.execute(f"pragma {pragma}")
    return connection


def drive(work: Coroutine[Any, Any, T]) -> T:
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    work.close()
    raise Suspended("a transaction may await nothing but its own statements")


class Statements:
    """The `Database` of repositories, over one connection."""

    __slots__ = ("_connection", "_run", "transactions")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._run = connection.execute
        self.transactions = 0

    @property
    def moment(self) -> int:
        return self.transactions

    async def execute(self, sql: str, *values: object) -> int:
        return self._run(sql, values).rowcount

    async def many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        self._connection.executemany(sql, rows)

    async def one(self, sql: str, *values: object) -> Row | None:
        row: Row | None = self._run(sql, values).fetchone()
        return row

    async def all(self, sql: str, *values: object) -> Sequence[Row]:
        return self._run(sql, values).fetchall()

    async def later(self, pk: int, sql: str, *values: object) -> None:
        raise ReadOnly("a change was asked for while reading")

    async def of_object(self, pk: int, sql: str, *values: object) -> Sequence[Row]:
        return self._run(sql, values).fetchall()

    async def of_objects(self, sql: str, place: int, *values: object) -> Sequence[Row]:
        return self._run(sql, values).fetchall()

    async def script(self, sql: str) -> None:
        self._run(sql)


class Sqlite:
    """`committed(number)` is called after each commit that took numbers."""

    failures = (sqlite3.Error, OSError)

    def __init__(self, path: Path, clock: Callable[[], int], committed: Callable[[int], None]) -> None:
        self._committed = committed
        self._reader = connect(path)
        self._reader.execute(f"pragma busy_timeout={int(PATIENCE * 1000)}")
        self._reader.execute("pragma query_only=1")
        self._read_statements = Statements(self._reader)
        self._reading = Tx(self._read_statements, Numbers(writing=False), clock)
        self._writer = connect(path)
        self._writer.execute("pragma busy_timeout=0")
        self._numbers = Numbers(writing=True)
        statements = Statements(self._writer)
        self._group = Group(statements, statements.script, self._anew)
        self._writing = Tx(self._group, self._numbers, clock)
        self.writing = Writing()
        self._disk = ThreadPoolExecutor(1, "store-writer")
        self._last = float("inf")
        self._queue = Queue(self._next_group)
        self._waiting = self._queue.waiting
        self.write = self._queue.write

    async def read(self, work: Work[T], *, snapshot: bool = True) -> T:
        self._read_statements.transactions += 1
        if not snapshot:
            return drive(work(self._reading))
        run = self._reader.execute
        run("begin")
        try:
            return drive(work(self._reading))
        finally:
            run("commit")

    @property
    def waiting(self) -> int:
        """Transactions that wait for their group."""
        return len(self._waiting)

    async def head(self) -> int:
        return int(self._reader.execute(READ_NUMBER).fetchone()[0])

    def end_within(self, seconds: float) -> None:
        self._last = time.monotonic() + seconds

    async def close(self) -> None:
        """Everything that was handed in before is still written."""
        if await self._queue.close():
            self._disk.shutdown()
            self._reader.close()
            self._writer.close()

    # --- the writer

    async def _next_group(self) -> None:
        group: list[Waiting] = []
        try:
            await self._begin()
            self._writer.execute("savepoint group_begin")
            self._group.open()
            before = self._numbers.last = int(self._writer.execute(READ_NUMBER).fetchone()[0])
            if faults.sabotaged("numbers-from-a-sequence"):
                await self._reserve(before)
            end = time.perf_counter() + LONGEST
            while self._waiting and len(group) < GROUP and (not group or time.perf_counter() < end):
                group.append(self._waiting.popleft())
                self._run(group[-1])
                if not self._waiting:
                    await asyncio.sleep(0)  # what has arrived meanwhile goes with it
            drive(self._group.finish())
            after = self._numbers.last
            if after != before and not faults.sabotaged("numbers-from-a-sequence"):
                self._writer.execute(WRITE_NUMBER, (after,))
            if faults.sabotaged("answer-before-commit"):
                await self._answer_early(group)
            faults.at("store.before_commit")
            faults.at("store.in_commit")
            began = time.perf_counter()
            await self._wait(self._writer.execute, "commit")
            self.writing.committed(len(group), time.perf_counter() - began)
            faults.at("store.after_commit")
            if after != before:
                self._committed(after)
        except BaseException as error:  # noqa: BLE001 (whatever it is, those who wait must hear of it)
            self.writing.failed += 1
            self._queue.fail(group, error)
            self._undo()
        for item in group:
            item.answer()

    def _undo(self) -> None:
        """A disk that takes nothing may refuse this, too: then the next group tries it again."""
        if self._writer.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._writer.execute("rollback")

    async def _begin(self) -> None:
        self._undo()
        try:
            self._writer.execute("begin immediate")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            await self._wait(self._begin_later)

    def _begin_later(self) -> None:
        """Another process writes. In a thread, for a command that imports may keep the database for a second."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self._writer.execute("begin immediate")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > min(end, self._last):
                    raise
            time.sleep(0.002)

    async def _wait(self, call: Callable[..., object], *values: object) -> None:
        """Lets the thread do it, to its end even if the loop is about to end: the connection may not be in two threads."""
        waiting = asyncio.get_running_loop().run_in_executor(self._disk, call, *values)
        while not waiting.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([waiting])
        waiting.result()

    def _run(self, item: Waiting) -> None:
        before = self._numbers.last
        drive(self._group.begin())
        try:
            item.value = drive(item.work(self._writing))
        except BaseException as error:
            if self._group.broken or not self._writer.in_transaction:
                raise  # the disk is full or broken: SQLite has undone the whole group
            drive(self._group.undo(refused=False))
            self._numbers.last = before
            item.error = error

    async def _anew(self) -> None:
        self._writer.execute("rollback to group_begin")

    # --- what must never be, and is only on purpose (`faults`)

    async def _reserve(self, before: int) -> None:
        """Numbers as a sequence gives them: seen by every reader of the log before what they were given to."""
        self._writer.execute(WRITE_NUMBER, (before + 10_000,))
        self._writer.execute("commit")
        await asyncio.sleep(0.1)
        await self._begin()

    async def _answer_early(self, group: list[Waiting]) -> None:
        for item in group:
            item.answer()
        await asyncio.sleep(0.05)
