"""The till: asks the provider, and writes down what was asked before and what came back after.

First a row, then the network. A process may end anywhere in between: the row says what was asked with which key, and `settle` finds out
from the provider what became of it, and asks again with the same key where nothing did. One request of a payment is under way at a
time; whoever holds the row in its state has asked.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from interplug import faults
from interplug.modules.node import Node
from interplug.partners.presentation import root
from interplug.store.payments import NEVER, Payment
from interplug.store.tx import Tx

from . import states
from .deciding import Step, learned, next_step, step
from .port import Found, NoAnswer, PaymentProvider, Refused, Wish

SECOND = 1_000_000
MOST_STEPS = 8
"""One after the other in one look; more is no progress."""
FORGOTTEN = 23 * 3600 * SECOND
"""Providers remember a key for a day. A payment that was never answered has no reference by then: nobody can have paid into it."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0


class Till:
    def __init__(self, node: Node, provider: PaymentProvider) -> None:
        self.node, self.provider = node, provider

    async def settle(self, id: str) -> Payment:
        """Goes on with a payment as far as it can go now."""
        payment = await self.get(id)
        for _ in range(MOST_STEPS):
            before = (payment.state, payment.kept, payment.held)
            if payment.provider != self.provider.name:
                return payment
            if payment.state in states.ASKING:
                payment = await self._resume(payment)
            elif next_step(payment) is not None:
                payment = await self._ask(id, next_step)
            if (payment.state, payment.kept, payment.held) == before:
                break
        return payment

    def overdue(self, payment: Payment) -> int:
        """When whoever has asked does not wait for the answer any more."""
        return payment.asked_at + int(self.node.settings.payments.timeout * 2 * SECOND * self.node.speed)

    async def get(self, id: str) -> Payment:
        found = await self.node.store.read(lambda tx: tx.payments.get(id))
        assert found is not None
        return found

    async def begin(self, payment: Payment) -> Payment:
        """The first request for a row that was just written."""
        return await self._send(payment)

    async def increase(self, id: str, amount: Decimal) -> Payment:
        """Holds `amount` in all, if the provider will."""
        return await self._ask(id, lambda payment: step(payment, "raise", amount))

    async def look(self, id: str) -> tuple[Payment, Found | None]:
        """Asks the provider how the payment stands; None where it does not say."""
        payment = await self.get(id)
        if not payment.reference:
            payment = await self.settle(id)
            if not payment.reference:
                return payment, None
        try:
            found = await self.provider.find(payment.reference)
        except (NoAnswer, Refused) as error:
            await self._note(payment, "no answer", str(error))
            return payment, None
        return await self._learn(id, found, "found"), found

    # --- asking

    async def _resume(self, payment: Payment) -> Payment:
        """An answer is missing. Whoever has asked may still be waiting for it, until it is overdue or he has said that none came."""
        now = self.node.clock()
        if now < self.overdue(payment):
            return payment
        if payment.reference:
            before = payment.state
            payment, found = await self.look(payment.id)
            if found is None or payment.state != before:
                return payment
        elif now > payment.created_at + FORGOTTEN:
            return await self._moved(payment.id, "given up", "the provider never answered")
        if not await self._claim(payment, now):
            return payment
        return await self._send(payment)

    async def _claim(self, payment: Payment, now: int) -> bool:
        """Of several processes one asks again."""

        async def work(tx: Tx) -> bool:
            row = await tx.payments.get(payment.id)
            assert row is not None
            if (row.state, row.asked_at) != (payment.state, payment.asked_at):
                return False
            row.asked_at = payment.asked_at = now
            await tx.payments.update(row)
            await tx.payments.say(row.id, now, f"asked again: {row.state}", key=row.key, amount=row.amount)
            return True

        return await self.node.store.write(work)

    async def _ask(self, id: str, decide: Callable[[Payment], Step | None]) -> Payment:
        """Decided on the row as it is in the transaction that says so."""
        now = self.node.clock()

        async def work(tx: Tx) -> tuple[Payment, bool]:
            row = await tx.payments.get(id)
            assert row is not None
            wanted = decide(row)
            state = None if wanted is None else states.advance(row.state, wanted.event)
            if wanted is None or state is None:
                return row, False
            row.state, row.key, row.amount, row.asked_at, row.changed_at = state, wanted.key, wanted.amount, now, now
            row.look_at = self.overdue(row)
            await tx.payments.update(row)
            await tx.payments.say(id, now, f"asked: {wanted.event}", key=wanted.key, amount=wanted.amount)
            return row, True

        row, asked = await self.node.store.write(work)
        return await self._send(row) if asked else row

    async def _send(self, payment: Payment) -> Payment:
        faults.at("payments.before_asking")
        try:
            found = await self._said(payment)
        except Refused as error:
            faults.at("payments.before_answer")
            return await self._moved(payment.id, "refused", str(error))
        except NoAnswer as error:
            await self._note(payment, "no answer", str(error), waits=False)
            return await self.get(payment.id)
        faults.at("payments.before_answer")
        made = await self._learn(payment.id, found, "answered")
        faults.at("payments.after_answer")
        return made

    async def _said(self, payment: Payment) -> Found:
        ask, reference, amount, currency, key = self.provider, payment.reference, payment.amount, payment.currency, payment.key
        if payment.state == states.CREATED:
            return await ask.authorize(self.wish(payment), key)
        if payment.state == states.RAISING:
            return await ask.increment(reference, amount, currency, key)
        if payment.state == states.CAPTURING:
            return await ask.capture(reference, amount, currency, key)
        if payment.state == states.REFUNDING:
            return await ask.refund(reference, amount - payment.refunded, currency, key)
        return await ask.void(reference, key)

    def wish(self, payment: Payment) -> Wish:
        return Wish(
            payment=payment.id,
            amount=payment.wanted,
            currency=payment.currency,
            text=f"Charging, drive {payment.drive[:8]}",
            return_url=f"{root(self.node.settings)}/drives/{payment.drive}/paid",
            reader=payment.reader,
            customer=payment.customer,
            method=payment.method,
        )

    # --- writing down

    async def _learn(self, id: str, found: Found, what: str) -> Payment:
        async def work(tx: Tx) -> Payment:
            payment = await tx.payments.get(id)
            assert payment is not None
            if learned(payment, found):
                payment.changed_at, payment.look_at = self.node.clock(), 0
                await tx.payments.update(payment)
                await tx.payments.say(id, self.node.clock(), f"{what}: {found.status}", amount=_figure(found), said=found.reason)
                # Its card may be remembered since, or be known no longer.
                await tx.methods.look(payment.provider, payment.customer)
            return payment

        return await self.node.store.write(work)

    async def _moved(self, id: str, event: str, reason: str) -> Payment:
        async def work(tx: Tx) -> Payment:
            payment = await tx.payments.get(id)
            assert payment is not None
            state = states.advance(payment.state, event)
            now = self.node.clock()
            await tx.payments.say(id, now, f"{event}: {payment.state}", key=payment.key, amount=payment.amount, said=reason)
            payment.tries += 1
            payment.look_at, payment.reason, payment.changed_at = self._after(payment), reason, now
            if state is not None:
                payment.state, payment.key, payment.amount = state, "", Decimal()
            await tx.payments.update(payment)
            await tx.methods.look(payment.provider, payment.customer)
            return payment

        return await self.node.store.write(work)

    async def _note(self, payment: Payment, what: str, reason: str, *, waits: bool = True) -> None:
        """`waits`: whoever has asked for the payment's next state may be waiting for the answer still."""

        async def work(tx: Tx) -> None:
            row = await tx.payments.get(payment.id)
            assert row is not None
            await tx.payments.say(row.id, self.node.clock(), what, key=row.key, amount=row.amount, said=reason)
            row.tries += 1
            row.look_at = self._after(row)
            if not waits and row.asked_at == payment.asked_at:
                row.asked_at = 0
            await tx.payments.update(row)

        await self.node.store.write(work)

    def _after(self, payment: Payment) -> int:
        if payment.state in (states.FAILED,):
            return NEVER
        return self.node.after(min(FIRST_PAUSE * 2 ** min(payment.tries, 20), LONGEST_PAUSE))


def _figure(found: Found) -> Decimal:
    return found.refunded or found.captured or found.held
