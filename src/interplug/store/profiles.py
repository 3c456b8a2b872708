"""Charging profiles that hold, and what drivers prefer: a row for each Session and each who has set one.

`source` says whose Session it is: 0 ours, else that of the partner with that connection. `connection` says who has set the profile with
us: a partner, or 0 for ourselves, which is a preference of a driver at our own stations and what we asked of a partner. A row stays when
its profile is cleared, with an empty document: who has once set one is told of changes from then on (CHP-021). `due` is when there is
something to tell; 0: nothing. Ids of Sessions are compared folded.
"""

from collections.abc import Iterable

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database, Row, of_row

COLUMNS = "source, session, connection, name, document, set_at, active, active_at, due"
PUT = f"""
insert into charging_profile ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (source, session, connection) do update set
  document = excluded.document, set_at = excluded.set_at, active = excluded.active, active_at = excluded.active_at, due = excluded.due"""
OF = f"select {COLUMNS} from charging_profile where source = ? and session = ? order by connection"
DUE = f"select {COLUMNS} from charging_profile where due > 0 and due <= ? order by due"
LATEST = "case when set_at > active_at then set_at else active_at end"
NEWEST = f"select {COLUMNS} from charging_profile order by {LATEST} desc, session limit ?"
TOLD = "update charging_profile set due = ? where source = ? and session = ? and connection = ? and due = ?"
FORGET = "delete from charging_profile where set_at < ? and active_at < ?"
PREFER = """
insert into charging_preference (source, session, name, document, answer, at) values (?, ?, ?, ?, ?, ?)
on conflict (source, session) do update set document = excluded.document, answer = excluded.answer, at = excluded.at"""
PREFERRED = "select name, document, answer, at from charging_preference where source = ? and session = ?"
FORGET_PREFERRED = "delete from charging_preference where at < ?"


class Profile(msgspec.Struct, kw_only=True):
    source: int
    session: str
    connection: int
    name: str
    """The id of the Session as it is spelled."""
    document: bytes = b""
    """The ChargingProfile that holds; empty: none."""
    set_at: int = 0
    active: bytes = b""
    """The newest ActiveChargingProfile that was heard, of a Session of a partner."""
    active_at: int = 0
    due: int = 0


class Preference(msgspec.Struct):
    name: str
    document: bytes
    answer: str
    at: int


class Profiles:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def put(self, profile: Profile) -> None:
        profile.session = fold(profile.session)
        await self._db.execute(PUT, *msgspec.structs.astuple(profile))

    async def of(self, source: int, session: str) -> list[Profile]:
        """All that were ever set for a Session."""
        return _profiles(await self._db.all(OF, source, fold(session)))

    async def one(self, source: int, session: str, connection: int) -> Profile | None:
        return next((one for one in await self.of(source, session) if one.connection == connection), None)

    async def due(self, now: int) -> list[Profile]:
        return _profiles(await self._db.all(DUE, now))

    async def newest(self, limit: int) -> list[Profile]:
        return _profiles(await self._db.all(NEWEST, limit))

    async def told(self, profile: Profile, next: int = 0) -> None:
        """What was due is done, or tried again at `next`; unless there is something newer to tell."""
        await self._db.execute(TOLD, next, profile.source, profile.session, profile.connection, profile.due)

    async def prefer(self, source: int, session: str, document: bytes, answer: str, at: int) -> None:
        await self._db.execute(PREFER, source, fold(session), session, document, answer, at)

    async def preferred(self, source: int, session: str) -> Preference | None:
        row = await self._db.one(PREFERRED, source, fold(session))
        return None if row is None else Preference(*row)

    async def forget(self, before: int) -> None:
        """Retention."""
        await self._db.execute(FORGET, before, before)
        await self._db.execute(FORGET_PREFERRED, before)


def _profiles(rows: Iterable[Row]) -> list[Profile]:
    return [of_row(Profile, row) for row in rows]
