"""Our own parties, and the classes of partners to whom parts of our objects are visible.

A party is a role with a country code and a party id, compared folded; its document keeps the spelling and the business details.
An audience is a number that objects carry: 0 is everybody, a connection has its own, and a class has members. Who belongs to what is
read here and kept in memory by `partners.directory`, which sees from the generation `partners` that it is old.
"""

import msgspec

from interplug.model.types import decode_json, encode_json, fold
from interplug.store.database import Database

MOVED = "update counter set no = no + 1 where name = 'partners'"
ADD = "insert into party (role, country, party, document) values (?, ?, ?, ?)"
GET = "select id, document from party where role = ? and country = ? and party = ?"
CHANGE = "update party set document = ? where id = ?"
ALL = "select id, document from party order by id"
REMOVE = "delete from party where role = ? and country = ? and party = ?"
NEW_AUDIENCE = "insert into audience (kind, name) values (?, ?) returning id"
CLASSES = "select id, name from audience where kind = 'class' order by id"
CLASS = "select id from audience where kind = 'class' and name = ?"
JOIN = "insert into member (audience, connection) values (?, ?) on conflict do nothing"
LEAVE = "delete from member where audience = ? and connection = ?"
MEMBERS = "select audience, connection from member order by audience, connection"


class OurParty(msgspec.Struct, frozen=True):
    id: int
    role: str
    country_code: str
    party_id: str
    business_details: dict[str, object]


class Parties:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, role: str, country_code: str, party_id: str, business_details: dict[str, object] | None = None) -> bool:
        """True when the party is new; a known one gets the details, if there are any, and keeps its spelling."""
        key = (role, fold(country_code), fold(party_id))
        row = await self._db.one(GET, *key)
        if row is not None and business_details is None:
            return False
        if row is not None:
            document = {**decode_json(row[1].encode()), "business_details": business_details}
            await self._db.execute(CHANGE, encode_json(document).decode(), row[0])
        else:
            details = business_details or {"name": f"{country_code}-{party_id}"}
            document = {"role": role, "country_code": country_code, "party_id": party_id, "business_details": details}
            await self._db.execute(ADD, *key, encode_json(document).decode())
        await self._db.execute(MOVED)
        return row is None

    async def remove(self, role: str, country_code: str, party_id: str) -> bool:
        await self._db.execute(MOVED)
        return await self._db.execute(REMOVE, role, fold(country_code), fold(party_id)) > 0

    async def all(self) -> list[OurParty]:
        """In the order in which they were added; the first of a role speaks where nothing says which."""
        return [msgspec.convert({"id": row[0], **decode_json(row[1].encode())}, OurParty) for row in await self._db.all(ALL)]

    # --- audiences

    async def new_audience(self, kind: str, name: str) -> int:
        row = await self._db.one(NEW_AUDIENCE, kind, name)
        assert row is not None
        return int(row[0])

    async def audience_class(self, name: str) -> int:
        """The number of the class with this name, made when absent."""
        row = await self._db.one(CLASS, name)
        return int(row[0]) if row is not None else await self.new_audience("class", name)

    async def classes(self) -> dict[int, str]:
        return {int(row[0]): str(row[1]) for row in await self._db.all(CLASSES)}

    async def join(self, audience: int, connection: int) -> None:
        await self._db.execute(JOIN, audience, connection)
        await self._db.execute(MOVED)

    async def leave(self, audience: int, connection: int) -> None:
        await self._db.execute(LEAVE, audience, connection)
        await self._db.execute(MOVED)

    async def members(self) -> dict[int, list[int]]:
        """The classes of each connection."""
        found: dict[int, list[int]] = {}
        for audience, connection in await self._db.all(MEMBERS):
            found.setdefault(int(connection), []).append(int(audience))
        return found
