"""Who does what, where several processes serve one database.

A lease is a row: what is to be done by one process only, and who does it. A process shows that it lives by raising the number in a row
of its own (`beat`); no clock of any machine is compared with that of another. What the rows mean, and when somebody counts as dead, is
`modules.tenure`. All of a beat is one transaction, and transactions follow one another, so two processes never take the same lease.
"""

from collections.abc import Iterable
from typing import NamedTuple

from interplug.store.database import Database

ALL = "select name, holder, beat from lease order by name"
LIVES = """
insert into lease (name, holder, beat) values (?, ?, 1) on conflict (name) do update set beat = lease.beat + 1"""
TAKE = """
insert into lease (name, holder, beat) values (?, ?, 0) on conflict (name) do update set holder = excluded.holder"""
LEAVE = "update lease set holder = '' where name = ? and holder = ?"
FORGET = "delete from lease where name = ?"
PROCESS = "process "


class Lease(NamedTuple):
    name: str
    holder: str
    beat: int


class Leases:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self) -> list[Lease]:
        """Those of processes, too; their name says so."""
        return [Lease(*row) for row in await self._db.all(ALL)]

    async def lives(self, process: str) -> None:
        await self._db.execute(LIVES, PROCESS + process, process)

    async def take(self, names: Iterable[str], process: str) -> None:
        for name in names:
            await self._db.execute(TAKE, name, process)

    async def leave(self, names: Iterable[str], process: str) -> None:
        """Whoever holds one by now keeps it."""
        for name in names:
            await self._db.execute(LEAVE, name, process)

    async def forget(self, processes: Iterable[str]) -> None:
        """Processes that are no more."""
        for process in processes:
            await self._db.execute(FORGET, PROCESS + process)
