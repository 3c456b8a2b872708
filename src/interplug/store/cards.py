"""Tokens of a driver besides that of the page (cards; those of guests who came to be this driver), and orders of cards.

Whether a Token is good stands in the Token itself, among the objects. Uids are folded here. The address of an order is kept until the card
is on its way, or the order is none any more.
"""

from __future__ import annotations

import msgspec

from interplug.model.types import fold
from interplug.store.database import Database

CARD = "kind, uid, driver, contract_id, label, created_at"
ADD = f"insert into card ({CARD}) values (?, ?, ?, ?, ?, ?) on conflict (kind, uid) do nothing"
GET = f"select {CARD} from card where kind = ? and uid = ?"
OF_DRIVER = f"select {CARD} from card where driver = ? order by created_at, uid"
HAND_OVER = "update card set driver = ? where driver = ?"
LABEL = "update card set label = ? where kind = ? and uid = ?"
ORDER = "id, driver, label, address, state, uid, ordered_at, ended_at"
ADD_ORDER = f"insert into card_order ({ORDER}) values (?, ?, ?, ?, ?, ?, ?, ?)"
GET_ORDER = f"select {ORDER} from card_order where id = ?"
ORDERS_OF = f"select {ORDER} from card_order where driver = ? order by ordered_at desc"
ORDERS_IN = f"select {ORDER} from card_order where state = ? order by ordered_at limit ?"
END_ORDER = "update card_order set state = ?, uid = ?, address = '', ended_at = ? where id = ? and state = ?"
FORGET_ORDERS = "delete from card_order where driver = ?"
RFID = "RFID"
ORDERED, SENT, CANCELLED = "ordered", "sent", "cancelled"


class Card(msgspec.Struct, frozen=True):
    kind: str
    uid: str
    driver: str
    contract_id: str
    label: str
    created_at: int


class Order(msgspec.Struct, frozen=True):
    id: str
    driver: str
    label: str
    address: str
    state: str
    uid: str
    ordered_at: int
    ended_at: int = 0


class Cards:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, card: Card) -> bool:
        """False: it is somebody's already."""
        return await self._db.execute(ADD, card.kind, fold(card.uid), *msgspec.structs.astuple(card)[2:]) > 0

    async def get(self, kind: str, uid: str) -> Card | None:
        row = await self._db.one(GET, kind, fold(uid))
        return None if row is None else Card(*row)

    async def of_driver(self, driver: str) -> list[Card]:
        return [Card(*row) for row in await self._db.all(OF_DRIVER, driver)]

    async def hand_over(self, driver: str, to: str) -> None:
        await self._db.execute(HAND_OVER, to, driver)

    async def label(self, card: Card, label: str) -> None:
        await self._db.execute(LABEL, label, card.kind, card.uid)

    # --- orders

    async def order(self, order: Order) -> None:
        await self._db.execute(ADD_ORDER, *msgspec.structs.astuple(order))

    async def get_order(self, id: str) -> Order | None:
        row = await self._db.one(GET_ORDER, id)
        return None if row is None else Order(*row)

    async def orders_of(self, driver: str) -> list[Order]:
        return [Order(*row) for row in await self._db.all(ORDERS_OF, driver)]

    async def orders_in(self, state: str, limit: int) -> list[Order]:
        return [Order(*row) for row in await self._db.all(ORDERS_IN, state, limit)]

    async def end_order(self, id: str, state: str, now: int, uid: str = "") -> bool:
        """The address goes with it. False: it had ended before."""
        return await self._db.execute(END_ORDER, state, uid, now, id, ORDERED) > 0

    async def forget_orders(self, driver: str) -> None:
        await self._db.execute(FORGET_ORDERS, driver)
