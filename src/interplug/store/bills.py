"""What our own eMSP bills its drivers: one row for each CDR that it received, with what was bought beside what was sold.

A bill stands as it was made: neither a changed offer nor a newer engine changes it. Amounts are exact; None is unknown, which is not zero.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from interplug.store.database import Database, Numbers, Row
from interplug.store.drivers import CHANGE

FIELDS = (
    "cdr, cdr_no, source, cdr_id, credits, drive, contract, offer, kwh, bought_currency, bought_net, bought_gross, "
    "sold_currency, sold_net, sold_gross, reason, ended_at, billed_at, lines"
)
NAMES = tuple(FIELDS.split(", "))
PUT = f"insert into bill ({FIELDS}) values ({', '.join('?' for _ in NAMES)}) on conflict (cdr) do update set " + ", ".join(
    f"{name} = excluded.{name}" for name in NAMES[1:]
)
OF_CDR = f"select {FIELDS} from bill where cdr = ?"
OF_DRIVE = f"select {FIELDS} from bill where drive = ? order by cdr"
NAMED = f"select {FIELDS} from bill where source = ? and cdr_id = ?"
CREDITING = f"select {FIELDS} from bill where source = ? and credits = ? order by cdr"
ENDED = f"select {FIELDS} from bill where ended_at >= ? and ended_at < ? order by ended_at, cdr"
PAGE = f"select {FIELDS} from bill where (ended_at, cdr) > (?, ?) and ended_at < ? order by ended_at, cdr limit ?"


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """`cdr` is the number of the object, `cdr_no` that of its last change, `cdr_id` its id, folded; `credits` the id, folded, of the CDR
    that it takes back.

    `reason` says in words why nothing could be sold; `lines` are the driver's, as JSON.
    """

    cdr: int
    cdr_no: int
    source: int
    cdr_id: str
    credits: str = ""
    drive: str = ""
    contract: str
    offer: str = ""
    kwh: Decimal
    bought_currency: str
    bought_net: Decimal | None
    bought_gross: Decimal | None = None
    sold_currency: str = ""
    sold_net: Decimal | None = None
    sold_gross: Decimal | None = None
    reason: str = ""
    ended_at: int
    billed_at: int
    lines: bytes = b"[]"


class Bills:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def put(self, bill: Bill) -> None:
        """Its drive takes a change number, so that a page that waits for the log sees it."""
        values = (str(one) if isinstance(one, Decimal) else one for one in msgspec.structs.astuple(bill))
        await self._db.execute(PUT, *values)
        await self._db.execute(CHANGE, self._numbers.take(), bill.drive)

    async def of_cdr(self, cdr: int) -> Bill | None:
        row = await self._db.one(OF_CDR, cdr)
        return None if row is None else _bill(row)

    async def of_drive(self, drive: str) -> list[Bill]:
        """In the order in which the CDRs came."""
        return [_bill(row) for row in await self._db.all(OF_DRIVE, drive)]

    async def named(self, source: int, cdr_id: str) -> Bill | None:
        """The bill for the CDR of this (folded) id that a partner sent."""
        row = await self._db.one(NAMED, source, cdr_id)
        return None if row is None else _bill(row)

    async def crediting(self, source: int, cdr_id: str) -> list[Bill]:
        """Those that take back the bill for this CDR."""
        return [_bill(row) for row in await self._db.all(CREDITING, source, cdr_id)]

    async def ended(self, since: int, until: int) -> list[Bill]:
        """For sessions that ended in that time."""
        return [_bill(row) for row in await self._db.all(ENDED, since, until)]

    async def page(self, after: tuple[int, int], until: int, limit: int) -> list[Bill]:
        """The same piece by piece: those behind this end and number."""
        return [_bill(row) for row in await self._db.all(PAGE, *after, until, limit)]


DECIMALS = frozenset(("kwh", "bought_net", "bought_gross", "sold_net", "sold_gross"))


def _bill(row: Row) -> Bill:
    values: list[Any] = [_decimal(value) if name in DECIMALS else value for name, value in zip(NAMES, row, strict=True)]
    return Bill(**dict(zip(NAMES, values, strict=True)))


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
