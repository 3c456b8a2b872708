"""Ways to pay that drivers have had remembered at the payment provider: what may be shown of them, never a number of a card.

A payer is the record of a driver at a provider, which knows him by `customer` and nothing else. `look_at` is when somebody has to bring our
rows level with the provider's; whatever may change them sets it to 0 in the same transaction. A row that has ended is there until the
provider has forgotten it, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from interplug.store.database import Database, Numbers, Row, of_row

NEVER = 2**62
PAYER = "id, driver, provider, customer, look_at, woken, tries, erased_at"
ADD_PAYER = f"insert into payer ({PAYER}) values (?, ?, ?, ?, ?, ?, ?, ?)"
GET_PAYER = f"select {PAYER} from payer where id = ?"
OF_DRIVER = f"select {PAYER} from payer where driver = ? and provider = ? order by id"
TO_LOOK_AT = f"select {PAYER} from payer where provider = ? and look_at <= ? order by look_at, id limit ?"
NAME = "update payer set customer = ? where id = ? and customer = ''"
LOOK = "update payer set look_at = 0, woken = woken + 1 where provider = ? and customer = ? and customer <> ''"
WAKE = "update payer set look_at = 0, woken = woken + 1 where id = ?"
LOOKED = "update payer set look_at = ?, tries = ? where id = ? and woken = ?"
ERASE = "update payer set driver = '', erased_at = ?, look_at = 0, woken = woken + 1 where driver = ?"
ALL_OF = "select id from payer where driver = ?"
DROP_PAYER = "delete from payer where id = ?"
METHOD = "id, payer, reference, mark, brand, last4, month, year, saved_at, usual_at, ended_at"
NAMES = METHOD.split(", ")
PUT = f"insert into saved_method ({METHOD}) values ({', '.join('?' for _ in NAMES)}) on conflict (id) do update set " + ", ".join(
    f"{name} = excluded.{name}" for name in NAMES[1:]
)
OF_PAYER = f"select {METHOD} from saved_method where payer = ? order by usual_at desc, saved_at desc, id"
FORGET = "update saved_method set mark = '', brand = '', last4 = '', month = 0, year = 0, ended_at = ? where payer = ?"
DROP = "delete from saved_method where id = ?"
DROP_ALL = "delete from saved_method where payer = ?"


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """`erased_at`: when the account was, 0: it is there."""

    id: str
    driver: str
    provider: str
    customer: str = ""
    look_at: int = NEVER
    woken: int = 0
    tries: int = 0
    erased_at: int = 0


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is the provider's name for it; `mark` is the same for one card however often it was saved, or empty."""

    id: str
    payer: str
    reference: str
    mark: str
    brand: str
    last4: str
    month: int
    year: int
    saved_at: int
    usual_at: int = 0
    ended_at: int = 0


class Methods:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def add_payer(self, payer: Payer) -> None:
        await self._db.execute(ADD_PAYER, *msgspec.structs.astuple(payer))

    async def payer(self, id: str) -> Payer | None:
        return _payer(await self._db.one(GET_PAYER, id))

    async def payer_of(self, driver: str, provider: str) -> Payer | None:
        return _payer(await self._db.one(OF_DRIVER, driver, provider)) if driver else None

    async def name(self, payer: str, customer: str) -> None:
        """The provider has made a customer, if it had not."""
        await self._db.execute(NAME, customer, payer)

    async def drop_payer(self, id: str) -> None:
        """With all that it has saved."""
        await self._db.execute(DROP_ALL, id)
        await self._db.execute(DROP_PAYER, id)

    async def look(self, provider: str, customer: str) -> None:
        """Something has happened with this customer."""
        await self._db.execute(LOOK, provider, customer)

    async def to_look_at(self, provider: str, now: int, limit: int = 50) -> list[Payer]:
        return [of_row(Payer, row) for row in await self._db.all(TO_LOOK_AT, provider, now, limit)]

    async def looked(self, payer: Payer, look_at: int, tries: int = 0) -> None:
        """Unless something has happened since it was read."""
        await self._db.execute(LOOKED, look_at, tries, payer.id, payer.woken)

    # --- what they have saved

    async def of_payer(self, payer: str) -> list[Saved]:
        """Those that have ended, too."""
        return _saved(await self._db.all(OF_PAYER, payer))

    async def of_driver(self, driver: str, provider: str) -> list[Saved]:
        """Those that can be chosen: the usual one first, or the newest where none was named."""
        payer = await self.payer_of(driver, provider)
        return [] if payer is None else [one for one in await self.of_payer(payer.id) if not one.ended_at]

    async def put(self, saved: Saved) -> None:
        """Takes a change number, so that a page that waits for the log sees it, and who looks after payers."""
        self._numbers.take()
        await self._db.execute(PUT, *msgspec.structs.astuple(saved))

    async def end(self, saved: Saved, now: int) -> None:
        """The driver sees it no longer; the provider has still to forget it."""
        await self.put(msgspec.structs.replace(saved, ended_at=now))
        await self._db.execute(WAKE, saved.payer)

    async def drop(self, id: str) -> None:
        self._numbers.take()
        await self._db.execute(DROP, id)

    async def erase(self, driver: str, now: int) -> None:
        """Nothing says any more whose they were, nor which cards; what the provider has to forget is kept until it has."""
        self._numbers.take()
        for row in await self._db.all(ALL_OF, driver):
            await self._db.execute(FORGET, now, row[0])
        await self._db.execute(ERASE, now, driver)


def _payer(row: Row | None) -> Payer | None:
    return None if row is None else of_row(Payer, row)


def _saved(rows: Sequence[Row]) -> list[Saved]:
    return [of_row(Saved, row) for row in rows]
