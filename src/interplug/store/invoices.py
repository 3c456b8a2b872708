"""Invoices as they were issued: never changed, and numbered without a gap.

A number is taken in the transaction that writes the invoice, so that one is not there without the other. What an invoice says is the
business of the room `drivers`; of a charge (`subject`) it is kept how much of it stands on which invoice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from interplug.store.database import Database, Numbers, Row

NEXT = (
    "insert into invoice_series (series, last) values (?, 1) "
    "on conflict (series) do update set last = invoice_series.last + 1 returning last"
)
FIELDS = "series, no, contract, drive, issued_at, currency, net, gross, document"
ADD = f"insert into invoice ({FIELDS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
MARK = "insert into invoiced (subject, series, no, rates) values (?, ?, ?, ?)"
OF_SUBJECT = "select series, no, rates from invoiced where subject = ? order by series, no"
GET = f"select {FIELDS} from invoice where series = ? and no = ?"
OF_DRIVE = f"select {FIELDS} from invoice where drive = ? order by issued_at, no"
NEWEST = f"select {FIELDS} from invoice where issued_at >= ? order by issued_at desc, no desc limit ?"


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """`drive`: of one that was paid by card; empty for an invoice of a contract. `document` is all of it, as JSON."""

    series: str
    no: int
    contract: str
    drive: str
    issued_at: int
    currency: str
    net: Decimal
    gross: Decimal
    document: bytes

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
        """With what of each subject stands on it. Takes a change number, so that a page that waits for the log sees it."""
        self._numbers.take()
        one = invoice
        values = one.series, one.no, one.contract, one.drive, one.issued_at, one.currency, f"{one.net:f}", f"{one.gross:f}", one.document
        await self._db.execute(ADD, *values)
        await self._db.many(MARK, [(subject, one.series, one.no, rates) for subject, rates in subjects.items()])

    async def of_subject(self, subject: str) -> list[tuple[str, int, bytes]]:
        """Series, number and rates of each invoice that it stands on."""
        return [(row[0], int(row[1]), bytes(row[2])) for row in await self._db.all(OF_SUBJECT, subject)]

    async def get(self, series: str, no: int) -> Invoice | None:
        row = await self._db.one(GET, series, no)
        return None if row is None else _invoice(row)

    async def of_drive(self, drive: str) -> list[Invoice]:
        return [_invoice(row) for row in await self._db.all(OF_DRIVE, drive)]

    async def newest(self, since: int = 0, limit: int = 100) -> list[Invoice]:
        return [_invoice(row) for row in await self._db.all(NEWEST, since, limit)]


def _invoice(row: Row) -> Invoice:
    values: list[Any] = [*row[:6], Decimal(row[6]), Decimal(row[7]), bytes(row[8])]
    return Invoice(**dict(zip(Invoice.__struct_fields__, values, strict=True)))
