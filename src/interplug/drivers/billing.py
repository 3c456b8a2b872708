"""The bill of a driver for each CDR that a partner sent: the volumes of the CDR at the price of the deal.

One more reader of the change log. A CDR of a drive is billed by what was shown before its start; one of an RFID card by the offer that
held when its session started; one of a charge at a terminal comes to what it says itself. A credit CDR takes back what was billed for the
one that it names, line for line and once, whichever of them comes first. What was bought stands beside what was sold; what is unknown is
unknown, with the reason. A second CDR for one charge, one for a Token that is none of ours, one that cannot be true and one that comes to
less than nothing are sold to nobody.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from interplug.charges import checking, facts
from interplug.charges.judging import doubled
from interplug.model.said import said
from interplug.model.types import decode_json, encode_json, fold, parse_time
from interplug.modules.node import Node
from interplug.store.bills import Bill
from interplug.store.checks import About
from interplug.store.drivers import Drive
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx
from interplug.tariffs import Sale

from .deals import Deal, as_billed, money, pinned, sale
from .drives import move
from .matching import drive_of
from .offers import chosen, known
from .reader import Reader
from .situations import of_cdr
from .tapping import begun_with_card

Document = dict[str, Any]
ZERO = Decimal()
NOT_HERE = said("the CDR that it takes back has not come")
TWICE = said("the CDR that it takes back has been taken back by another one")
DOUBLED = said("another CDR is for the same charge")
NOBODYS = "no driver of ours: the Token is none of ours, and nobody asked for it here"
IMPOSSIBLE = said("it claims far more energy than this plug can give in that time")
NEGATIVE = said("it comes to less than nothing, and takes nothing back")
AT_HOME = said("charged at the driver's own station, for which the driver is paid back")


class Biller:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.reader = Reader(node, "bills", "cdrs", self._take)
        self.tick = self.reader.read

    async def run(self) -> None:
        """Until cancelled."""
        await self.reader.start()
        while True:
            await self.tick()
            await self.node.store.changed(self.reader.position, 1.0)

    async def _take(self, tx: Tx, stored: Stored) -> None:
        about = await checking.write_about(tx, stored.pk, stored.key, stored.document)
        await _bill(tx, self.node, stored, about)
        if about.credits:
            await _freed(tx, self.node, about, stored.key)


async def _bill(tx: Tx, node: Node, stored: Stored, about: About) -> None:
    """Made when a CDR is first seen, and again where it was doubled and is no more. The last that stands is the driver's receipt."""
    made, drive = await tx.bills.of_cdr(stored.pk), await drive_of(tx, stored)
    reason = "" if _credits(stored.document) else await _unsold(tx, stored, about, drive)
    if drive is None and not reason and Decimal(stored.document["total_cost"]["before_taxes"]) >= 0:
        drive = await begun_with_card(tx, node, stored)
    blank = _blank(node, stored, drive, await _contract(tx, stored.document))
    if made is None or made.cdr_no != stored.changed_no or (made.reason == DOUBLED and not reason):
        if reason:
            made = msgspec.structs.replace(blank, kwh=ZERO if reason in (DOUBLED, IMPOSSIBLE, NEGATIVE) else blank.kwh, reason=reason)
        else:
            made = await _credit(tx, blank) if blank.credits else await _sold(tx, node, stored, drive, blank)
        await _put(tx, made)
        for credit in await tx.bills.crediting(stored.key.source, made.cdr_id):
            await _put(tx, await _credit(tx, credit))
    if drive is not None and not reason and made.reason != NEGATIVE and not stored.document.get("credit"):
        await move(tx, node, drive, "billed", cdr=stored.pk)


async def _put(tx: Tx, bill: Bill) -> None:
    await tx.bills.put(bill)
    if bill.drive:
        await tx.payments.look(bill.drive)


async def _unsold(tx: Tx, stored: Stored, about: About, drive: Drive | None) -> str:
    """Why no driver pays for it, whatever it costs."""
    if drive is None and not await facts.our_token(tx, stored.document):
        return NOBODYS
    if doubled(await facts.others(tx, about, stored.key)) is not None:
        return DOUBLED
    if Decimal(stored.document["total_energy"]) < 0:
        return NEGATIVE
    return IMPOSSIBLE if await facts.impossible(tx, stored.key, stored.document) else ""


async def _freed(tx: Tx, node: Node, credit: About, key: Key) -> None:
    """With a CDR taken back, the one that was doubled by it stands."""
    for one in await checking.met(tx, credit, key):
        stored, made = await tx.objects.get_pk(one.object), await tx.bills.of_cdr(one.object)
        if stored is not None and made is not None and made.reason == DOUBLED and not one.credits:
            await _bill(tx, node, stored, one)


def _credits(cdr: Document) -> str:
    """The CDR that a credit CDR takes back; empty for any other."""
    return fold(cdr.get("credit_reference_id") or "") if cdr.get("credit") else ""


async def _contract(tx: Tx, cdr: Document) -> str:
    """That of our own Token: who says another one, or spells it otherwise, puts the charge on nobody else's invoice."""
    token = cdr["cdr_token"]
    ours = [one.document for one in await tx.objects.find_id("tokens", token["uid"], OWN)]
    same = [one for one in ours if one["type"] == token.get("type")] or ours
    return str(same[0]["contract_id"] if same else token["contract_id"])


def _blank(node: Node, stored: Stored, drive: Drive | None, contract: str) -> Bill:
    """With what was bought, and nothing sold yet."""
    cdr = stored.document
    bought = money(cdr["total_cost"])
    assert bought is not None
    return Bill(
        cdr=stored.pk,
        cdr_no=stored.changed_no,
        source=stored.key.source,
        cdr_id=fold(cdr["id"]),
        credits=_credits(cdr),
        drive="" if drive is None else drive.id,
        contract=contract,
        kwh=Decimal(cdr["total_energy"]),
        bought_currency=cdr["currency"].upper(),
        bought_net=bought.excl,
        bought_gross=bought.incl,
        ended_at=parse_time(cdr["end_date_time"]),
        billed_at=node.clock(),
    )


async def _sold(tx: Tx, node: Node, stored: Stored, drive: Drive | None, blank: Bill) -> Bill:
    cdr, key = stored.document, stored.key
    if cdr.get("home_charging_compensation"):
        return msgspec.structs.replace(blank, reason=AT_HOME)
    if drive is not None and drive.terminal:
        billed = as_billed(cdr)
        return _with(blank, billed) if billed is not None else msgspec.structs.replace(blank, reason="the bill names no cost")
    agreed = pinned(drive) if drive is not None else await _standing(tx, node, stored)
    place = Key("locations", key.source, key.country, key.party, cdr["cdr_location"]["id"])
    location = await tx.objects.get(place, whole=False, gone=True)
    found, reason = sale(agreed, cdr, None if location is None else location.document.get("time_zone"))
    offer = "" if agreed.offer is None else agreed.offer.id
    if found is None:
        return msgspec.structs.replace(blank, offer=offer, reason=reason)
    return _with(msgspec.structs.replace(blank, offer=offer), found)


async def _standing(tx: Tx, node: Node, stored: Stored) -> Deal:
    """Nobody was shown a price: the offer that held at the start, and the Tariffs of the CDR where the operator's prices pass through."""
    here = await of_cdr(tx, node, stored)
    return Deal(chosen(map(known, await tx.offers.at(here.at)), here))


def _with(blank: Bill, sold: Sale) -> Bill:
    """Nothing goes to a driver of whom nothing was taken: only a credit gives back."""
    if min(blank.kwh, sold.total.excl or ZERO, sold.total.incl or ZERO) < 0:
        return msgspec.structs.replace(blank, kwh=ZERO, reason=NEGATIVE)
    return msgspec.structs.replace(
        blank,
        sold_currency=sold.currency,
        sold_net=sold.total.excl,
        sold_gross=sold.total.incl,
        lines=encode_json([line.to_document() for line in sold.lines]),
    )


async def _credit(tx: Tx, credit: Bill) -> Bill:
    """Of the driver's money as much goes back as was taken, and once: of several credit CDRs by the first that came."""
    taken = await tx.bills.named(credit.source, credit.credits)
    if taken is None:
        return msgspec.structs.replace(credit, kwh=ZERO, reason=NOT_HERE)
    if any(other.cdr < credit.cdr for other in await tx.bills.crediting(credit.source, credit.credits)):
        return msgspec.structs.replace(credit, kwh=ZERO, reason=TWICE)
    return msgspec.structs.replace(
        credit,
        drive=taken.drive,
        offer=taken.offer,
        sold_currency=taken.sold_currency,
        sold_net=_minus(taken.sold_net),
        sold_gross=_minus(taken.sold_gross),
        reason=taken.reason,
        kwh=-taken.kwh,
        lines=encode_json([_back(line) for line in decode_json(taken.lines)]),
    )


def _minus(value: Decimal | None) -> Decimal | None:
    return None if value is None else -value


def _back(line: Document) -> Document:
    return {**line, **{side: None if line[side] is None else f"{-Decimal(line[side]):f}" for side in ("excl", "incl")}}
