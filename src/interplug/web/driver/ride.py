"""A drive as its pages show it: where it is, how it goes, what went wrong and what one does then, and in the end its receipt.

Every volume is the operator's, with the time at which it was told; costs are the driver's, called what they are, with taxes or before
them. This file decides nothing about a drive, and reads nothing: `rides.py` brings what it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interplug.backend.reports import reference
from interplug.drivers.answers import TAKEN, not_asked, operators_words
from interplug.drivers.deals import Deal, passing
from interplug.drivers.receipt import Amount, Live, Receipt
from interplug.drivers.states import CHARGING, OPEN, PAYING, STARTING, STOPPING, advance
from interplug.model.types import format_time
from interplug.payments.port import PROOF
from interplug.payments.states import ASKING, HOLDING
from interplug.store.bills import Bill
from interplug.store.commands import Command
from interplug.store.drivers import Drive
from interplug.store.payments import Payment
from interplug.web import wording

from . import words
from .course import ROWS, Point, thinned
from .stations import Contact
from .words import Advice

Document = dict[str, Any]
FAILED = ("refused", "failed", "timed_out", "unanswered")
"""States of a command that has come to nothing, for all that is known."""
UNDERWAY = (CHARGING, STOPPING)
OUT = ("INOPERATIVE", "OUTOFORDER")
"""Statuses of an EVSE that does not work."""


def faulty(drive: Drive, status: str) -> bool:
    """Whether the operator says that the EVSE, of which it tells this status, is out of order in mid-charge."""
    return drive.state in UNDERWAY and status in OUT


def _outcome(row: Command) -> str:
    """Which of `words.RESULTS` or `words.OUTCOMES` says what became of a command."""
    unanswered = row.state in ("unanswered", "timed_out") and not row.answered
    if row.command == "STOP_SESSION" and row.state in TAKEN:
        return "not over"
    if row.command == "STOP_SESSION":
        return "stop unanswered" if unanswered else "not stopped"
    return "not asked" if not_asked(row) else "unanswered" if unanswered else row.result


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
    started: Command | None = None
    """How the command that asked for the start stands."""
    stopped: Command | None = None
    end_by: int = 0
    """When the end of a charge that was asked to stop is late; 0: it was not."""
    points: tuple[Point, ...] = ()
    """Its course so far."""
    bills: tuple[Bill, ...] = ()
    """All that was billed for it, in the order in which it came."""
    evse_id: str = ""
    status: str = ""
    """Of the EVSE, as the operator tells it now."""
    phone: str = ""
    """The operator's help line."""
    ours: str = ""
    """Our own."""
    void_after: float = 0.0
    """Minutes for which money is still held after a start that failed."""

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
    def reference(self) -> str:
        """What the driver quotes."""
        return reference(self.drive.id)

    @property
    def called(self) -> str:
        """Its state, as a key of `wording.STATES`: what has begun and was taken back did not fail to start."""
        session = self.live.session
        invalid = self.drive.state == "FAILED" and session is not None and session.document["status"] == "INVALID"
        return "INVALID" if invalid else self.drive.state

    @property
    def step(self) -> int:
        """How far a start has come: 1 the operator is asked, 2 the station, 3 it waits for the car, 4 the car charges; 0: none of them."""
        return {"ASKED": 1, "ACCEPTED": 2, "UNSURE": 2, "STARTED": 3, "CHARGING": 4}.get(self.drive.state, 0)

    @property
    def until(self) -> int:
        """When what is awaited now is late: the promised answer of the station, or the first word of the charge; 0: nothing is."""
        state, row = self.drive.state, self.started
        if state == "STOPPING":
            return self.end_by
        if state in ("ASKED", "ACCEPTED"):
            return row.deadline if row is not None and not row.finished_at else 0
        return self.drive.deadline if state == "STARTED" else 0

    @property
    def advice(self) -> Advice | None:
        """What a start or a stop that did not work means, and what one does then; None: nothing of the kind has happened."""
        row = self._failed
        if row is None:
            return None
        return words.fault(row.message) or words.result(_outcome(row))

    @property
    def said(self) -> str:
        """The operator's own words for it."""
        return operators_words(self._failed) if self._failed is not None else ""

    @property
    def stop_failed(self) -> bool:
        """It was asked to stop, and charges on as far as anybody tells."""
        return self.drive.state == "CHARGING" and self.stopped is not None and self.stopped.state in (*FAILED, *TAKEN)

    @property
    def _failed(self) -> Command | None:
        if self.stop_failed:
            return self.stopped
        failed = self.drive.state in ("FAILED", "UNSURE") and self.started is not None and self.started.state in FAILED
        return self.started if failed else None

    @property
    def faulty(self) -> bool:
        return faulty(self.drive, self.status)

    @property
    def fault(self) -> Advice | None:
        """That the operator calls the station out of order while the car charges, and what one does then."""
        return words.out_of_order(self.name) if self.faulty else None

    @property
    def again(self) -> bool:
        """Whether the same start can be asked for again from here."""
        return self.drive.state == "FAILED" and not self.live.session and not self.receipt and bool(self.pk) and not self.drive.token

    @property
    def remark(self) -> Advice | None:
        """The fault that the bill names."""
        return words.fault(str(self.receipt.cdr.get("remark") or "")) if self.receipt is not None else None

    @property
    def nothing_paid(self) -> bool:
        """A start has failed, and money is held still."""
        return self.drive.state == "FAILED" and not self.live.session and self.payment is not None and self.payment.state in HOLDING

    @property
    def used(self) -> int | None:
        """How much of the hold is used, in percent; None where nothing is held, or the cost is not known."""
        paid, cost = self.payment, self.live.cost
        if paid is None or paid.state not in HOLDING or not paid.held or cost is None or cost.currency != paid.currency:
            return None
        return min(100, int(cost.shown * 100 / paid.held))

    @property
    def rows(self) -> list[Point]:
        """Of the table beside the curve."""
        return thinned(self.points, ROWS)

    @property
    def earlier(self) -> list[Bill]:
        """Bills of this drive that are not the one that stands."""
        return [one for one in self.bills if one.cdr != self.drive.cdr and not one.credits and one.sold_currency]

    @property
    def stoppable(self) -> bool:
        return self.live.session is not None and advance(self.drive.state, "stop") is not None

    @property
    def taken(self) -> bool:
        """Whether the station has said that it stops."""
        return self.stopped is not None and self.stopped.state == "succeeded"

    @property
    def paying(self) -> bool:
        """Whether the driver has to pay before anything is started."""
        return self.drive.state == PAYING

    @property
    def proof(self) -> bool:
        """Whether the driver's bank asks who pays, before anything is held."""
        return self.paying and self.payment is not None and self.payment.reason == PROOF

    @property
    def settled(self) -> bool:
        """Billed, and nothing moves any more that the driver waits for."""
        return self.receipt is not None and (self.payment is None or self.payment.state not in (*ASKING, *HOLDING))

    @property
    def price(self) -> str:
        """In words; empty where it was not known."""
        return self.deal.price

    @property
    def named_later(self) -> str:
        """The price in the bill, where none was known before the start."""
        bill = self.receipt
        tariffs = (bill.cdr.get("tariffs") or ()) if bill is not None and bill.total is not None and not self.price else ()
        return "; ".join(words for tariff in tariffs if (words := passing(self.deal.offer, tariff).price))

    def lasted(self, now: int) -> int | None:
        """Seconds since charging began, or that it took."""
        began = self.live.began
        return None if began is None else wording.seconds(began, self.live.ended or now)

    def shown(self) -> tuple[object, ...]:
        """What the page shows but for the time that passes: a stream tells of it when this changes."""
        here, drive = self.live, self.drive
        figures = (here.kwh, here.cost, here.began, here.ended, here.power, here.soc, here.updated)
        told = drive.unwanted, self.until, self.advice, here.idle, len(self.points)
        return self.contact.silent, drive.state, drive.reason, drive.session, drive.cdr, paid(self.payment), *figures, *told

    def document(self) -> Document:
        here, drive = self.live, self.drive
        return {
            "id": drive.id,
            "reference": self.reference,
            "state": drive.state,
            "state_text": wording.STATES[self.called],
            "reason": drive.reason or None,
            "advice": None if self.advice is None else self.advice._asdict(),
            "fault": None if self.fault is None else self.fault._asdict(),
            "answer_until": _time(self.until or None),
            "unwanted": bool(drive.unwanted),
            "open": self.open,
            "stoppable": self.stoppable,
            "created_at": format_time(drive.created_at),
            "station": {"id": self.pk or None, "name": self.name, "evse": drive.evse, "connector": drive.connector},
            "price": self.price or None,
            "on_top": None if self.price else self.deal.on_top or None,
            "session_id": here.session.key.id if here.session is not None else None,
            "kwh": here.kwh,
            "cost": _amount(here.cost),
            "cost_lines": list(here.lines),
            "idle": here.idle,
            "idle_fee": self.deal.idle_fee or None,
            "hold_used": self.used,
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


def _time(at: int | None) -> str | None:
    return None if at is None else format_time(at)


def _amount(amount: Amount | None) -> Document | None:
    return None if amount is None else {"currency": amount.currency, "before_taxes": amount.net, "after_taxes": amount.gross}


def paid(payment: Payment | None) -> object:
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
