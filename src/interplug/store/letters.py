"""E-mails to drivers that are to be sent. A letter may hold a secret link: it is gone once it is sent, or once it is too late for it."""

from __future__ import annotations

import msgspec

from interplug.store.database import Database

ADD = "insert into letter (address, subject, text, tries, due_at, until) values (?, ?, ?, 0, ?, ?)"
DUE = "select no, address, subject, text, tries from letter where due_at <= ? order by due_at, no limit ?"
DROP = "delete from letter where no = ?"
FORGET = "delete from letter where until <= ?"
LATER = "update letter set tries = tries + 1, due_at = ? where no = ?"
DROP_TO = "delete from letter where address = ?"


class Letter(msgspec.Struct, frozen=True):
    no: int
    address: str
    subject: str
    text: str
    tries: int


class Letters:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, address: str, subject: str, text: str, now: int, until: int) -> None:
        await self._db.execute(ADD, address, subject, text, now, until)

    async def due(self, now: int, limit: int) -> list[Letter]:
        return [Letter(*row) for row in await self._db.all(DUE, now, limit)]

    async def drop(self, no: int) -> None:
        await self._db.execute(DROP, no)

    async def drop_to(self, address: str) -> None:
        await self._db.execute(DROP_TO, address)

    async def later(self, no: int, due_at: int) -> None:
        await self._db.execute(LATER, due_at, no)

    async def forget(self, now: int) -> None:
        """What is too late."""
        await self._db.execute(FORGET, now)
