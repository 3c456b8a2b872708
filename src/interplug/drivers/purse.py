"""The purse of a driver with an account: ways to pay that the payment provider remembers, and our rows of what may be shown of them.

The provider's word counts. After a payment of a customer has moved, and after a driver has removed something, our rows are brought level
with what it remembers (`tick`): what is new comes in, what it knows no longer goes, and what has ended here it is told to forget. A process
that ends in between is no matter: the row says that somebody has still to look. A guest has no purse.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from interplug.model.said import said
from interplug.payments.port import Method, NoAnswer, Refused
from interplug.payments.states import ENDED
from interplug.payments.till import Till
from interplug.store.methods import NEVER, Payer, Saved
from interplug.store.tx import Tx

from .plugs import NotPossible

log = logging.getLogger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 6 * 3600.0
HELD_YET = 24 * 3600.0
"""Seconds until it is looked again whether anything of an erased driver is held still."""
AGAIN = 7 * 86_400.0
"""Seconds after which it is asked again what is remembered: banks renew cards, and somebody may remove one at the provider."""
AT_REST = (*ENDED, "captured")
"""A payment for which the provider need not know its customer any more: it can be refunded all the same."""
NOT_KEPT = said("This card is not kept here any more. Choose another one.")


class Purse:
    def __init__(self, till: Till) -> None:
        self.node, self.provider = till.node, till.provider

    async def saved(self, driver: str) -> list[Saved]:
        """What can be chosen, the usual one first."""
        return await self.node.store.read(lambda tx: tx.methods.of_driver(driver, self.provider.name))

    async def find(self, driver: str, id: str) -> Saved:
        found = next((one for one in await self.saved(driver) if one.id == id), None)
        if found is None:
            raise NotPossible(NOT_KEPT)
        return found

    async def customer(self, driver: str) -> str:
        """As the provider knows the driver; empty: a guest, or it does not answer, and nothing will be remembered then."""

        async def work(tx: Tx) -> Payer | None:
            if not driver or await tx.accounts.get(driver) is None:
                return None
            found = await tx.methods.payer_of(driver, self.provider.name)
            if found is None:
                found = Payer(id=secrets.token_hex(16), driver=driver, provider=self.provider.name)
                await tx.methods.add_payer(found)
            return found

        payer = await self.node.store.write(work)
        if payer is None or payer.customer:
            return "" if payer is None else payer.customer
        try:
            name = await self.provider.customer(payer.id, f"{payer.id}.customer")
        except (NoAnswer, Refused) as error:
            log.warning("the provider has made no customer: %s", error)
            return ""
        await self.node.store.write(lambda tx: tx.methods.name(payer.id, name))
        return name

    async def use(self, driver: str, id: str) -> None:
        """From now on this is the usual one."""
        found = msgspec.structs.replace(await self.find(driver, id), usual_at=self.node.clock())
        await self.node.store.write(lambda tx: tx.methods.put(found))

    async def remove(self, driver: str, id: str) -> None:
        found = await self.find(driver, id)
        await self.node.store.write(lambda tx: tx.methods.end(found, self.node.clock()))

    # --- level with the provider

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            head = await self.node.store.look()
            await self.tick()
            await self.node.store.changed(head, 5.0)

    async def tick(self) -> None:
        for payer in await self.node.store.read(lambda tx: tx.methods.to_look_at(self.provider.name, self.node.clock())):
            try:
                await self.level(payer)
            except Exception:
                log.exception("the purse of payer %s could not be seen to", payer.id)
                await self._later(payer, FIRST_PAUSE)

    async def level(self, payer: Payer) -> None:
        try:
            for one in await self.node.store.read(lambda tx: tx.methods.of_payer(payer.id)):
                if one.ended_at:
                    await self._detach(one)
            if payer.erased_at:
                await self._forget(payer)
                return
            found = await self._remembered(payer)
        except NoAnswer as error:
            log.warning("the provider does not say what it remembers: %s", error)
            await self._later(payer, min(FIRST_PAUSE * 2 ** min(payer.tries, 20), LONGEST_PAUSE))
            return
        await self.node.store.write(lambda tx: self._take(tx, payer, found))

    async def _remembered(self, payer: Payer) -> list[Method] | None:
        """None: the provider does not know this customer any more."""
        if not payer.customer:
            return []
        try:
            return await self.provider.methods(payer.customer)
        except Refused:
            return None

    async def _detach(self, one: Saved) -> None:
        try:
            await self.provider.detach(one.reference, f"{one.id}.detach")
        except Refused as error:
            log.info("the provider does not remember what was removed: %s", error)
        await self.node.store.write(lambda tx: tx.methods.drop(one.id))

    async def _forget(self, payer: Payer) -> None:
        """Once nothing of an erased driver is held: what is held may still have to be captured."""
        states = await self.node.store.read(lambda tx: tx.payments.states_of(payer.provider, payer.customer)) if payer.customer else []
        if any(state not in AT_REST for state in states):
            await self._later(payer, HELD_YET)
            return
        if payer.customer:
            try:
                await self.provider.forget(payer.customer, f"{payer.id}.forget")
            except Refused as error:
                log.info("the provider does not know who was erased: %s", error)
        await self.node.store.write(lambda tx: tx.methods.drop_payer(payer.id))

    async def _take(self, tx: Tx, payer: Payer, found: Sequence[Method] | None) -> None:
        now = await tx.methods.payer(payer.id)
        if now is None or now.erased_at:
            return
        if found is None:
            await tx.methods.drop_payer(payer.id)  # the next payment makes another customer
            return
        rows = {one.reference: one for one in await tx.methods.of_payer(payer.id)}
        for gone in rows.keys() - {one.reference for one in found}:
            await tx.methods.drop(rows[gone].id)
        ended = False
        newest: dict[str, Saved] = {}
        for one in found:
            row = self._row(payer, one, rows.get(one.reference))
            same = newest.get(one.mark) if one.mark else None
            if same is None:
                newest[one.mark or one.reference] = row
                await tx.methods.put(row)
            elif not row.ended_at:
                # The same card once more: the newer one stands in for it.
                ended = True
                await tx.methods.put(msgspec.structs.replace(row, ended_at=self.node.clock()))
                if row.usual_at > same.usual_at:
                    newest[one.mark] = same = msgspec.structs.replace(same, usual_at=row.usual_at)
                    await tx.methods.put(same)
        await tx.methods.looked(payer, 0 if ended else self.node.after(AGAIN) if found else NEVER)

    def _row(self, payer: Payer, one: Method, row: Saved | None) -> Saved:
        told: dict[str, Any] = {
            "reference": one.reference,
            "mark": one.mark,
            "brand": one.brand,
            "last4": one.last4,
            "month": one.month,
            "year": one.year,
        }
        if row is None:
            return Saved(id=secrets.token_hex(16), payer=payer.id, saved_at=self.node.clock(), **told)
        return msgspec.structs.replace(row, **told)

    async def _later(self, payer: Payer, seconds: float) -> None:
        await self.node.store.write(lambda tx: tx.methods.looked(payer, self.node.after(seconds), payer.tries + 1))
