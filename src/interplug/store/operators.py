"""The people who look after stations: their accounts, and who of them is signed in. Passwords are kept as hashes."""

from __future__ import annotations

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database
from interplug.store.sessions import Sessions

ADD = """
insert into operator (name, password, created_at) values (?, ?, ?) on conflict (name) do update set password = excluded.password"""
GET = "select name, password, created_at from operator where name = ?"
ALL = "select name, password, created_at from operator order by name"
REMOVE = "delete from operator where name = ?"


class Operator(msgspec.Struct, frozen=True):
    name: str
    password: str
    created_at: int


class Operators:
    """Names are compared folded, and kept so."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.sessions = Sessions(db, "operator_session", "operator")

    async def put(self, operator: Operator) -> None:
        """New, or with another password; whoever was signed in under that name is so no longer."""
        name = fold(operator.name)
        await self._db.execute(ADD, name, operator.password, operator.created_at)
        await self.sessions.end_all(name)

    async def get(self, name: str) -> Operator | None:
        row = await self._db.one(GET, fold(name))
        return None if row is None else Operator(*row)

    async def all(self) -> list[Operator]:
        return [Operator(*row) for row in await self._db.all(ALL)]

    async def remove(self, name: str) -> bool:
        await self.sessions.end_all(fold(name))
        return await self._db.execute(REMOVE, fold(name)) > 0
