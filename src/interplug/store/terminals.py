"""Charges at payment terminals, as their operator: which CDR of ours a provider of terminals (PTP) knows by which reference, and the newest
confirmation of its payment."""

from __future__ import annotations

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database

BILL = "connection, reference, cdr, confirmation"
PUT_BILL = f"insert into terminal_bill ({BILL}) values (?, ?, ?, 0) on conflict (connection, reference) do update set cdr = excluded.cdr"
GET_BILL = f"select {BILL} from terminal_bill where connection = ? and reference = ?"
CONFIRM = "update terminal_bill set confirmation = ? where connection = ? and reference = ?"


class Bill(msgspec.Struct, frozen=True):
    """`cdr` and `confirmation` are numbers of objects, 0 where there is none yet."""

    connection: int
    reference: str
    cdr: int
    confirmation: int = 0


class Terminals:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def bill_is(self, connection: int, reference: str, cdr: int) -> None:
        """The newest CDR with that reference: a correction takes the place of the first."""
        await self._db.execute(PUT_BILL, connection, fold(reference), cdr)

    async def bill(self, connection: int, reference: str) -> Bill | None:
        row = await self._db.one(GET_BILL, connection, fold(reference))
        return None if row is None else Bill(*row)

    async def confirm(self, bill: Bill, confirmation: int) -> None:
        await self._db.execute(CONFIRM, confirmation, bill.connection, bill.reference)
