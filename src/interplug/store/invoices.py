"""Invoices as they were issued: never changed, and numbered without a gap.

A number is taken in the transaction that writes the invoice, so that one is not there without the other. What an invoice says is the
business of the room `drivers`; of a charge (`subject`) it is kept how much of it stands on which invoice. That one was paid, as the
accounts say, stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from interplug.store.database import Database, Numbers, Row
from interplug.store.drivers import CHANGE

NEXT = (
    "insert into invoice_series (series, last) values (?, 1) "
    "on conflict (series) do update set last = invoice_series.last + 1 returning last"
)
FIELDS = "series, no, contract, drive, issued_at, currency, net, gross, document"
READ = (
    "select i.series, i.no, contract, drive, issued_at, currency, net, gross, document, coalesce(p.at, 0), coalesce(p.how, '') "
    "from invoice i left join invoice_paid p on p.series = i.series and p.no = i.no"
)
ADD = f"insert into invoice ({FIELDS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
MARK = "insert into invoiced (subject, series, no, rates) values (?, ?, ?, ?)"
STANDS = "from invoiced d join invoice i on i.series = d.series and i.no = d.no where d.subject = ?"
OF_SUBJECT = f"select d.series, d.no, d.rates {STANDS} and i.contract = ? and i.currency = ? order by d.series, d.no"
WHERE_IT_STANDS = f"select distinct i.contract, i.currency {STANDS}"
GET = f"{READ} where i.series = ? and i.no = ?"
OF_DRIVE = f"{READ} where drive = ? order by issued_at, i.no"
NEWEST = f"{READ} where issued_at >= ? order by issued_at desc, i.no desc limit ?"
UNPAID = f"{READ} where issued_at >= ? and drive = '' and p.at is null order by issued_at desc, i.no desc limit ?"
PAID = (
    "insert into invoice_paid (series, no, at, how) values (?, ?, ?, ?) "
    "on conflict (series, no) do update set at = excluded.at, how = excluded.how"
)
NOT_PAID = "delete from invoice_paid where series = ? and no = ?"


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """`drive`: of one that was paid by card; empty for an invoice of a contract. `document` is all of it, as JSON. `paid_at` is when it was
    paid, as the accounts say, 0: not that anybody knows; `how` is theirs, too."""

    series: str
    no: int
    contract: str
    drive: str
    issued_at: int
    currency: str
    net: Decimal
    gross: Decimal
    document: bytes
    paid_at: int = 0
    how: str = ""

    @property
    def settled(self) -> bool:
        return bool(self.drive or self.paid_at)

    @property
    def number(self) -> str:
        return f"{self.series}{self.no:06d}"


class Invoices:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def take_number(self, series: str) -> int:
        row = await self._db.one(NEXT, series)
        assert row is not None
        return int(row[0])

    async def add(self, invoice: Invoice, subjects: dict[str, bytes]) -> None:
        """With what of each subject stands on it. Its drive takes a change number, so that a page that waits for the log sees it."""
        one = invoice
        values = one.series, one.no, one.contract, one.drive, one.issued_at, one.currency, f"{one.net:f}", f"{one.gross:f}", one.document
        await self._db.execute(ADD, *values)
        await self._db.execute(CHANGE, self._numbers.take(), one.drive)
        await self._db.many(MARK, [(subject, one.series, one.no, rates) for subject, rates in subjects.items()])

    async def of_subject(self, subject: str, contract: str, currency: str) -> list[tuple[str, int, bytes]]:
        """Series, number and rates of each invoice to this contract that it stands on."""
        return [(row[0], int(row[1]), bytes(row[2])) for row in await self._db.all(OF_SUBJECT, subject, contract, currency)]

    async def where_it_stands(self, subject: str) -> list[tuple[str, str]]:
        """Contract and currency of invoices that it stands on."""
        return [(row[0], row[1]) for row in await self._db.all(WHERE_IT_STANDS, subject)]

    async def get(self, series: str, no: int) -> Invoice | None:
        row = await self._db.one(GET, series, no)
        return None if row is None else _invoice(row)

    async def named(self, number: str) -> Invoice | None:
        """By its number, which has six digits at least, and more once there are so many; what is before them is the series."""
        for digits in range(6, 19):
            series, no = number[:-digits], number[-digits:]
            found = await self.get(series, int(no)) if no.isascii() and no.isdecimal() and len(no) == digits else None
            if found is not None:
                return found if found.number == number else None
        return None

    async def of_drive(self, drive: str) -> list[Invoice]:
        return [_invoice(row) for row in await self._db.all(OF_DRIVE, drive)]

    async def of_contracts(self, contracts: Sequence[str], limit: int, offset: int = 0) -> tuple[int, list[Invoice]]:
        """How many there are, and a page of them, the newest first."""
        where = f"where contract in ({', '.join('?' for _ in contracts)})" if contracts else "where 1 = 0"
        row = await self._db.one(f"select count(*) from invoice {where}", *contracts)
        rows = await self._db.all(f"{READ} {where} order by issued_at desc, i.no desc limit ? offset ?", *contracts, limit, offset)
        return 0 if row is None else int(row[0]), [_invoice(one) for one in rows]

    async def unpaid(self, since: int = 0, limit: int = 100) -> list[Invoice]:
        """Of contracts: nobody has said that they were paid."""
        return [_invoice(row) for row in await self._db.all(UNPAID, since, limit)]

    async def paid(self, invoice: Invoice, at: int, how: str = "") -> None:
        self._numbers.take()
        await self._db.execute(PAID, invoice.series, invoice.no, at, how)

    async def not_paid(self, invoice: Invoice) -> None:
        self._numbers.take()
        await self._db.execute(NOT_PAID, invoice.series, invoice.no)

    async def newest(self, since: int = 0, limit: int = 100) -> list[Invoice]:
        return [_invoice(row) for row in await self._db.all(NEWEST, since, limit)]


def _invoice(row: Row) -> Invoice:
    values: list[Any] = [*row[:6], Decimal(row[6]), Decimal(row[7]), bytes(row[8]), int(row[9]), row[10]]
    return Invoice(**dict(zip(Invoice.__struct_fields__, values, strict=True)))
