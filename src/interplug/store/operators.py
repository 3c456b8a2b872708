"""The people who look after stations: their accounts, and who of them is signed in. Passwords and keys of sessions are kept as hashes."""

from __future__ import annotations

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database

ADD = """
insert into operator (name, password, created_at) values (?, ?, ?) on conflict (name) do update set password = excluded.password"""
GET = "select name, password, created_at from operator where name = ?"
ALL = "select name, password, created_at from operator order by name"
REMOVE = "delete from operator where name = ?"
SIGN_OUT_ALL = "delete from operator_session where operator = ?"
SIGN_IN = "insert into operator_session (id, operator, begun_at, until) values (?, ?, ?, ?)"
WHO = "select operator from operator_session where id = ? and until > ?"
SIGN_OUT = "delete from operator_session where id = ?"
FORGET = "delete from operator_session where until <= ?"


class Operator(msgspec.Struct, frozen=True):
    name: str
    password: str
    created_at: int


class Operators:
    """Names are compared folded, and kept so."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def put(self, operator: Operator) -> None:
        """New, or with another password; whoever was signed in under that name is so no longer."""
        name = fold(operator.name)
        await self._db.execute(ADD, name, operator.password, operator.created_at)
        await self._db.execute(SIGN_OUT_ALL, name)

    async def get(self, name: str) -> Operator | None:
        row = await self._db.one(GET, fold(name))
        return None if row is None else Operator(*row)

    async def all(self) -> list[Operator]:
        return [Operator(*row) for row in await self._db.all(ALL)]

    async def remove(self, name: str) -> bool:
        await self._db.execute(SIGN_OUT_ALL, fold(name))
        return await self._db.execute(REMOVE, fold(name)) > 0

    # --- who is signed in

    async def sign_in(self, session: str, name: str, now: int, until: int) -> None:
        await self._db.execute(FORGET, now)
        await self._db.execute(SIGN_IN, session, name, now, until)

    async def who(self, session: str, now: int) -> str | None:
        row = await self._db.one(WHO, session, now)
        return None if row is None else str(row[0])

    async def sign_out(self, session: str) -> None:
        await self._db.execute(SIGN_OUT, session)
