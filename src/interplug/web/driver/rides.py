"""What the pages of a drive show: where it is, how it goes, and in the end its receipt.

Every volume is the operator's, with the time at which it was told; costs are the driver's, called what they are, with taxes or before
them. This file decides nothing about a drive; it reads what the drivers' room knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from interplug.drivers.deals import Deal, pinned
from interplug.drivers.receipt import Amount, Live, Receipt, live, receipt
from interplug.drivers.states import OPEN, PAYING, STARTING, advance
from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.payments.states import HOLDING
from interplug.store.drivers import Drive
from interplug.store.keys import Key, Stored
from interplug.store.payments import Payment
from interplug.store.tx import Tx
from interplug.web import wording

from .stations import Contact, contact_of

Document = dict[str, Any]


@dataclass(slots=True, frozen=True)
class Ride:
    """A drive with its place. `pk` of the Location is 0 where we do not know it any more."""

    live: Live
    pk: int
    name: str
    address: str
    time_zone: str | None
    deal: Deal
    """What was shown before the start."""
    receipt: Receipt | None
    contact: Contact
    """With who tells of it."""
    payment: Payment | None = None
    invoices: tuple[str, ...] = ()
    """Their numbers."""

    @property
    def drive(self) -> Drive:
        return self.live.drive

    @property
    def open(self) -> bool:
        return self.drive.state in OPEN

    @property
    def starting(self) -> bool:
        return self.drive.state in STARTING

    @property
    def stoppable(self) -> bool:
        return self.live.session is not None and advance(self.drive.state, "stop") is not None

    @property
    def paying(self) -> bool:
        """Whether the driver has to pay before anything is started."""
        return self.drive.state == PAYING

    @property
    def to_pay(self) -> object:
        """What the pay step says; None where there is none."""
        return _paid(self.payment) if self.paying else None

    @property
    def price(self) -> str:
        """In words; empty where it was not known."""
        return self.deal.price

    @property
    def named_later(self) -> str:
        """The price in the bill, where none was known before the start."""
        bill = self.receipt
        tariffs = (bill.cdr.get("tariffs") or ()) if bill is not None and bill.total is not None and not self.price else ()
        return "; ".join(words for tariff in tariffs if (words := Deal(self.deal.offer, tariff).price))

    def lasted(self, now: int) -> int | None:
        """Seconds since charging began, or that it took."""
        began = self.live.began
        return None if began is None else wording.seconds(began, self.live.ended or now)

    def shown(self) -> tuple[object, ...]:
        """What the page shows but for the time that passes: a stream tells of it when this changes."""
        here, drive = self.live, self.drive
        figures = (here.kwh, here.cost, here.began, here.ended, here.power, here.soc, here.updated)
        return self.contact.silent, drive.state, drive.reason, drive.session, drive.cdr, _paid(self.payment), *figures

    def document(self) -> Document:
        here, drive = self.live, self.drive
        return {
            "id": drive.id,
            "state": drive.state,
            "state_text": wording.STATES[drive.state],
            "reason": drive.reason or None,
            "open": self.open,
            "stoppable": self.stoppable,
            "created_at": format_time(drive.created_at),
            "station": {"id": self.pk or None, "name": self.name, "evse": drive.evse, "connector": drive.connector},
            "price": self.price or None,
            "on_top": None if self.price else self.deal.on_top or None,
            "session_id": here.session.key.id if here.session is not None else None,
            "kwh": here.kwh,
            "cost": _amount(here.cost),
            "power_kw": here.power,
            "soc": here.soc,
            "began_at": _time(here.began),
            "ended_at": _time(here.ended),
            "updated_at": _time(here.updated),
            "silent_since": _time(self.contact.silent or None),
            "payment": _payment(self.payment, self.paying),
            "invoices": list(self.invoices),
            "receipt": None if self.receipt is None else _receipt(self.receipt, self.named_later),
        }


async def ride(node: Node, drive: Drive) -> Ride:
    key = Key("locations", drive.connection, drive.country, drive.party, drive.place)
    location = await node.store.read(lambda tx: tx.objects.get(key, whole=False))
    contact = await node.store.read(lambda tx: contact_of(tx, node, drive.connection, 0))
    payment = await node.store.read(lambda tx: tx.payments.of_drive(drive.id))
    invoices = await node.store.read(lambda tx: tx.invoices.of_drive(drive.id))
    found = _ride(await live(node, drive), location, await receipt(node, drive), contact, payment)
    return replace(found, invoices=tuple(one.number for one in invoices))


async def moved(node: Node, drive: Drive) -> object:
    """Changes whenever the page of this drive may have to."""

    async def work(tx: Tx) -> object:
        session = await tx.objects.get_pk(drive.session) if drive.session else None
        contact = await contact_of(tx, node, drive.connection, 0)
        paid = _paid(await tx.payments.of_drive(drive.id))
        return drive.state, drive.reason, drive.cdr, contact.silent, paid, None if session is None else (session.pk, session.changed_no)

    return await node.store.read(work)


def _ride(view: Live, location: Stored | None, bill: Receipt | None, contact: Contact, payment: Payment | None) -> Ride:
    document = location.document if location is not None else {}
    drive = view.drive
    return Ride(
        live=view,
        pk=location.pk if location is not None else 0,
        name=document.get("name") or document.get("address") or drive.place,
        address=", ".join(part for part in (document.get("address"), document.get("city")) if part),
        time_zone=document.get("time_zone"),
        deal=pinned(drive),
        receipt=bill,
        contact=contact,
        payment=payment,
    )


async def of_driver(node: Node, driver: str) -> list[Ride]:
    """The newest first."""
    drives = await node.store.read(lambda tx: tx.drivers.of_driver(driver)) if driver else []
    return [await ride(node, drive) for drive in drives]


def _time(at: int | None) -> str | None:
    return None if at is None else format_time(at)


def _amount(amount: Amount | None) -> Document | None:
    return None if amount is None else {"currency": amount.currency, "before_taxes": amount.net, "after_taxes": amount.gross}


def _paid(payment: Payment | None) -> object:
    """What of a payment is shown."""
    shown = ("state", "reason", "held", "captured", "refunded", "warned", "due")
    return None if payment is None else tuple(getattr(payment, name) for name in shown)


def _payment(payment: Payment | None, paying: bool) -> Document | None:
    if payment is None:
        return None
    return {
        "state": payment.state,
        "reason": payment.reason or None,
        "currency": payment.currency,
        "asked": payment.wanted,
        "held": payment.held if payment.state in HOLDING else 0,
        "paid": payment.kept,
        "given_back": payment.refunded,
        "pay_at": f"/drives/{payment.drive}/pay" if paying else None,
    }


def _receipt(bill: Receipt, named_later: str) -> Document:
    return {
        "cdr_id": bill.cdr["id"],
        "kwh": bill.kwh,
        "began_at": format_time(bill.began),
        "ended_at": format_time(bill.ended),
        "total": _amount(bill.total),
        "reason": bill.reason or None,
        "taken_back": bill.taken_back,
        "verdict": bill.checked.verdict,
        "other_price": named_later or None,
        "computed": None if bill.total is None else {"before_taxes": bill.total.net, "after_taxes": bill.total.gross},
        "lines": list(bill.lines),
        "signed": _signed(bill),
    }


def _signed(bill: Receipt) -> Document | None:
    proof = bill.proof
    if proof is None:
        return None
    values = [{"nature": one.nature, "text": one.text} for one in bill.signed]
    method = bill.cdr["signed_data"]["encoding_method"]
    return {"verdict": proof.verdict, "kwh": proof.kwh, "encoding_method": method, "public_key": proof.key or None, "values": values}
