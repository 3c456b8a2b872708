"""SQLite: one writer thread that commits in groups, and one connection for reading in the thread of the event loop.

Measured: a commit with synchronous=FULL is one fdatasync; sixty-four waiting transactions share it. So the writer takes everything
that waits (at most GROUP), runs each in a savepoint, and answers all of them after the commit. A transaction that raises is undone
alone. Reading in the loop thread is quicker than any hand-over to another thread; each read sees one snapshot.

A transaction is a coroutine whose statements never suspend here, so it is driven to its end by one `send`.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from interplug.store.database import Numbers, Row
from interplug.store.tx import Tx

T = TypeVar("T")
Work = Callable[[Tx], Coroutine[Any, Any, T]]

GROUP = 256
PRAGMAS = (
    "journal_mode=wal",
    "synchronous=full",
    "busy_timeout=15000",
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
    def moment(self) -> tuple[int, int]:
        return self.transactions, self._connection.total_changes

    async def execute(self, sql: str, *values: object) -> int:
        return self._run(sql, values).rowcount

    async def many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        self._connection.executemany(sql, rows)

    async def one(self, sql: str, *values: object) -> Row | None:
        row: Row | None = self._run(sql, values).fetchone()
        return row

    async def all(self, sql: str, *values: object) -> Sequence[Row]:
        return self._run(sql, values).fetchall()


class _Waiting:
    """One transaction on its way through the writer."""

    __slots__ = ("error", "future", "loop", "value", "work")

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Work[Any]) -> None:
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.work = work
        self.value: Any = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class Sqlite:
    """`committed(number)` is called from the writer thread after each commit that took numbers."""

    def __init__(self, path: Path, clock: Callable[[], int], committed: Callable[[int], None]) -> None:
        self._committed = committed
        self._reader = connect(path)
        self._reader.execute("pragma query_only=1")
        self._read_statements = Statements(self._reader)
        self._reading = Tx(self._read_statements, Numbers(writing=False), clock)
        self._writer = connect(path)
        self._numbers = Numbers(writing=True)
        self._write_statements = Statements(self._writer)
        self._writing = Tx(self._write_statements, self._numbers, clock)
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Work[T]) -> T:
        if self._closed:
            raise RuntimeError("the store is closed")
        item = _Waiting(asyncio.get_running_loop(), work)
        self._waiting.put(item)
        value: T = await item.future
        return value

    async def read(self, work: Work[T]) -> T:
        run = self._reader.execute
        run("begin")
        self._read_statements.transactions += 1
        try:
            return drive(work(self._reading))
        finally:
            run("commit")

    def head(self) -> int:
        return int(self._reader.execute(READ_NUMBER).fetchone()[0])

    async def close(self) -> None:
        """Everything that was handed in before is still written."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._reader.close()
        self._writer.close()

    # --- in the writer thread

    def _serve(self) -> None:
        while True:
            group = self._next_group()
            if not group:
                return
            try:
                self._commit(group)
            except BaseException as error:  # noqa: BLE001 (whatever it is, those who wait must hear of it)
                for item in group:
                    item.error = item.error or error
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
            _tell(group)

    def _next_group(self) -> list[_Waiting]:
        """Empty at the end. A group that meets the end leaves it for the next round."""
        group: list[_Waiting] = []
        item = self._waiting.get()
        while item is not None:
            group.append(item)
            if len(group) == GROUP:
                return group
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return group
        if group:
            self._waiting.put(None)
        return group

    def _commit(self, group: list[_Waiting]) -> None:
        run = self._writer.execute
        run("begin immediate")
        before = self._numbers.last = int(run(READ_NUMBER).fetchone()[0])
        for item in group:
            self._run(item)
        after = self._numbers.last
        if after != before:
            run(WRITE_NUMBER, (after,))
        run("commit")
        if after != before:
            self._committed(after)

    def _run(self, item: _Waiting) -> None:
        run, before = self._writer.execute, self._numbers.last
        run("savepoint work")
        self._write_statements.transactions += 1
        try:
            item.value = drive(item.work(self._writing))
        except BaseException as error:
            if not self._writer.in_transaction:
                raise  # the disk is full or broken: SQLite has undone the whole group
            run("rollback to work")
            self._numbers.last = before
            item.error = error
        run("release work")


def _tell(group: list[_Waiting]) -> None:
    loops = {item.loop for item in group}
    for loop in loops:
        mine = [item for item in group if item.loop is loop] if len(loops) > 1 else group
        try:
            loop.call_soon_threadsafe(_answer, mine)
        except RuntimeError:
            pass  # that loop has ended, and nobody in it waits any more


def _answer(group: list[_Waiting]) -> None:
    for item in group:
        item.answer()
