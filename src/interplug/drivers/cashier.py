"""The cashier: one loop that gives every payment its end.

Whatever may change what a payment comes to (a Session, a CDR, the state of the drive, an answer, a webhook) sets it to be looked at; so
does the clock. A look reads the rows, decides (`dues.py`), writes that down, and lets the till ask the provider. A process that ends
in between is no matter: the next one looks again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import replace

import msgspec

from interplug.model.said import said
from interplug.model.types import parse_time
from interplug.payments import states as paying
from interplug.payments.deciding import next_step
from interplug.store.bills import Bill
from interplug.store.commands import Command
from interplug.store.drivers import Drive
from interplug.store.payments import NEVER, Payment
from interplug.store.tx import Tx

from . import states
from .answers import not_asked
from .drives import move, stop
from .dues import RETRY, Known, Verdict, decide
from .invoicing import after_payment
from .paying import NOT_PAID, Desk, bound
from .plugs import NotPossible
from .receipt import live
from .reconciling import reconcile
from .terminals import advice

log = logging.getLogger(__name__)
POLL = 3.0
"""Seconds between looks at a payment that waits for its driver; the page and webhooks are sooner."""
DAY = 86_400 * 1_000_000
RECONCILED = 60 * DAY
AT_ONCE = 8
LOOKED_AT = (paying.ACTION, paying.DISPUTED)
"""What moves at the provider without us."""
USED_UP = said("The amount that is held is nearly used up, so charging was stopped.")


class Cashier:
    def __init__(self, desk: Desk) -> None:
        self.desk, self.till, self.node = desk, desk.till, desk.node
        self.settings = desk.settings

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                group.create_task(self._compare())
        except ExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _watch(self) -> None:
        while True:
            head = await self.node.store.look()
            await self.tick()
            await self.node.store.changed(head, 1.0)

    async def _compare(self) -> None:
        """Beside all else: of many payments the provider is asked one after the other, and meanwhile cars charge."""
        began = 0
        while True:
            if self.node.clock() >= began + DAY:
                began = self.node.clock()
                await self.reconcile()
            await asyncio.sleep(1.0)

    async def tick(self) -> None:
        waiting = await self.node.store.read(lambda tx: tx.payments.to_look_at(self.node.clock()))
        for first in range(0, len(waiting), AT_ONCE):
            await asyncio.gather(*(self._seen(one.id) for one in waiting[first : first + AT_ONCE]))

    async def reconcile(self) -> None:
        """Once a day: what the provider says is taken over, and differences are told."""
        found = await reconcile(self.till, self.node.clock() - RECONCILED)
        for kind, several in sorted(Counter(one.kind for one in found).items()):
            log.warning("%d payments differ (%s); `interplug payment reconcile` tells which", several, kind)

    async def _seen(self, id: str) -> None:
        try:
            await self.see_to(id)
        except Exception:
            log.exception("payment %s could not be seen to", id)
            await self._later(id)

    async def see_to(self, id: str) -> Payment:
        """All that can be done about a payment now."""
        payment = await self.till.get(id)
        known = await self._known(payment)
        verdict = decide(known, self.settings)
        payment, holds = await self._write(payment, known.drive, verdict)
        if not holds:
            return payment
        if payment.state in LOOKED_AT or (payment.tries and payment.state not in paying.ASKING + paying.ENDED):
            payment, _ = await self.till.look(id)
        payment = await self.till.settle(id)
        if known.drive.state == states.PAYING and not verdict.over:
            await self.desk.go_on(payment)
        if verdict.warn and not payment.warned:
            payment = await self._warned(payment)
            verdict = decide(replace(known, payment=payment), self.settings)  # it may hold more now
        if verdict.stop:
            await self._stop(payment, known.drive)
        return payment

    async def _known(self, payment: Payment) -> Known:
        async def work(tx: Tx) -> tuple[Drive, list[Bill], Command | None]:
            drive = await tx.drivers.get(payment.drive)
            assert drive is not None
            return drive, await tx.bills.of_drive(drive.id), await tx.commands.get(drive.command) if drive.command else None

        drive, bills, command = await self.node.store.read(work)
        view = await live(self.node, drive)
        return Known(
            payment=payment,
            drive=drive,
            bills=bills,
            cost=view.cost,
            ended=view.ended or (parse_time(view.session.document["last_updated"]) if view.session else drive.created_at),
            now=self.node.clock(),
            speed=self.node.speed,
            asked=command is not None and not not_asked(command),
        )

    async def _write(self, payment: Payment, drive: Drive, verdict: Verdict) -> tuple[Payment, bool]:
        """The payment as it is now, and whether the verdict is written: where something has happened to the drive since it was read
        (a hold that came at the last moment, so that a start was asked for), it is looked at again instead."""
        now = self.node.clock()

        async def work(tx: Tx) -> tuple[Payment, bool]:
            row = await tx.payments.get(payment.id)
            assert row is not None
            if row.woken != payment.woken:
                return row, False
            before = msgspec.structs.replace(row)
            failed = drive.state == states.FAILED
            row.since = (row.since or now) if failed else 0
            if verdict.due is not None and (verdict.due, verdict.basis) != (row.due, row.basis):
                row.due, row.basis = verdict.due, verdict.basis
                await tx.payments.say(row.id, now, "due", amount=row.due, said=row.basis)
            row.look_at = self._next(row, verdict, now)
            if next_step(row) is not None and row.provider == self.till.provider.name:
                row.look_at = 0  # until it is asked for: this process may end before
            if row.look_at == NEVER and row.state in (paying.CAPTURED, paying.REFUNDED):
                await after_payment(tx, self.node, row)
            if drive.terminal:
                await advice.tell(tx, self.node, drive, row)
            if row != before:
                row.changed_at = now
                await tx.payments.update(row)
            if verdict.over:
                await move(tx, self.node, drive, "unpaid", row.reason or NOT_PAID)
            return row, True

        return await self.node.store.write(work)

    def _next(self, row: Payment, verdict: Verdict, now: int) -> int:
        """When somebody has to look again: at a request without an answer sooner than at anything else."""
        if row.state in paying.ASKING:
            return min(
                verdict.look_at, max(self.node.after(0), row.asked_at + int(self.settings.timeout * 2 * 1_000_000 * self.node.speed))
            )
        if row.state == paying.ACTION:
            return min(verdict.look_at, self.node.after(POLL))
        if row.state == paying.DISPUTED:
            return min(verdict.look_at, now + DAY)
        return verdict.look_at

    async def _warned(self, payment: Payment) -> Payment:
        """The driver sees it, and the hold is raised where that can be."""

        async def work(tx: Tx) -> None:
            row = await tx.payments.get(payment.id)
            assert row is not None
            row.warned, row.look_at = self.node.clock(), 0
            await tx.payments.update(row)
            await tx.payments.say(row.id, row.warned, "nearly used up")

        await self.node.store.write(work)
        most = bound(self.settings, self.settings.hold_most, payment.currency)
        wanted = min(payment.held + payment.wanted, max(most, payment.held))
        if not self.settings.raises or payment.state != paying.HELD or wanted <= payment.held:
            return payment
        payment = await self.till.increase(payment.id, wanted)
        if payment.state == paying.HELD and payment.held >= wanted:
            await self._unwarn(payment.id)
        return payment

    async def _unwarn(self, id: str) -> None:
        async def work(tx: Tx) -> None:
            row = await tx.payments.get(id)
            assert row is not None
            row.warned = 0
            await tx.payments.update(row)

        await self.node.store.write(work)

    async def _stop(self, payment: Payment, drive: Drive) -> None:
        now = self.node.clock()
        if now < payment.stopped_at + RETRY or drive.state != states.CHARGING:
            return

        async def work(tx: Tx) -> None:
            row = await tx.payments.get(payment.id)
            assert row is not None
            row.stopped_at = now
            await tx.payments.update(row)
            await tx.payments.say(row.id, now, "stopped the session", said=USED_UP)

        await self.node.store.write(work)
        try:
            await stop(self.node, drive)
        except NotPossible as error:
            log.warning("drive %s cannot be stopped: %s", drive.id, error)

    async def _later(self, id: str) -> None:
        async def work(tx: Tx) -> None:
            row = await tx.payments.get(id)
            assert row is not None
            row.look_at = self.node.after(POLL * 10)
            await tx.payments.update(row)

        await self.node.store.write(work)
