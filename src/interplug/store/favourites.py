"""Stations that drivers like, and those of which they want to hear when something is free there; by the number of the Location."""

from __future__ import annotations

import msgspec

from interplug.store.database import Database

ADD = "insert into favourite (driver, object, created_at) values (?, ?, ?) on conflict (driver, object) do nothing"
DROP = "delete from favourite where driver = ? and object = ?"
OF_DRIVER = "select object from favourite where driver = ? order by created_at, object"
WATCH = "driver, object, language, until"
ADD_WATCH = f"insert into watch ({WATCH}) values (?, ?, ?, ?) on conflict (driver, object) do update set until = excluded.until"
DROP_WATCH = "delete from watch where driver = ? and object = ?"
WATCHES_OF = f"select {WATCH} from watch where driver = ? and until > ?"
WATCHES = f"select {WATCH} from watch where until > ? order by until limit ?"
FORGET = "delete from watch where until <= ?"
HAND_OVER = "update favourite set driver = ? where driver = ? and object not in (select object from favourite where driver = ?)"


class Watch(msgspec.Struct, frozen=True):
    driver: str
    object: int
    language: str
    until: int


class Favourites:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, driver: str, object: int, now: int) -> None:
        await self._db.execute(ADD, driver, object, now)

    async def drop(self, driver: str, object: int) -> None:
        await self._db.execute(DROP, driver, object)

    async def of_driver(self, driver: str) -> list[int]:
        return [int(row[0]) for row in await self._db.all(OF_DRIVER, driver)]

    async def hand_over(self, driver: str, to: str) -> None:
        await self._db.execute(HAND_OVER, to, driver, to)

    # --- what drivers wait for

    async def watch(self, watch: Watch, now: int) -> None:
        await self._db.execute(FORGET, now)
        await self._db.execute(ADD_WATCH, *msgspec.structs.astuple(watch))

    async def unwatch(self, driver: str, object: int) -> bool:
        """False: somebody was quicker, or it was not there."""
        return await self._db.execute(DROP_WATCH, driver, object) > 0

    async def watched_by(self, driver: str, now: int) -> list[Watch]:
        return [Watch(*row) for row in await self._db.all(WATCHES_OF, driver, now)]

    async def watches(self, now: int, limit: int = 10_000) -> list[Watch]:
        return [Watch(*row) for row in await self._db.all(WATCHES, now, limit)]
