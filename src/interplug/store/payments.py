"""Payments, one row each, and what was asked and answered about them, which is only ever added to.

States are those of `payments/states.py`; this file knows none of them by name. `look_at` is when somebody has to look at a payment again:
whatever may change what it comes to sets it to 0 in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from interplug.store.database import Database, Numbers, Row
from interplug.store.drivers import CHANGE

ZERO = Decimal()
NEVER = 2**62
"""When a payment is looked at that is over: when something wakes it."""
FIELDS = (
    "id, drive, contract, provider, reference, state, reason, currency, wanted, held, captured, refunded, due, basis, key, amount, "
    "asked_at, tries, look_at, woken, since, expires_at, warned, stopped_at, created_at, changed_at, reader, slip, "
    "customer, method"
)
NAMES = tuple(FIELDS.split(", "))
ADD = f"insert into payment ({FIELDS}) values ({', '.join('?' for _ in NAMES)})"
UPDATE = f"update payment set {', '.join(f'{name} = ?' for name in NAMES[1:])} where id = ?"
GET = f"select {FIELDS} from payment where id = ?"
OF_DRIVE = f"select {FIELDS} from payment where drive = ? order by created_at, id"
OF_REFERENCE = f"select {FIELDS} from payment where provider = ? and reference = ?"
TO_LOOK_AT = f"select {FIELDS} from payment where look_at <= ? order by look_at, id limit ?"
OF_CUSTOMER = "select state from payment where provider = ? and customer = ?"
NEWEST = f"select {FIELDS} from payment where created_at >= ? order by created_at desc, id limit ?"
LOOK = "update payment set look_at = 0, woken = woken + 1 where drive = ?"
SAID = "insert into payment_event (payment, at, what, key, amount, said) values (?, ?, ?, ?, ?, ?)"
EVENTS = "select no, at, what, key, amount, said from payment_event where payment = ? order by no"
TEST_GET = "select document from test_provider where name = ?"
TEST_PUT = "insert into test_provider (name, document) values (?, ?) on conflict (name) do update set document = excluded.document"


class Payment(msgspec.Struct, kw_only=True):
    """`wanted` is what shall be held, `held` what is; `due` what all this comes to in the end (None: not known yet), for `basis`.

    `key`, `amount` and `asked_at` are those of the request that has no answer yet. `since` is when the drive was first seen to have
    failed, `warned` and `stopped_at` what was done because the hold was nearly used up. `reader` is the terminal at which the card is
    presented, empty: it is entered on a page; `slip` what of the card may stand on a receipt, line by line. `customer` is who pays, as the
    provider knows a driver with an account, and `method` what he had saved there and wants to pay with; both may be empty.
    """

    id: str
    drive: str
    contract: str
    provider: str
    reference: str = ""
    state: str
    reason: str = ""
    currency: str
    wanted: Decimal
    held: Decimal = ZERO
    captured: Decimal = ZERO
    refunded: Decimal = ZERO
    due: Decimal | None = None
    basis: str = ""
    key: str = ""
    amount: Decimal = ZERO
    asked_at: int = 0
    tries: int = 0
    look_at: int = 0
    woken: int = 0
    since: int = 0
    expires_at: int = 0
    warned: int = 0
    stopped_at: int = 0
    created_at: int
    changed_at: int
    reader: str = ""
    slip: str = ""
    customer: str = ""
    method: str = ""

    @property
    def kept(self) -> Decimal:
        """What the driver has paid."""
        return self.captured - self.refunded


class Event(msgspec.Struct, frozen=True):
    no: int
    at: int
    what: str
    key: str
    amount: str
    said: str


DECIMALS = frozenset(("wanted", "held", "captured", "refunded", "due", "amount"))


class Payments:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def add(self, payment: Payment) -> None:
        await self._db.execute(ADD, *_values(payment))
        await self._db.execute(CHANGE, self._numbers.take(), payment.drive)

    async def update(self, payment: Payment) -> None:
        """Its drive takes a change number, so that a page that waits for the log sees it."""
        values = _values(payment)
        await self._db.execute(UPDATE, *values[1:], payment.id)
        await self._db.execute(CHANGE, self._numbers.take(), payment.drive)

    async def get(self, id: str) -> Payment | None:
        return _payment(await self._db.one(GET, id))

    async def of_drive(self, drive: str) -> Payment | None:
        return _payment(await self._db.one(OF_DRIVE, drive))

    async def of_reference(self, provider: str, reference: str) -> Payment | None:
        return _payment(await self._db.one(OF_REFERENCE, provider, reference)) if reference else None

    async def states_of(self, provider: str, customer: str) -> list[str]:
        """How all payments of a customer stand."""
        return [str(row[0]) for row in await self._db.all(OF_CUSTOMER, provider, customer)]

    async def to_look_at(self, now: int, limit: int = 200) -> list[Payment]:
        return [_made(row) for row in await self._db.all(TO_LOOK_AT, now, limit)]

    async def newest(self, since: int = 0, limit: int = 100) -> list[Payment]:
        return [_made(row) for row in await self._db.all(NEWEST, since, limit)]

    async def look(self, drive: str) -> None:
        """Something has happened to the drive. It is counted, too: who is just looking sees that it was not looked at yet."""
        await self._db.execute(LOOK, drive)

    async def say(self, payment: str, at: int, what: str, *, key: str = "", amount: Decimal | None = None, said: str = "") -> None:
        await self._db.execute(SAID, payment, at, what, key, "" if amount is None else f"{amount:f}", said)

    async def events(self, payment: str) -> list[Event]:
        return [Event(*row) for row in await self._db.all(EVENTS, payment)]

    # --- the accounts of the built-in test provider

    async def test_get(self, name: str) -> bytes | None:
        row = await self._db.one(TEST_GET, name)
        return None if row is None else bytes(row[0])

    async def test_put(self, name: str, document: bytes) -> None:
        await self._db.execute(TEST_PUT, name, document)


def _values(payment: Payment) -> Sequence[Any]:
    return [f"{one:f}" if isinstance(one, Decimal) else one for one in msgspec.structs.astuple(payment)]


def _payment(row: Row | None) -> Payment | None:
    return None if row is None else _made(row)


def _made(row: Row) -> Payment:
    values: list[Any] = [
        Decimal(value) if name in DECIMALS and value is not None else value for name, value in zip(NAMES, row, strict=True)
    ]
    return Payment(**dict(zip(NAMES, values, strict=True)))
