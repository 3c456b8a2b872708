"""Charges at payment terminals. States and events are those of `terminals/states.py`; this file knows none of them by name.

As operator: which CDR of ours a provider of terminals (PTP) knows by which reference, and the newest confirmation of its payment. As
PTP: one row for each card that was presented, written before anything is held or sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database, Numbers, Row

BILL = "connection, reference, cdr, confirmation"
ADD_BILL = f"insert into terminal_bill ({BILL}) values (?, ?, ?, 0) on conflict (connection, reference) do nothing"
GET_BILL = f"select {BILL} from terminal_bill where connection = ? and reference = ?"
CONFIRM = "update terminal_bill set confirmation = ? where connection = ? and reference = ?"
CARD = (
    "reference, terminal, connection, country, party, place, evse, connector, state, reason, hold, currency, held, captured, "
    "command, stop_command, session, cdr, confirmation, created_at, deadline, card, shown"
)
NAMES = tuple(CARD.split(", "))
PUT = f"insert into card_payment ({CARD}) values ({', '.join('?' for _ in NAMES)}) on conflict (reference) do update set " + ", ".join(
    f"{name} = excluded.{name}" for name in NAMES[1:]
)
GET = f"select {CARD} from card_payment where reference = ?"
IN_STATE = f"select {CARD} from card_payment where state = ? order by created_at, reference"
NEWEST = f"select {CARD} from card_payment where terminal = ? order by created_at desc, reference limit ?"


class Bill(msgspec.Struct, frozen=True):
    """`cdr` and `confirmation` are numbers of objects, 0 where there is none yet."""

    connection: int
    reference: str
    cdr: int
    confirmation: int = 0


class CardPayment(msgspec.Struct, kw_only=True):
    """`reference` is the authorization_reference; `hold` what the payment provider calls it, `card` what of it may stand on a receipt,
    `shown` the Tariffs that were shown. `session`, `cdr` and `confirmation` are numbers of objects, 0 where there is none."""

    reference: str
    terminal: int
    connection: int
    country: str
    party: str
    place: str
    evse: str
    connector: str
    state: str
    reason: str = ""
    hold: str = ""
    currency: str
    held: Decimal
    captured: Decimal = Decimal()
    command: str = ""
    stop_command: str = ""
    session: int = 0
    cdr: int = 0
    confirmation: int = 0
    created_at: int
    deadline: int
    card: bytes = b"[]"
    shown: bytes = b"[]"


class Terminals:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    # --- as operator

    async def bill_is(self, connection: int, reference: str, cdr: int) -> None:
        """The first CDR with that reference; a correction of it is found through that."""
        await self._db.execute(ADD_BILL, connection, fold(reference), cdr)

    async def bill(self, connection: int, reference: str) -> Bill | None:
        row = await self._db.one(GET_BILL, connection, fold(reference))
        return None if row is None else Bill(*row)

    async def confirm(self, bill: Bill, confirmation: int) -> None:
        await self._db.execute(CONFIRM, confirmation, bill.connection, bill.reference)

    # --- as provider

    async def put(self, payment: CardPayment) -> None:
        """Takes a change number, so that whoever waits for the log sees it."""
        self._numbers.take()
        await self._db.execute(PUT, *(str(one) if isinstance(one, Decimal) else one for one in msgspec.structs.astuple(payment)))

    async def get(self, reference: str) -> CardPayment | None:
        row = await self._db.one(GET, reference)
        return None if row is None else _payment(row)

    async def in_states(self, states: Sequence[str]) -> list[CardPayment]:
        return [_payment(row) for state in states for row in await self._db.all(IN_STATE, state)]

    async def newest(self, terminal: int, limit: int) -> list[CardPayment]:
        """Of one terminal, the newest first."""
        return [_payment(row) for row in await self._db.all(NEWEST, terminal, limit)]


def _payment(row: Row) -> CardPayment:
    values: dict[str, Any] = dict(zip(NAMES, row, strict=True))
    return CardPayment(**values | {name: Decimal(values[name]) for name in ("held", "captured")})
