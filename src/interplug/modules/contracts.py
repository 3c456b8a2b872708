"""Our own Tokens by contract: a 2.1.1 Session or CDR names its Token by auth_id alone (SES-043).

An index in memory that follows the change log: built at first use, brought up to date by what changed since. It knows own
Tokens only, and of several Tokens of one contract the one that changed last.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from interplug.model.types import fold
from interplug.store.keys import OWN, Key
from interplug.store.store import Store
from interplug.store.tx import Tx

BATCH = 1000


class Contracts:
    __slots__ = ("keys", "reached")

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.reached = 0

    async def follow(self, tx: Tx) -> None:
        while changes := await tx.objects.changes(self.reached, BATCH, ("tokens",)):
            for change in changes:
                self.reached = change.no
                if change.source == OWN and (stored := await tx.objects.get(change.key)) is not None:
                    self.keys[fold(stored.document["contract_id"])] = stored.key

    async def token(self, tx: Tx, contract: str) -> dict[str, Any] | None:
        await self.follow(tx)
        key = self.keys.get(fold(contract))
        stored = await tx.objects.get(key) if key is not None else None
        return stored.document if stored is not None else None


_OF: WeakKeyDictionary[Store, Contracts] = WeakKeyDictionary()


async def token(store: Store, contract: str) -> dict[str, Any] | None:
    """The own Token with this contract_id (2.1.1: auth_id), or None."""
    known = _OF.setdefault(store, Contracts())

    async def work(tx: Tx) -> dict[str, Any] | None:
        return await known.token(tx, contract)

    return await store.read(work)
