"""The offers of our own eMSP, each with the time in which it held. What an offer says is the business of the room `drivers`.

A changed offer is a new row, and the old one ends: what held when a session started is found again whenever its CDR comes.
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import decode_json, encode_json, fold
from interplug.store.database import Database

HOLDING = "select document from offer where since <= ? and (until = 0 or until > ?) order by no"
NOW = "select document from offer where until = 0 order by no"
ONE = "select document from offer where id = ? and until = 0"
END = "update offer set until = ? where id = ? and until = 0"
ADD = "insert into offer (id, since, until, document) values (?, ?, 0, ?)"

Document = dict[str, Any]


class Offers:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self) -> list[Document]:
        """Those that hold now, as they came."""
        return [decode_json(row[0]) for row in await self._db.all(NOW)]

    async def at(self, time: int) -> list[Document]:
        """Those that held at a time, in microseconds; as they came."""
        return [decode_json(row[0]) for row in await self._db.all(HOLDING, time, time)]

    async def put(self, id: str, document: Document, now: int) -> bool:
        """False where it says what it said before."""
        raw = encode_json(document)
        row = await self._db.one(ONE, fold(id))
        if row is not None and bytes(row[0]) == raw:
            return False
        await self._db.execute(END, now, fold(id))
        await self._db.execute(ADD, fold(id), now, raw)
        return True

    async def end(self, id: str, now: int) -> bool:
        """Whether there was one to end."""
        return await self._db.execute(END, now, fold(id)) > 0
