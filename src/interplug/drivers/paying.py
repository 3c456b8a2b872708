"""Paying by card at the start: who has to, how much is held, and that nothing is asked of an operator before it is.

The amount is the tariff's `preauthorize_amount` where it names one, else what the configured kWh cost at this plug at the price of the
deal, in whole units and within the configured bounds; without a known price it is the most that may be held.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from fnmatch import fnmatchcase
from typing import Any

from interplug.config import Payments
from interplug.model.power import watts_of
from interplug.model.said import said
from interplug.modules.node import Node
from interplug.payments import states
from interplug.payments.port import Found, NoAnswer, Refused, coins
from interplug.payments.providers import till_of
from interplug.payments.till import Till
from interplug.store.drivers import Drive
from interplug.store.payments import Payment
from interplug.store.tx import Tx

from .deals import Deal, pinned
from .drives import add, happened, paid
from .estimate import LEAST_KW, Wish, currency_of, estimate, tariffs_of
from .plugs import NotPossible, Plug
from .purse import Purse
from .receipt import Amount
from .states import PAYING

log = logging.getLogger(__name__)
Document = dict[str, Any]
ONE = Decimal(1)
_ROUGHLY = """
    AED 4   ALL 100  AUD 1.7  CAD 1.6   CHF 1   CNY 8   CZK 25    DKK 7.5  GBP 0.85  HUF 400  ILS 4  INR 95
    ISK 145 JPY 160  KRW 1600 MDL 20    MKD 62  NOK 11.5 PLN 4.3  RON 5    RSD 117   SEK 11.5 TRY 45 UAH 48  USD 1
""".split()
ROUGHLY = dict(zip(_ROUGHLY[::2], map(Decimal, _ROUGHLY[1::2]), strict=True))
"""How many make about a euro: no rate to count by, but a bound of 100 euros is none of 100 crowns. All others count as one."""
NOT_PAID = said("It was not paid, so nothing was started.")


class Desk:
    """`paying` of `drives.start`, and what the pages ask about payments."""

    def __init__(self, till: Till) -> None:
        self.till, self.node = till, till.node
        self.purse = Purse(till)
        self.settings = till.node.settings.payments

    def by_card(self, token: Document | None) -> bool:
        return pays_by_card(self.settings, token)

    def hold(self, deal: Deal, connector: Document, zone: str | None) -> Amount:
        return hold_of(self.settings, deal, watts_of(connector), zone, self.node.clock())

    async def first(self, drive: Drive, token: Document, plug: Plug, *, reader: str = "", method: str = "") -> Drive:
        """`reader`: the terminal at which the card is presented; `method`: what the driver has saved, and wants to pay with."""
        saved = await self.purse.find(drive.driver, method) if method else None
        customer = "" if reader else await self.purse.customer(drive.driver)
        wanted = self.hold(pinned(drive), plug.connector, plug.location.document.get("time_zone"))
        now = self.node.clock()
        drive.state, drive.deadline = PAYING, self.node.after(self.settings.pay_within * 60)
        name = secrets.token_hex(16)
        payment = Payment(
            id=name,
            drive=drive.id,
            contract=token["contract_id"],
            provider=self.till.provider.name,
            state=states.CREATED,
            currency=wanted.currency,
            wanted=wanted.shown,
            key=f"{name}.authorize",
            asked_at=now,
            created_at=now,
            changed_at=now,
            reader=reader,
            customer=customer,
            method=saved.reference if saved is not None and customer else "",
        )

        async def work(tx: Tx) -> None:
            await add(tx, self.node, drive)
            await tx.payments.add(payment)
            await tx.payments.say(name, now, "asked: authorize", key=payment.key, amount=payment.wanted)

        await self.node.store.write(work)
        return await self.go_on(await self.till.begin(payment))

    async def go_on(self, payment: Payment) -> Drive:
        """What the payment's state means for a drive that waits for it."""
        if payment.state in states.HOLDING:
            drive = await paid(self.node, payment.drive)
            if drive is not None:
                return drive
        elif payment.state in states.UNPAID:
            return await happened(self.node, payment.drive, "unpaid", payment.reason or NOT_PAID)
        return await self._drive(payment.drive)

    async def look(self, drive: str) -> Found | None:
        """The driver is back from the provider's page, or about to go there: how does it stand?"""
        payment = await self.of_drive(drive)
        if payment is None:
            return None
        payment, found = await self.till.look(payment.id)
        await self.go_on(payment)
        return found

    async def give_up(self, drive: Drive) -> Drive:
        """The driver does not want to pay: the drive is over, and what may be held is let go."""
        if drive.state != PAYING:
            raise NotPossible(said("There is nothing to give up now."))
        return await happened(self.node, drive.id, "unpaid", said("You have given the start up."))

    async def hint(self, headers: Mapping[str, str], body: bytes) -> None:
        """A webhook: somebody has to look at the payment. Raises `BadWebhook`."""
        reference = self.till.provider.parse_webhook(headers, body)

        async def work(tx: Tx) -> Payment | None:
            payment = await tx.payments.of_reference(self.till.provider.name, reference)
            if payment is not None:
                await tx.payments.say(payment.id, self.node.clock(), "webhook")
            return payment

        payment = await self.node.store.write(work)
        if payment is not None:
            await self.go_on((await self.till.look(payment.id))[0])

    async def form(self, drive: str) -> str:
        """What the provider's field needs to offer that the card is remembered; empty: it does not offer it."""
        payment = await self.of_drive(drive)
        if payment is None or not payment.customer:
            return ""
        try:
            return await self.till.provider.form(payment.customer)
        except (NoAnswer, Refused) as error:
            log.warning("the provider does not offer to remember a card: %s", error)
            return ""

    async def same_method(self, drive: Drive) -> str:
        """What a drive was paid with, where that is still saved and so can be again."""
        payment = await self.of_drive(drive.id)
        if payment is None or not payment.method:
            return ""
        return next((one.id for one in await self.purse.saved(drive.driver) if one.reference == payment.method), "")

    async def of_drive(self, drive: str) -> Payment | None:
        return await self.node.store.read(lambda tx: tx.payments.of_drive(drive))

    async def _drive(self, id: str) -> Drive:
        found = await self.node.store.read(lambda tx: tx.drivers.get(id))
        assert found is not None
        return found


def desk_of(node: Node) -> Desk | None:
    """None: nobody takes money here."""
    till = till_of(node)
    return None if till is None else Desk(till)


def pays_by_card(settings: Payments, token: Document | None) -> bool:
    """Whether nothing may start for this driver before money is held."""
    contract, group = (token or {}).get("contract_id") or "", (token or {}).get("group_id") or ""
    if settings.provider == "none" or settings.method == "invoice":
        return False
    return group not in settings.invoice_groups and not any(fnmatchcase(contract, one) for one in settings.invoice_contracts)


def hold_of(settings: Payments, deal: Deal, power: int, zone: str | None, now: int) -> Amount:
    """How much is held before a start at a plug of this power (watts)."""
    named = _preauthorized(tariffs_of(deal), settings)
    if named is not None:
        return named
    kw = max(Decimal(power) / 1000, LEAST_KW)
    found = estimate(deal, Wish(Decimal(str(settings.hold_kwh)), kw, kw), power, "", zone, now)
    if found is None:
        currency = currency_of(deal) or settings.currency
        return Amount(currency, None, bound(settings, settings.hold_most, currency))
    cost, currency = found.total.shown.to_integral_value(ROUND_CEILING), found.total.currency
    least, most = (bound(settings, one, currency) for one in (settings.hold_least, settings.hold_most))
    return Amount(currency, None, min(max(cost, least), most))


def bound(settings: Payments, amount: float, currency: str) -> Decimal:
    """Of a hold, which is configured in one currency; another one may have coins of a hundredth of the worth."""
    worth = ROUGHLY.get(currency, ONE) / ROUGHLY.get(settings.currency, ONE) if currency != settings.currency else ONE
    return coins(Decimal(str(amount)) * worth, currency)


def _preauthorized(tariffs: Iterable[Document], settings: Payments) -> Amount | None:
    for tariff in tariffs:
        currency = tariff["currency"].upper()
        named = coins(Decimal(str(tariff.get("preauthorize_amount") or 0)), currency)
        if named > 0:
            return Amount(currency, None, min(named, bound(settings, settings.hold_most, currency)))
    return None
